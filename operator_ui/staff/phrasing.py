"""The texts of a draft and where they come from: which template, for which river, changed by hand or not.

A draft does not say which template it began from; its texts do. A text that is what a template says for
this area is that template's; any other was changed by hand and needs a person's check.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub import phrases
from hub.alert import AlertInfo
from hub.city import City
from hub.details import Details
from hub.draft import Message
from hub.errors import BadInput
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.phrases import Earlier, Template
from hub.place import Name
from hub.placename import Names
from hub.recipient import Audience
from hub.slots import Form
from operator_ui.staff import areas

_NOTHING = Details()


class TextState(StrEnum):
    """What a person has to do about a text before it is sent."""

    VERIFIED = "verified"  # 人が確認済
    TEMPLATE = "template"  # 定型文のまま・要確認
    EDITED = "edited"  # 手で変更・要確認


class Origin(NamedTuple):
    template: Template
    river: str
    """A river's code, or empty."""


def write(
    template: Template,
    city: City,
    audience: Audience,
    *,
    river: str = "",
    earlier: Earlier | None = None,
    details: Details = _NOTHING,
) -> tuple[AlertInfo, ...]:
    """The template's texts for this area. Raises `BadInput` when it needs what was not given."""
    return phrases.fill(
        template,
        city=city.names,
        area=areas.names(audience, city),
        river=_river(city, river),
        earlier=earlier,
        details=details,
    )


def origin(
    message: Message, templates: Mapping[str, Template], city: City, *, earlier: Earlier | None = None
) -> Origin | None:
    """The template that at least one language's texts still are; the one that fits most of them."""
    fits = [
        (sum(info in message.infos for info in written), candidate)
        for candidate, written in _candidates(message, templates, city, earlier)
    ]
    best = max(fits, key=lambda fit: fit[0], default=(0, None))
    return best[1] if best[0] else None


def states(
    message: Message,
    templates: Mapping[str, Template],
    city: City,
    *,
    earlier: Earlier | None = None,
    today: date,
) -> dict[Language, TextState]:
    found = origin(message, templates, city, earlier=earlier)
    if found is None:
        return {info.language: TextState.EDITED for info in message.infos}
    written = _written(found, message, city, earlier)
    return {info.language: _state(info, written, found.template, today) for info in message.infos}


def rewritten(
    old: Message,
    new: Message,
    templates: Mapping[str, Template],
    city: City,
    *,
    earlier: Earlier | None = None,
) -> Message:
    """`new`, with the texts that nobody changed by hand written anew for its area, level and typed values.

    Texts changed by hand stay, even where they now name another place: their state says so.
    """
    if _filled_with(old) == _filled_with(new):
        return new
    found = origin(old, templates, city, earlier=earlier)
    template = found and _for_level(found.template, new.level, templates)
    if found is None or template is None:
        return new
    before = _written(found, old, city, earlier)
    after = _written(Origin(template, found.river), new, city, earlier)
    replaced = {was: becomes for was in before for becomes in after if was.language is becomes.language}
    infos = tuple(_match(info, replaced) for info in new.infos)
    return msgspec.structs.replace(new, infos=infos)


def title(message: Message) -> Name:
    """What a list calls a draft: 「避難指示（洪水）」."""
    return title_of(message.infos, message.hazard)


def title_of(infos: Sequence[AlertInfo], hazard: Hazard) -> Name:
    """What a list calls an alert."""
    event = event_of(infos)
    if hazard is Hazard.OTHER:
        return event
    return Name(ja=f"{event.ja}（{hazard.japanese}）", en=f"{event.en} ({hazard.replace('_', ' ')})")


def event_of(infos: Sequence[AlertInfo]) -> Name:
    """In the words of its own texts; where there is no English one, in Japanese."""
    found = {info.language: info.event for info in infos if info.event}
    first = next(iter(found.values()), "")
    return Name(ja=found.get(Language.JA, first), en=found.get(Language.EN, first))


def _filled_with(message: Message) -> tuple[Audience, Level | None, Details]:
    return message.targeting.audience, message.level, message.details


def _written(origin: Origin, message: Message, city: City, earlier: Earlier | None) -> tuple[AlertInfo, ...]:
    return write(
        origin.template,
        city,
        message.targeting.audience,
        river=origin.river,
        earlier=earlier,
        details=message.details,
    )


def _candidates(
    message: Message, templates: Mapping[str, Template], city: City, earlier: Earlier | None
) -> Iterator[tuple[Origin, tuple[AlertInfo, ...]]]:
    for template in templates.values():
        if (template.level, template.correction) != (message.level, message.correction):
            continue
        rivers = [river.code for river in city.rivers] if "river" in template.parameters else [""]
        for river in rivers:
            try:
                written = _written(Origin(template, river), message, city, earlier)
            except BadInput:
                continue  # it needs an earlier alert, and this is about none; or values nobody typed
            yield Origin(template, river), written


def _state(info: AlertInfo, written: tuple[AlertInfo, ...], template: Template, today: date) -> TextState:
    if info not in written:
        return TextState.EDITED
    checked = all(template.state(info.language, form, today=today) is phrases.State.VERIFIED for form in Form)
    return TextState.VERIFIED if checked else TextState.TEMPLATE


def _for_level(template: Template, level: Level | None, templates: Mapping[str, Template]) -> Template | None:
    """The template that says the same at another level."""
    if template.level is level:
        return template
    alike = (template.hazard, template.msg_type, template.correction)
    same = (each for each in templates.values() if (each.hazard, each.msg_type, each.correction) == alike)
    return next((each for each in same if each.level is level and level is not None), None)


def _match(info: AlertInfo, replaced: Mapping[AlertInfo, AlertInfo]) -> AlertInfo:
    return next((becomes for was, becomes in replaced.items() if was == info), info)


def _river(city: City, code: str) -> Names | None:
    return next((river.names for river in city.rivers if river.code == code), None)
