"""What stops a draft from being submitted, said beside the field it speaks of."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from hub import draft, render
from hub.alert import AlertInfo
from hub.capabilities import Capabilities
from hub.draft import Message
from hub.errors import BadInput, HubError, Refused
from hub.hazard import Hazard
from operator_ui.form import Problem
from operator_ui.staff.draft_form import why
from operator_ui.staff.named_sites import Named
from operator_ui.staff.previews import Previews, Shown
from shelters.site import Site


def stops(
    message: Message,
    shown: Previews,
    capabilities: Mapping[str, Capabilities],
    sites: Sequence[Named],
    usual: Sequence[str],
) -> list[Problem]:
    """Why the draft cannot be submitted. Empty: it can. `sites`: those that its texts name. `usual`: the
    channels it goes by unless somebody turns one off."""
    try:
        draft.check(message)
        render.check(message.infos, mode=message.mode, correction=message.correction)
    except (BadInput, Refused) as e:
        return [problem(e, message.infos)]
    if shown.error is not None:
        return [problem(shown.error, message.infos)]
    too_long = [
        channel
        for channel in shown.channels
        if channel.too_long and channel.kind in message.targeting.channels
    ]
    return [
        *_unsuited(message.hazard, sites),
        *_unexplained(message, capabilities, usual),
        *_too_long(too_long, capabilities),
    ]


def problem(error: HubError, infos: Sequence[AlertInfo]) -> Problem:
    """The error beside the field it speaks of."""
    place, _, rest = error.message.partition(": ")
    if not place.startswith("$."):
        return Problem("problems", error.message)
    if place.startswith(_DETAILS):
        return Problem(detail_field(place), rest)
    text = re.fullmatch(r"\$\.infos\[(\d+)\]\.(\w+)", place)
    if text and int(text[1]) < len(infos):
        return Problem(f"text-{infos[int(text[1])].language}-{text[2]}", rest)
    return Problem(_FIELDS.get(place, place.split(".")[-1]), rest)


_DETAILS = "$.details."


def detail_field(place: str) -> str:
    """The id of the input for `$.details.place.ja`: `detail-place-ja`."""
    return "detail-" + place.removeprefix(_DETAILS).replace(".", "-")


_FIELDS = {"$.valid_for_s": "hours", "$.infos": "problems", "$.references": "problems"}


def _unexplained(
    message: Message, capabilities: Mapping[str, Capabilities], usual: Sequence[str]
) -> list[Problem]:
    return [
        Problem(
            why(kind),
            f"{capabilities[kind].japanese}を使わない理由を書いてください / Say why {kind} is left out",
        )
        for kind in usual
        if kind not in message.targeting.channels and kind not in message.why_left_out
    ]


def _too_long(over: Sequence[Shown], capabilities: Mapping[str, Capabilities]) -> Iterator[Problem]:
    """Beside the texts of the language that is to be shortened, whatever channels it is too long for."""
    for language in dict.fromkeys(each.longest for each in over if each.longest):
        here = [each for each in over if each.longest is language]
        names = "、".join(f"{capabilities[each.kind].japanese}（{each.too_long}多い）" for each in here)
        kinds = ", ".join(f"{each.kind} (by {each.too_long})" for each in here)
        yield Problem(
            f"language-{language}",
            f"{language.autonym}の文面が入りません：{names} / The text in {language.autonym} is too long for {kinds}",
        )


def _unsuited(hazard: Hazard, sites: Sequence[Named]) -> list[Problem]:
    """No text names a site that is not designated for the alert's hazard (I16).

    For what the law designates no site for, a power cut say, a site may be where water is given out.
    """
    return [
        Problem(each.field, not_designated(each.site, hazard))
        for each in sites
        if hazard.designable and not each.site.designated_for(hazard)
    ]


def not_designated(site: Site, hazard: Hazard) -> str:
    """In words."""
    return (
        f"{site.name.ja}は{hazard.japanese}の避難場所に指定されていません / "
        f"{site.name.en} is not designated for this hazard ({hazard})"
    )


def other_level(info: AlertInfo, message: Message) -> bool:
    """Whether the text speaks of levels, and none of them is the message's."""
    text = unicodedata.normalize("NFKC", f"{info.headline}\n{info.short}")
    named = {int(digit) for digit in _LEVEL.findall(text)}
    return bool(named) and message.level not in named


_LEVEL = re.compile(r"(?:レベル|[Ll]evel|等级|等級|레벨|cấp|स्तर)\s*([1-5])")
