"""Residents and staff who do not exist. The same seed gives the same people.

Nobody can be reached by accident, even by a hub that is set up wrongly:

- Mail addresses end in `.example`, which no name server ever answers for (RFC 2606 §2).
- Japan keeps no telephone numbers for fiction. These are `+81 0…`: the 0 before a Japanese number
  only tells an exchange that a trunk call follows, and none is left once the country code is in
  front (ITU-T E.164), so no subscriber's number begins with it. The next two digits are 0 too: read
  as a Japanese number in full, `000…` is none either.
- LINE ids have sixteen zeros in front, where real ones are random.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeVar

from hub.language import Language
from hub.ledger.register import Registration
from hub.recipient import Kind, Town, Zone

Choice = TypeVar("Choice")

LANGUAGES: dict[Language, float] = {
    Language.JA: 89.5,
    Language.JA_EASY: 2.5,
    Language.EN: 2.0,
    Language.ZH_HANS: 2.5,
    Language.ZH_HANT: 0.6,
    Language.KO: 0.8,
    Language.VI: 1.3,
    Language.NE: 0.8,
}
"""In percent, invented: nine in ten read Japanese, and every other language is worth a look."""

CHANNELS: dict[tuple[str, ...], float] = {("line",): 36, ("mail",): 30, ("line", "mail"): 34}
"""How people without a telephone registration can be reached, in percent."""

WITH_VOICE: dict[tuple[str, ...], float] = {
    ("voice",): 58,
    ("voice", "fax"): 2,
    ("voice", "sms"): 10,
    ("voice", "mail"): 15,
    ("voice", "line"): 10,
    ("voice", "line", "mail"): 5,
}
"""Calls are slow and dear: mostly for those who have nothing else."""

DRILLS = 0.15
"""The share of residents who have agreed to take part in drills."""

STAFF_FROM = 9_000_000
"""Residents are numbered below this."""


class Place(NamedTuple):
    """Where people live. `weight` is its population, or anything in proportion to it."""

    town: Town
    zone: Zone
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """`name` is for the rehearsal's inbox alone; the hub registers no names."""

    name: str
    registration: Registration


def residents(
    places: Sequence[Place], *, n: int = 20_000, seed: int = 1, voice_max: int = 300
) -> Iterator[Persona]:
    """`n` residents, spread over the places by weight, each on one to three channels.

    The first of them speak a different language each, so that eight are enough for all. A tenth of
    them, and no more than `voice_max`, are called.
    """
    random = Random(seed)  # noqa: S311 - invented people, the same ones each time
    called = set(random.sample(range(n), min(voice_max, n // 10)))
    firsts = list(Language)
    towns = random.choices(places, weights=[place.weight for place in places], k=n)
    for number, place in enumerate(towns):
        language = firsts[number] if number < len(firsts) else _one_of(random, LANGUAGES)
        channels = _one_of(random, WITH_VOICE if number in called else CHANNELS)
        yield Persona(
            name=_name(random, language),
            registration=Registration(
                kind=Kind.RESIDENT,
                language=language,
                contacts=_contacts(number, channels),
                town=place.town,
                zone=place.zone,
                drills=random.random() < DRILLS,
            ),
        )


def staff(*, n: int = 12, seed: int = 1) -> Iterator[Persona]:
    """The city's own people, whom staff drills reach: by mail, and every third by LINE too."""
    random = Random(seed)  # noqa: S311 - as above
    for number in range(STAFF_FROM, STAFF_FROM + n):
        channels = ("mail", "line") if number % 3 == 0 else ("mail",)
        yield Persona(
            name=_name(random, Language.JA),
            registration=Registration(
                kind=Kind.STAFF, language=Language.JA, contacts=_contacts(number, channels)
            ),
        )


def _contacts(number: int, channels: Sequence[str]) -> dict[str, str]:
    return {channel: _address(number, channel) for channel in channels}


def _address(number: int, channel: str) -> str:
    """Unique by number."""
    if channel == "mail":
        return f"p{number:07}@{DOMAINS[number % len(DOMAINS)]}"
    if channel in ("voice", "sms", "fax"):
        return f"+81000{number:07}"
    return f"U{0:016}{number:016x}"


def _one_of(random: Random, shares: dict[Choice, float]) -> Choice:
    return random.choices(list(shares), weights=list(shares.values()))[0]


def _name(random: Random, language: Language) -> str:
    family, given, gap = NAMES.get(language) or NAMES[language.fallback]
    return f"{random.choice(family.split())}{gap}{random.choice(given.split())}"


DOMAINS = ("keitai.example", "mail.example", "home.example", "work.example")

NAMES: dict[Language, tuple[str, str, str]] = {
    Language.JA: (
        "青葉 秋川 朝日 泉 梅田 大空 川瀬 北原 桜木 里見 白井 杉本 高台 月野 中町 花田 東野 松風 緑川 若草",
        "あおい 明 一郎 海斗 恵子 健 幸子 さくら 翔太 正 千代 太郎 富子 夏美 花子 春樹 ひなた 誠 美咲 結衣",
        " ",
    ),
    Language.EN: (
        "Field Lake Marsh Meadow Rivers Stone",
        "Alex Grace Joan Maria Paul Sam",
        " ",
    ),
    Language.ZH_HANS: ("陈 黄 李 林 王 张", "芳 建国 静 丽 伟 小明", ""),
    Language.ZH_HANT: ("陳 黃 李 林 王 張", "美玲 志明 淑芬 家豪 雅婷 小華", ""),
    Language.KO: ("김 박 이 정 최 한", "민수 서연 영희 준호 지은 철수", ""),
    Language.VI: ("Đặng Lê Nguyễn Phạm Trần Vũ", "An Bình Dũng Hoa Lan Minh", " "),
    Language.NE: ("गुरुङ तामाङ थापा राई श्रेष्ठ लामा", "अनिता कमला दीपक राम सीता हरि", " "),
}
"""Family names, given names, and what stands between the two."""
