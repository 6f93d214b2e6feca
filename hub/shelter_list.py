"""The list of open shelters inside a text: its lines, and the grammar every rendered list must fit.

Which sites may stand in it is not decided here (I16): whoever gives the lines answers for that.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import msgspec

from hub.clock import JST
from hub.language import Language
from hub.place import Name

MOST_LINES = 5
"""In writing. A longer list is not read."""
MOST_SPOKEN = 3
"""On the telephone, where nobody can look back."""
LONGEST_NAME = 100
"""Characters of a site's name with its Latin letters."""
MOST_HIDDEN = 4
"""People at a site. From one to so many, how many exactly is said to nobody but staff."""
STALE_AFTER = timedelta(minutes=30)
"""An older list is 「古い情報」: the fallback sentence stands in its place."""


class Crowding(StrEnum):
    """How full a site is, in the words residents see (`CROWDING_WORDS`)."""

    HAS_ROOM = "has_room"
    SOME = "some"
    CROWDED = "crowded"
    FULL = "full"
    UNKNOWN = "unknown"


class ShelterLine(msgspec.Struct, frozen=True, kw_only=True):
    """A site that is designated for the hazard and receiving.

    `crowding` None: its capacity is not known, so the head count stands alone and never becomes a
    word (I13). Both None reads as unknown, unless `few`: one to four people.
    """

    name: str
    """The official name, in Japanese."""
    latin: str = ""
    crowding: Crowding | None = None
    people: int | None = None
    few: bool = False


class ShelterLines(msgspec.Struct, frozen=True, kw_only=True):
    """What one zone is told, best choice first. `as_of` is the oldest report in it."""

    lines: tuple[ShelterLine, ...]
    as_of: datetime


class _Words(NamedTuple):
    line: str
    """One site in writing: {name}, {word}."""
    as_of: str
    """The last line: {time}."""
    spoken: str
    """One site on the telephone."""
    spoken_as_of: str
    people: str
    """The head count: {n}."""
    clock: str
    """{h}, {m}."""


def written(shelters: ShelterLines, language: Language) -> str:
    """One line a site, then the time of the oldest report."""
    words = _WORDS[language]
    lines = [
        words.line.format(name=_both_scripts(line, language), word=_word(line, language))
        for line in shelters.lines[:MOST_LINES]
    ]
    return "\n".join([*lines, words.as_of.format(time=clock_words(shelters.as_of, language))])


def spoken(shelters: ShelterLines, language: Language) -> str:
    """Whole sentences, without brackets: a voice reads them aloud. A site whose name the voice cannot say is left out;
    empty where it can say none."""
    words = _WORDS[language]
    sayable = ((line, _sayable(line, language)) for line in shelters.lines[:MOST_LINES])
    named = [(line, name) for line, name in sayable if name]
    sentences = [
        words.spoken.format(name=name, word=_word(line, language)) for line, name in named[:MOST_SPOKEN]
    ]
    as_of = words.spoken_as_of.format(time=clock_words(shelters.as_of, language))
    return "".join([*sentences, as_of]) if sentences else ""


def fits(text: str, language: Language) -> bool:
    """Whether `text` is a list as `written` or `spoken` makes it: names, word or head count, age."""
    return bool(_grammar(language).fullmatch(text))


def longest(sites: Iterable[Name], language: Language, *, aloud: bool) -> str:
    """The most that a list can come to say, whichever of `sites` are on it then; empty where they are none, or a voice can
    say none of them."""
    told = [ShelterLine(name="", crowding=crowding) for crowding in Crowding]
    most = max((*told, ShelterLine(name="", people=99_999)), key=lambda line: len(_word(line, language)))
    lines = [msgspec.structs.replace(most, name=site.ja, latin=site.en) for site in sites]
    if not lines:
        return ""
    name = _sayable if aloud else _both_scripts
    lines.sort(key=lambda line: len(name(line, language)), reverse=True)
    shelters = ShelterLines(lines=tuple(lines), as_of=datetime(2000, 1, 1, 23, 59, tzinfo=JST))
    return (spoken if aloud else written)(shelters, language)


def few_words(language: Language) -> str:
    """What stands in place of a small number of people."""
    return f"1〜{MOST_HIDDEN}" if language in _JAPANESE else f"1–{MOST_HIDDEN}"


def clock_words(moment: datetime, language: Language) -> str:
    """A time of day in Japan, as a text says it: 「21時47分」."""
    local = moment.astimezone(JST)
    return _WORDS[language].clock.format(h=local.hour, m=local.minute)


@cache
def clock_pattern(language: Language) -> str:
    """The regular expression of `clock_words`."""
    return _pattern(_WORDS[language].clock, h=r"(?:1?[0-9]|2[0-3])", m=r"[0-5][0-9]")


def _word(line: ShelterLine, language: Language) -> str:
    if line.crowding is None and (line.few or line.people is not None):
        return _WORDS[language].people.format(n=few_words(language) if line.few else line.people)
    return CROWDING_WORDS[language][line.crowding or Crowding.UNKNOWN]


def _both_scripts(line: ShelterLine, language: Language) -> str:
    if language in _JAPANESE or not line.latin:
        return line.name
    return f"{line.name} ({line.latin})" if language in _HAN else f"{line.latin} ({line.name})"


def _sayable(line: ShelterLine, language: Language) -> str:
    """The name in a script that the language's voice reads: a Mandarin one has kanji, and no kana."""
    if language in _JAPANESE or (language in _HAN and not _KANA.search(line.name)):
        return line.name
    return line.latin


