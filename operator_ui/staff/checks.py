"""What can be known of a draft before a person approves it: what stops it, and what to look at."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hub import draft, render
from hub.alert import AlertInfo
from hub.channel import Capabilities, Health
from hub.draft import Message
from hub.errors import BadInput, HubError, Refused
from hub.hazard import Hazard
from hub.language import Language
from operator_ui.form import Problem
from operator_ui.staff.named_sites import Named
from operator_ui.staff.phrasing import TextState
from operator_ui.staff.previews import Previews
from shelters.site import Site


class Check(NamedTuple):
    """One line of the list. `message` is 「日本語 / English」."""

    ok: bool
    message: str


def stops(
    message: Message, shown: Previews, capabilities: Mapping[str, Capabilities], sites: Sequence[Named]
) -> list[Problem]:
    """Why the draft cannot be submitted. Empty: it can. `sites`: those that its texts name."""
    try:
        draft.check(message)
        render.check(message.infos, mode=message.mode, correction=message.correction)
    except (BadInput, Refused) as e:
        return [problem(e, message.infos)]
    if shown.error is not None:
        return [problem(shown.error, message.infos)]
    too_long = [
        _too_long(capabilities[channel.kind], channel.too_long)
        for channel in shown.channels
        if channel.too_long and channel.kind in message.targeting.channels
    ]
    return [*_unsuited(message.hazard, sites), *too_long]


def problem(error: HubError, infos: Sequence[AlertInfo]) -> Problem:
    """The error beside the field it speaks of."""
    place, _, rest = error.message.partition(": ")
    if not place.startswith("$."):
        return Problem("problems", error.message)
    text = re.fullmatch(r"\$\.infos\[(\d+)\]\.(\w+)", place)
    if text and int(text[1]) < len(infos):
        return Problem(f"text-{infos[int(text[1])].language}-{text[2]}", rest)
    return Problem(_FIELDS.get(place, place.split(".")[-1]), rest)


def looks(
    message: Message,
    *,
    states: Mapping[Language, TextState],
    capabilities: Mapping[str, Capabilities],
    health: Mapping[str, Health],
    sites: Sequence[Named],
) -> list[Check]:
    """What the second person sees checked, the doubtful first."""
    found = [
        *_about_order(message),
        *_about_level(message),
        *_about_texts(states),
        *_about_sites(message.hazard, sites),
        *_about_channels(message, capabilities, health),
    ]
    return sorted(found, key=lambda check: check.ok)


_FIELDS = {"$.valid_for_s": "hours", "$.infos": "problems", "$.references": "problems"}


def _too_long(has: Capabilities, over: int) -> Problem:
    return Problem(
        f"channel-{has.kind}",
        f"{has.japanese}に入りません（{over}多い） / Too long for {has.kind} (by {over})",
    )


def _unsuited(hazard: Hazard, sites: Sequence[Named]) -> list[Problem]:
    """No text names a site that is not designated for the alert's hazard (I16).

    For what the law designates no site for, a power cut say, a site may be where water is given out.
    """
    return [
        Problem(each.field, _not_designated(each.site, hazard))
        for each in sites
        if hazard.designable and not each.site.designated_for(hazard)
    ]


def _not_designated(site: Site, hazard: Hazard) -> str:
    return (
        f"{site.name.ja}は{hazard.japanese}の避難場所に指定されていません / "
        f"{site.name.en} is not designated for this hazard ({hazard})"
    )


def _about_order(message: Message) -> Iterator[Check]:
    yield Check(
        bool(message.order.issuer and message.order.grounds),
        "発令者・決定方法・発令時刻・根拠がそろっています / The order is complete",
    )


def _about_level(message: Message) -> Iterator[Check]:
    """A text that speaks of a level speaks of this one."""
    wrong = [info.language.autonym for info in message.infos if _other_level(info, message)]
    if wrong:
        yield Check(
            False,
            f"文面のレベルが、選んだレベルと違います（{'、'.join(wrong)}） / "
            f"The texts speak of another level ({', '.join(wrong)})",
        )
    elif message.level is not None:
        yield Check(
            True,
            f"文面と、選んだレベル{message.level}が合っています / The texts speak of level {message.level}",
        )


def _other_level(info: AlertInfo, message: Message) -> bool:
    text = unicodedata.normalize("NFKC", f"{info.headline}\n{info.short}")
    named = {int(digit) for digit in _LEVEL.findall(text)}
    return bool(named) and message.level not in named


_LEVEL = re.compile(r"(?:レベル|[Ll]evel|等级|等級|레벨|cấp|स्तर)\s*([1-5])")


def _about_texts(states: Mapping[Language, TextState]) -> Iterator[Check]:
    unsure = [language.autonym for language, state in states.items() if state is TextState.TEMPLATE]
    edited = [language.autonym for language, state in states.items() if state is TextState.EDITED]
    if edited:
        yield Check(
            False,
            f"手で変えた文面があります：{'、'.join(edited)} / Changed by hand: {', '.join(edited)}",
        )
    if unsure:
        yield Check(
            False,
            f"人の確認が済んでいない定型文です：{'、'.join(unsure)} / "
            f"Templates no person has checked yet: {', '.join(unsure)}",
        )
    if not edited and not unsure:
        yield Check(True, "すべての言語が、確認済みの定型文です / Every language is a checked template")


def _about_sites(hazard: Hazard, sites: Sequence[Named]) -> Iterator[Check]:
    """What a text says of a site stays as it is, also when the site closes."""
    by_code = {each.site.code: each.site for each in sites}
    for site in by_code.values():
        if hazard.designable and not site.designated_for(hazard):
            yield Check(False, _not_designated(site, hazard))
        else:
            yield Check(
                False,
                f"{site.name.ja}が文面に書かれています。開設状況に合わせて変わるのは {{shelters}} だけです / "
                f"{site.name.en} stands in a text: only {{shelters}} follows what is open",
            )


def _about_channels(
    message: Message, capabilities: Mapping[str, Capabilities], health: Mapping[str, Health]
) -> Iterator[Check]:
    left_out = [has.japanese for kind, has in capabilities.items() if kind not in message.targeting.channels]
    if left_out:
        yield Check(False, f"使わない手段：{'、'.join(left_out)} / Left out: {', '.join(left_out)}")
    sick = [
        capabilities[kind].japanese
        for kind in message.targeting.channels
        if kind in capabilities and kind in health and not health[kind].ok
    ]
    if sick:
        yield Check(
            False,
            f"つながらない手段：{'、'.join(sick)}。送れるようになるまで再送します / "
            f"Not answering: {', '.join(sick)}. They are retried",
        )
    else:
        yield Check(True, "選んだ手段は、文字数に収まっています / Every chosen channel has room for the text")
