"""What to look at before a draft is approved, each with what to do about it. Nothing here stops a draft by
itself: what does is in `checks`, and says so."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.cap import MsgType
from hub.capabilities import Capabilities
from hub.channel import Content, Health
from hub.city import City
from hub.draft import Message
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Reached, WholeCity
from operator_ui.moments import clock
from operator_ui.staff import areas
from operator_ui.staff.checks import not_designated, other_level
from operator_ui.staff.named_sites import Named
from operator_ui.staff.phrasing import TextState
from operator_ui.staff.previews import Previews, Shown
from shelters.board import Board


class Look(NamedTuple):
    """One line of the list. Every text is 「日本語 / English」; `todo` of what is in order is empty."""

    ok: bool
    message: str
    todo: str = ""
    href: str = ""
    """Where it can be done, or seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known at this moment of what surrounds a draft."""

    city: City
    capabilities: Mapping[str, Capabilities]
    states: Mapping[Language, TextState]
    health: Mapping[str, Health]
    shown: Previews
    sites: Sequence[Named]
    """Those that a text names in its own words."""
    board: Board
    standing: Sequence[Accepted]
    """Alerts that are in force."""
    before: Accepted | None
    """The one that the draft speaks of."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Whom it would go to, by channel."""


def looks(message: Message, known: Known) -> list[Look]:
    """The doubtful first."""
    found = [
        *_about_order(message),
        *_about_standing(message, known),
        *_about_before(message, known.before),
        *_about_level(message),
        *_about_saying(message, known),
        *_about_languages(known.states),
        *_about_sites(message.hazard, known),
        *_about_length(message, known),
        *_about_channels(message, known),
        *_about_quotas(message, known),
    ]
    return sorted(found, key=lambda look: look.ok)


def _about_order(message: Message) -> Iterator[Look]:
    if message.order.issuer and message.order.grounds:
        yield Look(True, "発令者・決定方法・発令時刻・根拠がそろっています / The order is complete")
    else:
        yield Look(
            False,
            "発令者か根拠が書かれていません / Who ordered it, or on what grounds, is missing",
            "「発令の決定」に書きます。ないと提出できません / Say so under the order: it cannot be submitted without",
        )


def _about_standing(message: Message, known: Known) -> Iterator[Look]:
    """Another alert for the same hazard in the same place: residents would read two levels."""
    if message.level is None or message.msg_type is not MsgType.ALERT:
        return
    same = [each for each in known.standing if _stands_beside(message, each, known.city)]
    for each in same:
        level, number = each.alert.level or 0, each.number
        lower = level > message.level
        yield Look(
            False,
            f"同じ地域・同じ災害でレベル{level}（{number}、{clock(each.alert.sent)}）が続いています。"
            f"{'これより低いレベルです' if lower else '2つの配信が並びます'} / "
            f"Level {level} ({number}, {clock(each.alert.sent)}) is in force there for the same hazard; "
            f"{'this one is lower' if lower else 'the two would stand side by side'}",
            "その配信から「続報」か「解除」を作ると、前の配信が終わります / "
            "Make an update or a lifting from that alert: it then ends",
            f"/alerts/{each.alert.identifier}",
        )
    if not same:
        yield Look(
            True,
            "同じ地域・同じ災害で続いている配信はありません / Nothing else is in force there for this hazard",
        )


def _stands_beside(message: Message, each: Accepted, city: City) -> bool:
    alert, audience = each.alert, each.alert.targeting.audience
    if alert.level is None or alert.correction or isinstance(audience, Reached):
        return False
    alike = (alert.mode, alert.hazard) == (message.mode, message.hazard)
    return alike and bool(areas.towns(audience, city) & areas.towns(message.targeting.audience, city))


def _about_before(message: Message, before: Accepted | None) -> Iterator[Look]:
    if before is None or before.alert.level is None or message.level is None or message.correction:
        return
    was, time = before.alert.level, clock(before.alert.order.ordered_at)
    if message.level < was:
        yield Look(
            False,
            f"前の発令（レベル{was}、{time}）より低いレベルです / "
            f"This is below the level ordered before (level {was}, {time})",
            "下げる決定があったかを確かめます。終わりなら「解除」から作ります / "
            "Make sure that lowering it was decided; if it is over, make a lifting",
            f"/alerts/{before.alert.identifier}",
        )
    else:
        yield Look(
            True,
            f"前の発令（レベル{was}、{time}）{'と同じ' if message.level == was else 'より上の'}レベルです / "
            f"{'The same level as' if message.level == was else 'A higher level than'} before (level {was}, {time})",
        )


def _about_level(message: Message) -> Iterator[Look]:
    """A text that speaks of a level speaks of this one."""
    wrong = [info.language.autonym for info in message.infos if other_level(info, message)]
    if wrong:
        yield Look(
            False,
            f"文面のレベルが、選んだレベルと違います（{'、'.join(wrong)}） / "
            f"The texts speak of another level ({', '.join(wrong)})",
            "文面か、レベルを直します / Change the texts, or the level",
        )
    elif message.level is not None:
        yield Look(
            True,
            f"文面と、選んだレベル{message.level}が合っています / The texts speak of level {message.level}",
        )


