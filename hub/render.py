"""Rendering: an approved alert becomes the content of one variant, as tagged spans.

Fixed spans are the approved bytes and nothing else; slots hold values that fit their grammar, or the
approved fallback; the drill framing is the renderer's own. `verify` proves all of that again, from
the alert alone, so that what is handed to a gateway can be checked without trusting this module's
first run.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from hub import codec, shelter_list, slots, wording
from hub.alert import Alert, AlertInfo, Mode
from hub.channel import Content, Span, Spans
from hub.clock import Clock
from hub.delivery import Variant
from hub.errors import BadInput, Refused
from hub.framing import frame
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name
from hub.recipient import Towns, Zone
from hub.shelter_list import ShelterLines
from hub.slots import Form

log = structlog.get_logger(__name__)


class SlotSource(Protocol):
    """What fills the slots. The guarantees of I16 are the implementation's."""

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        """The receiving sites that are designated for `hazard`, best for `zone` first; None: not known."""
        ...

    def official(self, site: str) -> bool:
        """Whether `site` is the official name of one of the city's sites."""
        ...

    def city(self, language: Language) -> str:
        """The city's name."""
        ...

    def link(self, number: str, language: Language) -> str:
        """The public page of the alert with this number."""
        ...

    def telephone(self) -> str:
        """As `hub.channel.Content.telephone`, written with hyphens."""
        ...


def check(infos: Sequence[AlertInfo], *, mode: Mode, correction: bool) -> None:
    """Whether these texts could be rendered; for a draft, before anybody approves it.

    Raises:
        BadInput: a text cannot be parsed, or is empty; names it, `$.infos[0].short`.
        Refused: the wording does not fit the mode (`wording.check`).
    """
    for i in range(len(infos)):
        _parsed(infos, i)
    wording.check(infos, mode=mode, correction=correction)


def render(alert: Alert, variant: Variant, source: SlotSource, clock: Clock, *, number: str) -> Content:
    """What `variant` is told. The same alert, values and time give the same content.

    `number` is the alert's public one, `2026-0147`. The language is the variant's, or its fallback
    where the alert has no text in it.

    Raises:
        BadInput, Refused: as `check`.
    """
    wording.check(alert.infos, mode=alert.mode, correction=alert.correction)
    wording.check_order(alert.order, alert.area, mode=alert.mode)
    info = alert.info(variant.language)
    shelters = _usable(source.shelters(variant.zone, alert.hazard, info.language), source, clock)
    values = _known_values(alert, info.language) | {"number": number, "city": source.city(info.language)}
    telephone = source.telephone()
    written = values | {"shelters": _listed(shelters, info.language, telephone, spoken=False)}
    spoken = values | {"shelters": _listed(shelters, info.language, telephone, spoken=True)}
    texts = approved(alert, info.language)
    listed = shelters if _lists(texts) else None
    content = Content(
        language=info.language,
        mode=alert.mode,
        msg_type=alert.msg_type,
        level=alert.level,
        identifier=alert.identifier,
        number=number,
        sender=source.city(info.language),
        sent=alert.sent,
        headline=_filled(texts["headline"], written),
        body=_filled(texts["body"], written),
        short=_filled(texts["short"], written),
        speech=_filled(texts["speech"], spoken),
        link=source.link(number, info.language),
        telephone=telephone,
        thread=alert.thread,
        event=info.event,
        hazard=alert.hazard,
        area=alert.area.description,
        towns=audience.towns if isinstance(audience := alert.targeting.audience, Towns) else (),
        references=alert.references,
        sites_as_of=_to_the_minute(listed.as_of) if listed else None,
        sites=tuple(line.name for line in listed.lines[: shelter_list.MOST_LINES]) if listed else (),
    )
    verify(content, alert)
    return content


def verify(content: Content, alert: Alert) -> None:
    """The content says what was approved for this alert, byte for byte, and its slots fit their grammar.

    Raises:
        Refused: it does not; names the text. Nothing of the text itself is in the message.
    """
    _verify_head(content, alert)
    known = _known_values(alert, content.language) | {"number": content.number, "city": content.sender}
    for form, template in approved(alert, content.language).items():
        spans: Spans = getattr(content, form)
        if len(spans) != len(template) or not all(
            _allowed(span, expected, known, content.language)
            for span, expected in zip(spans, template, strict=True)
        ):
            raise _not_approved(form, content)


def approved(alert: Alert, language: Language) -> Mapping[str, Spans]:
    """The templates of a content's four texts, framed if the alert is a drill; slots are still empty.

    The body is the description and the instruction under each other.

    Raises:
        BadInput: a text cannot be parsed.
    """
    info = alert.info(language)
    parsed = _parsed(alert.infos, alert.infos.index(info))
    between = (Span("\n"),) if parsed[Form.INSTRUCTION] else ()
    texts = {
        "headline": parsed[Form.HEADLINE],
        "body": slots.join((*parsed[Form.DESCRIPTION], *between, *parsed[Form.INSTRUCTION])),
        "short": parsed[Form.SHORT],
        "speech": parsed[Form.SPEECH],
    }
    if alert.mode is Mode.LIVE:
        return texts
    return {form: frame(spans, form, info.language) for form, spans in texts.items()}