@cache
def _grammar(language: Language) -> re.Pattern[str]:
    words = _WORDS[language]
    count = _pattern(words.people, n=rf"(?:[0-9]{{1,5}}|{few_words(language)})")
    word = f"(?:{'|'.join(map(re.escape, CROWDING_WORDS[language].values()))}|{count})"
    name = rf"[^\n{{}}<>]{{1,{LONGEST_NAME + 3}}}?"
    time = clock_pattern(language)
    lines = _pattern(words.line + "\n", name=name, word=word)
    sentences = _pattern(words.spoken, name=name, word=word)
    return re.compile(
        f"(?:{lines}){{1,{MOST_LINES}}}{_pattern(words.as_of, time=time)}"
        f"|(?:{sentences}){{1,{MOST_SPOKEN}}}{_pattern(words.spoken_as_of, time=time)}"
    )


def _pattern(template: str, **gaps: str) -> str:
    """`template` as a regular expression, each gap by its own."""
    parts = re.split(r"\{(\w+)(?::[^}]*)?\}", template)
    return "".join(gaps[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))


_KANA = re.compile("[ぁ-ゖァ-ヺｦ-ﾝ]")
_JAPANESE = frozenset({Language.JA, Language.JA_EASY})
_HAN = frozenset({Language.ZH_HANS, Language.ZH_HANT})

_WORDS: Mapping[Language, _Words] = {
    Language.JA: _Words(
        "・{name}：{word}",
        "（{time}の情報）",
        "{name}、{word}。",
        "{time}の情報です。",
        "いま{n}人",
        "{h}時{m:02}分",
    ),
    Language.JA_EASY: _Words(
        "・{name}：{word}",
        "（{time}の じょうほう）",
        "{name}、{word}。",
        "{time}の情報です。",
        "いま {n}にん",
        "{h}時{m:02}分",
    ),
    Language.EN: _Words(
        "- {name}: {word}",
        "(as of {time})",
        "{name}: {word}. ",
        "This is as of {time}.",
        "{n} people now",
        "{h}:{m:02}",
    ),
    Language.ZH_HANS: _Words(
        "・{name}：{word}",
        "（{time}的信息）",
        "{name}，{word}。",
        "以上是{time}的信息。",
        "现有{n}人",
        "{h}点{m:02}分",
    ),
    Language.ZH_HANT: _Words(
        "・{name}：{word}",
        "（{time}的資訊）",
        "{name}，{word}。",
        "以上是{time}的資訊。",
        "現有{n}人",
        "{h}點{m:02}分",
    ),
    Language.KO: _Words(
        "- {name}: {word}",
        "({time} 기준)",
        "{name}, {word}. ",
        "{time} 기준 정보입니다.",
        "현재 {n}명",
        "{h}시 {m:02}분",
    ),
    Language.VI: _Words(
        "- {name}: {word}",
        "(thông tin lúc {time})",
        "{name}: {word}. ",
        "Đây là thông tin lúc {time}.",
        "hiện có {n} người",
        "{h}:{m:02}",
    ),
    Language.NE: _Words(
        "- {name}: {word}",
        "({time} को जानकारी)",
        "{name}: {word}। ",
        "यो {time} को जानकारी हो।",
        "अहिले {n} जना",
        "{h}:{m:02}",
    ),
}

CROWDING_WORDS: Mapping[Language, Mapping[Crowding, str]] = {
    Language.JA: {
        Crowding.HAS_ROOM: "空いています",
        Crowding.SOME: "やや混雑",
        Crowding.CROWDED: "混雑",
        Crowding.FULL: "満",
        Crowding.UNKNOWN: "混み具合は不明",
    },
    Language.JA_EASY: {
        Crowding.HAS_ROOM: "すいています",
        Crowding.SOME: "すこし こんでいます",
        Crowding.CROWDED: "こんでいます",
        Crowding.FULL: "いっぱいです",
        Crowding.UNKNOWN: "こんでいるか わかりません",
    },
    Language.EN: {
        Crowding.HAS_ROOM: "space available",
        Crowding.SOME: "getting crowded",
        Crowding.CROWDED: "crowded",
        Crowding.FULL: "full",
        Crowding.UNKNOWN: "not known how crowded",
    },
    Language.ZH_HANS: {
        Crowding.HAS_ROOM: "有空位",
        Crowding.SOME: "稍拥挤",
        Crowding.CROWDED: "拥挤",
        Crowding.FULL: "已满",
        Crowding.UNKNOWN: "拥挤情况不明",
    },
    Language.ZH_HANT: {
        Crowding.HAS_ROOM: "有空位",
        Crowding.SOME: "稍擁擠",
        Crowding.CROWDED: "擁擠",
        Crowding.FULL: "已滿",
        Crowding.UNKNOWN: "擁擠情況不明",
    },
    Language.KO: {
        Crowding.HAS_ROOM: "여유 있음",
        Crowding.SOME: "다소 혼잡",
        Crowding.CROWDED: "혼잡",
        Crowding.FULL: "만원",
        Crowding.UNKNOWN: "혼잡 정도 알 수 없음",
    },
    Language.VI: {
        Crowding.HAS_ROOM: "còn chỗ",
        Crowding.SOME: "hơi đông",
        Crowding.CROWDED: "đông",
        Crowding.FULL: "đã đầy",
        Crowding.UNKNOWN: "chưa rõ mức độ đông",
    },
    Language.NE: {
        Crowding.HAS_ROOM: "ठाउँ खाली छ",
        Crowding.SOME: "केही भीड छ",
        Crowding.CROWDED: "धेरै भीड छ",
        Crowding.FULL: "भरिएको छ",
        Crowding.UNKNOWN: "कति भीड छ थाहा छैन",
    },
}