def _about_saying(message: Message, known: Known) -> Iterator[Look]:
    """Every Japanese text by itself says who, when, where and what hazard: people see only one of them."""
    content = known.shown.contents.get(Language.JA)
    if content is None or message.correction:
        return
    wanted = _wanted(message, known.city)
    lacking = {
        name: missing
        for name, text in _texts(content).items()
        if (missing := [what for what, pattern in wanted.items() if not pattern.search(text)])
    }
    if lacking:
        yield Look(
            False,
            "文面に書かれていないものがあります："
            + "、".join(f"{name}（{'・'.join(missing)}）" for name, missing in lacking.items())
            + " / A Japanese text does not say who, when, where or what: "
            + ", ".join(_ENGLISH[name] for name in lacking),
            "最初の文に「だれが・いつ・どこに・何の災害で」を書きます / Say all four in its first sentence",
        )
    else:
        yield Look(
            True,
            "どの文面にも、市の名前・時刻・地域・災害の種類があります / Every text says who, when, where and what",
        )


def _texts(content: Content) -> Mapping[str, str]:
    whole = {
        "見出しと本文": f"{content.text(content.headline)}\n{content.text(content.body)}",
        "短い文": content.text(content.short),
        "読み上げ": content.text(content.speech),
    }
    return {name: unicodedata.normalize("NFKC", text) for name, text in whole.items()}


_ENGLISH = {"見出しと本文": "headline and body", "短い文": "short text", "読み上げ": "speech"}


def _wanted(message: Message, city: City) -> Mapping[str, re.Pattern[str]]:
    here = {name.ja for name in areas.names(message.targeting.audience, city)}
    here |= {message.area.description, *(_CHOME.sub("", name) for name in _towns(message, city))}
    if isinstance(message.targeting.audience, WholeCity):
        here.add(city.names[Language.JA])
    words = (message.hazard.japanese, *_WORDS.get(message.hazard, ()))
    said = {"市の名前": {city.names[Language.JA]}, "地域": here, "災害の種類": set(words)}
    patterns = {
        what: "|".join(re.escape(unicodedata.normalize("NFKC", each)) for each in some)
        for what, some in said.items()
    }
    if message.hazard is Hazard.OTHER:
        del patterns["災害の種類"]
    return {what: re.compile(each) for what, each in patterns.items()} | {"時刻": _TIME}


def _towns(message: Message, city: City) -> Sequence[str]:
    return [city.towns[town].name.ja for town in areas.towns(message.targeting.audience, city)]


_CHOME = re.compile(r"[一二三四五六七八九十]+丁目$")
_TIME = re.compile(r"\d{1,2}(?:時|:\d{2})")
_WORDS = {
    Hazard.FLOOD: ("氾濫", "増水"),
    Hazard.LANDSLIDE: ("崖崩れ", "がけ崩れ", "土石流", "地滑り"),
    Hazard.EARTHQUAKE: ("揺れ", "震度"),
    Hazard.LARGE_FIRE: ("火災", "火事"),
    Hazard.INLAND_FLOOD: ("内水", "浸水", "冠水"),
    Hazard.VOLCANO: ("火山", "噴火"),
    Hazard.STORM: ("台風", "強風"),
    Hazard.CIVIL_PROTECTION: ("ミサイル", "武力攻撃"),
    Hazard.HEAT: ("暑さ",),
    Hazard.WATER: ("断水", "給水", "水道"),
    Hazard.UTILITY: ("停電", "ガス", "通行止め"),
    Hazard.MISSING_PERSON: ("探しています", "捜しています", "行方が分から"),
}
"""What a text may call a hazard beside its name."""


def _about_languages(states: Mapping[Language, TextState]) -> Iterator[Look]:
    unsure = [language.autonym for language, state in states.items() if state is TextState.TEMPLATE]
    edited = [language.autonym for language, state in states.items() if state is TextState.EDITED]
    if edited:
        yield Look(
            False,
            f"手で変えた文面があります：{'、'.join(edited)} / Changed by hand: {', '.join(edited)}",
            "読める人が、地域・時刻・レベルを確かめます / Have somebody who reads it check place, time and level",
        )
    if unsure:
        yield Look(
            False,
            f"人の確認が済んでいない定型文です：{'、'.join(unsure)} / "
            f"Templates no person has checked yet: {', '.join(unsure)}",
            "急ぐときは、このまま送れます。続報までに読める人に見てもらいます / "
            "It may go as it is when time is short; have somebody read it before the next update",
        )
    if not edited and not unsure:
        yield Look(True, "すべての言語が、確認済みの定型文です / Every language is a checked template")