def without_old_list(content: Content, now: datetime) -> Content:
    """`content`, with the approved sentence in place of a list of sites that is older than 30 minutes at `now`.

    A text is frozen when it is planned, and a call may be hours later.
    """
    fresh = content.sites_as_of is None or now - content.sites_as_of <= shelter_list.STALE_AFTER
    return content if fresh else without_list(content)


def without_list(content: Content) -> Content:
    """`content`, with the approved sentence in place of its list of sites."""
    return msgspec.structs.replace(_listing(content, ()), sites_as_of=None, sites=())


def with_longest_list(content: Content, sites: Collection[Name]) -> Content:
    """`content` at its longest, for checks before it is approved: with the most that its list of sites can come to say,
    whichever of `sites` are on it then. Every other slot is known by then."""
    return _listing(content, sites)


def content_hash(content: Content) -> str:
    """SHA-256 over the canonical JSON; names a frozen body in the ledger."""
    return hashlib.sha256(codec.encode(content)).hexdigest()


def _parsed(infos: Sequence[AlertInfo], i: int) -> dict[Form, Spans]:
    info, place = infos[i], f"$.infos[{i}]"
    parsed = {
        form: slots.parse(getattr(info, form), place=f"{place}.{form}", form=form, language=info.language)
        for form in Form
    }
    if empty := [form for form in wording.STAND_ALONE if not parsed[form]]:
        raise BadInput(f"{place}.{empty[0]}", "is empty / 文面がありません")
    return parsed


def _known_values(alert: Alert, language: Language) -> dict[str, str]:
    return {
        "issued_at": shelter_list.clock_words(alert.order.ordered_at, language),
        "area": alert.area.description,
        "issuer": alert.order.issuer,
    }


def _usable(shelters: ShelterLines | None, source: SlotSource, clock: Clock) -> ShelterLines | None:
    """None where the fallback must stand: nothing is open, the list is old, or a name is not official."""
    if shelters is None or not shelters.lines:
        return None
    if clock() - shelters.as_of > shelter_list.STALE_AFTER:
        log.warning("shelter list is stale", as_of=shelters.as_of.isoformat())
        return None
    if not all(source.official(line.name) for line in shelters.lines):
        log.error("shelter list names a site that is not official")
        return None
    return shelters


def _listed(shelters: ShelterLines | None, language: Language, telephone: str, *, spoken: bool) -> str:
    unknown = slots.shelters_unknown(language, telephone=telephone, spoken=spoken)
    if shelters is None:
        return unknown
    text = (shelter_list.spoken if spoken else shelter_list.written)(shelters, language)
    if not text:  # no name that a voice of this language can say
        return unknown
    if shelter_list.fits(text, language):
        return text
    log.error("shelter list does not fit its grammar", language=language.value)
    return unknown


def _listing(content: Content, sites: Collection[Name]) -> Content:
    """With the longest list of `sites`, or the approved sentence where that is longer."""
    texts = {}
    for form in ("headline", "body", "short", "speech"):
        aloud, language = form == "speech", content.language
        unknown = slots.shelters_unknown(language, telephone=content.telephone, spoken=aloud)
        said = max(unknown, shelter_list.longest(sites, language, aloud=aloud), key=len)
        texts[form] = tuple(
            Span(said, "shelters") if span.slot == "shelters" else span for span in getattr(content, form)
        )
    return msgspec.structs.replace(content, **texts)


def _to_the_minute(moment: datetime) -> datetime:
    """As the texts say it: no content is another for a few seconds that nobody reads."""
    return moment.replace(second=0, microsecond=0)


def _lists(texts: Mapping[str, Spans]) -> bool:
    return any(span.slot == "shelters" for spans in texts.values() for span in spans)


def _filled(template: Spans, values: Mapping[str, str]) -> Spans:
    return tuple(
        Span(values[span.slot], span.slot) if span.slot and span.slot != slots.DRILL else span
        for span in template
    )


def _verify_head(content: Content, alert: Alert) -> None:
    head = (content.identifier, content.mode, content.msg_type, content.level, content.sent)
    if head != (alert.identifier, alert.mode, alert.msg_type, alert.level, alert.sent):
        raise Refused(f"the content of {content.identifier} is not of the alert {alert.identifier}")
    if alert.info(content.language).language is not content.language:
        raise Refused(f"alert {alert.identifier} has no approved text in {content.language}")


def _allowed(span: Span, expected: Span, known: Mapping[str, str], language: Language) -> bool:
    if span.slot != expected.slot:
        return False
    if span.slot is None or span.slot == slots.DRILL:
        return span.text == expected.text
    return span.text == known.get(span.slot, span.text) and slots.fits(span, language)


def _not_approved(form: str, content: Content) -> Refused:
    return Refused(
        f"alert {content.identifier}, {content.language} {form}: the text is not the approved one. Nothing was "
        "sent. / 承認された文面と一致しません。送っていません"
    )