def _about_sites(hazard: Hazard, known: Known) -> Iterator[Look]:
    """What a text says of a site stays as it is, also when the site closes."""
    for site in {each.site.code: each.site for each in known.sites}.values():
        if hazard.designable and not site.designated_for(hazard):
            yield Look(
                False,
                not_designated(site, hazard),
                "文面から消します。消すまで提出できません / Take it out: it cannot be submitted before",
            )
        else:
            yield Look(
                False,
                f"{site.name.ja}が文面に書かれています。開設状況に合わせて変わるのは {{shelters}} だけです / "
                f"{site.name.en} stands in a text: only {{shelters}} follows what is open",
                "名前の代わりに {shelters} を書きます / Write {shelters} in place of the name",
            )
    if not hazard.designable:
        return
    if receiving := len(known.board.recommended(hazard)):
        yield Look(
            True,
            f"{hazard.japanese}のときに使える避難場所が{receiving}か所、受入開始しています / "
            f"{receiving} sites fit for this hazard are receiving",
            href="/shelters",
        )
    else:
        yield Look(
            False,
            f"{hazard.japanese}のときに使える避難場所で、受入開始したところがありません / "
            "No site fit for this hazard is receiving yet",
            "開設を進めます。それまで、文面には場所の名前の代わりの文が入ります / "
            "Open some; until then the texts carry a sentence instead of names",
            "/shelters",
        )


def _about_length(message: Message, known: Known) -> Iterator[Look]:
    chosen = [channel for channel in known.shown.channels if channel.kind in message.targeting.channels]
    over = [each for each in chosen if each.too_long]
    for each in over:
        name = known.capabilities[each.kind].japanese
        tongue = each.longest.autonym if each.longest else ""
        yield Look(
            False,
            f"{name}に入りません（{tongue}：{each.measured:,}、上限{each.limit:,}） / "
            f"Too long for {each.kind} ({tongue}: {each.measured:,} of {each.limit:,})",
            f"{tongue}の文面を短くします。入るまで提出できません / Shorten it: it cannot be submitted before",
        )
    for each in chosen:
        if each.said_once and not each.too_long:
            yield _said_once(known.capabilities[each.kind], each)
    if chosen and not over:
        yield Look(True, "すべての手段で長さに収まっています / Every chosen channel has room for the text")


def _said_once(has: Capabilities, shown: Shown) -> Look:
    tongues = "、".join(language.autonym for language in shown.said_once)
    return Look(
        False,
        f"{has.japanese}では、長いため1回しか読まない言語があります：{tongues} / "
        f"Languages that {has.kind} may say only once, for their length: {tongues.replace('、', ', ')}",
        "留守番電話には途中からしか残らないことがあります。文面を短くすると2回読みます / "
        "An answering machine may miss the beginning. Shortened, it is said twice",
    )


def _about_channels(message: Message, known: Known) -> Iterator[Look]:
    for kind, reason in message.why_left_out.items():
        name = known.capabilities[kind].japanese if kind in known.capabilities else kind
        yield Look(
            False,
            f"{name}は使いません：{reason} / {name} is left out: {reason}",
            "この理由でよいかを確かめます / Make sure that this is reason enough",
        )
    sick = [
        known.capabilities[kind].japanese
        for kind in message.targeting.channels
        if kind in known.capabilities and _sick(known.health.get(kind))
    ]
    if sick:
        yield Look(
            False,
            f"つながらない手段：{'、'.join(sick)}。送れるようになるまで再送します / "
            f"Not answering: {', '.join(sick)}. They are retried",
            "ほかの手段は待たずに送ります。担当者に知らせ、手で入力する手段を先に済ませます / "
            "The others do not wait. Tell IT, and carry the sheets over first",
        )


def _sick(health: Health | None) -> bool:
    """One whose month's messages are used up answers all the same (`_about_quotas`)."""
    return health is not None and not health.ok and health.remaining != 0


def _about_quotas(message: Message, known: Known) -> Iterator[Look]:
    """Fewer messages left than people. Nothing is held back for it, and nobody chooses who gets none."""
    for kind in message.targeting.channels:
        health, wanted = known.health.get(kind), known.counts.get(kind, 0)
        if kind not in known.capabilities or health is None or health.remaining is None:
            continue
        name, left = known.capabilities[kind].japanese, health.remaining
        if left >= wanted:
            continue
        yield Look(
            False,
            f"{name}は今月の残りが{left:,}通で、送信対象は{wanted:,}人です。{wanted - left:,}人に届かないおそれがあります / "
            f"{kind}: {left:,} messages are left this month, for {wanted:,} people: {wanted - left:,} may get none",
            "契約の管理画面で追加メッセージか上位プランにします。送れる分は先に送り、残りは有効期限まで送り直します。"
            "ほかの手段も必ず使います / "
            "Buy more messages or a larger plan at the provider. What there is goes out, the rest is tried again until "
            "the alert expires. Use the other channels too",
            "/channels",
        )
