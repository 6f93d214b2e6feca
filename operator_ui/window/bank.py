"""The bank: every sentence the window can say, and how residents ask for it, one file a topic (`config/faq`).

A topic is answered by its own sentences, or (`live`) by what the hub knows now. `{city}` and `{telephone}` in a sentence,
and what the other gaps are called, are filled with values; nothing else is ever put together.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import msgspec

from hub import folder as files
from hub.errors import BadSettings
from hub.folder import Folder
from hub.hazard import DESIGNABLE, Hazard
from hub.language import Language
from operator_ui.window.reply import Origin, Said, Span
from shelters.site import Facility

OTHERS, DANGER = "others", "danger"
"""What is asked that is left to others, and how somebody writes who is in danger now: told apart as topics are."""

OWN = {
    "sentences.toml",
    "hazards.toml",
    "marks.toml",
    "places.toml",
    "several.toml",
    f"{OTHERS}.toml",
    f"{DANGER}.toml",
}
"""What is no topic."""

ALWAYS = frozenset({"city", "telephone"})
"""Gaps that every answer may have."""

_GAP = re.compile(r"\{(\w+)\}")


class Live(StrEnum):
    """Topics that are answered by what is true now."""

    SITES = "sites"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """`facility`: what a site must have that is named beside the answer. `keys`: words that name the topic by themselves.
    `answers`: none where `live` says all there is to say; with `Live.ALERTS` they may stand behind what is in force.
    `hazards`: for which alone it is an answer; empty: for any.
    `source`: whose words these are."""

    id: str
    source: str
    review_by: date
    keys: tuple[str, ...]
    live: Live | None
    polite: bool
    facility: Facility | None
    hazards: frozenset[Hazard]
    answers: Mapping[Language, str]
    examples: Mapping[Language, tuple[str, ...]]

    @property
    def only_live(self) -> bool:
        """Nothing but what is true now answers it, so that any hazard may be named in it."""
        return self.live is not None and not self.answers


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardWords:
    """`name`: as a sentence of the window names it; `words`: as residents do, in any language."""

    name: Mapping[Language, str]
    words: tuple[str, ...]


class Marks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words the window goes by before it compares anything."""

    emergency: tuple[str, ...]
    no_emergency: tuple[str, ...]
    """What has a word of `emergency` in it and is none."""
    level_before: tuple[str, ...]
    level_behind: tuple[str, ...]
    other_places: tuple[str, ...]
    relatives: tuple[str, ...]
    """Who or what somebody has elsewhere: with these, another place is not what is asked about."""
    other_business: tuple[str, ...]
    """What is asked of the city and of others otherwise: not answered here."""
    empty: dict[Language, str]
    """Words, with spaces between, that any question has."""


class PlaceKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the names of sites end with. `words`: in other languages; `short`: how a name is shortened, if it is."""

    reading: str
    words: tuple[str, ...] = ()
    short: str = ""


class PlaceWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people write where they are, beside the names themselves."""

    station: tuple[str, ...]
    behind: tuple[str, ...]
    """What stands behind a name that is a place."""
    elsewhere_too: tuple[str, ...]
    """Names that are better known for another place."""
    kinds: dict[str, PlaceKind]


class Joints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what a message that asks two things is known, in any language."""

    between: tuple[str, ...]
    ends: tuple[str, ...]
    asks: tuple[str, ...]
    begins: tuple[str, ...]
    adds: tuple[str, ...]


Examples = Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """`unanswered`: how people write what no topic answers, by `OTHERS` and `DANGER`."""

    topics: Mapping[str, Topic]
    unanswered: Mapping[str, Examples]
    sentences: Mapping[str, Mapping[Language, str]]
    hazards: Mapping[Hazard, HazardWords]
    marks: Marks
    places: PlaceWords
    joints: Joints

    def say(self, key: str, language: Language, **values: str) -> Said:
        """A sentence of the window's own, its gaps filled. A gap without a value is a mistake of ours: `KeyError`."""
        return _filled(self.sentences[key][language], values)

    def answer(self, topic: Topic, language: Language, **values: str) -> Said:
        """The curated answer of a topic that has one."""
        return _filled(topic.answers[language], values)

    def texts(self) -> Iterator[str]:
        """Every text that may be said: what is not in one of these is no word of the bank."""
        for sentence in self.sentences.values():
            yield from sentence.values()
        for topic in self.topics.values():
            yield from topic.answers.values()


def load(folder: Folder) -> Bank:
    """Raises `BadSettings`: names the file and the key, and what to do."""
    names = sorted(
        each.name for each in folder.iterdir() if each.name.endswith(".toml") and each.name not in OWN
    )
    topics = {name.removesuffix(".toml"): _topic(folder, name) for name in names}
    for live in Live:
        if not any(topic.live is live for topic in topics.values()):
            raise BadSettings(
                f"{folder}", f"no topic with live = «{live}» / live = {live} の話題がありません"
            )
    return Bank(
        topics=topics,
        unanswered={name: _unanswered(folder, f"{name}.toml") for name in (OTHERS, DANGER)},
        sentences=_sentences(folder),
        hazards=_hazards(folder),
        marks=files.toml(folder, "marks.toml", Marks),
        places=files.toml(folder, "places.toml", PlaceWords),
        joints=files.toml(folder, "several.toml", Joints),
    )


def gaps(text: str) -> set[str]:
    """What must be given to say it."""
    return set(_GAP.findall(text))


def _filled(text: str, values: Mapping[str, str]) -> Said:
    spans: list[Span] = []
    at = 0
    for gap in _GAP.finditer(text):
        spans.append(Span(text[at : gap.start()], Origin.BANK))
        spans.append(Span(values[gap[1]], Origin.LIVE))
        at = gap.end()
    spans.append(Span(text[at:], Origin.BANK))
    return Said(tuple(span for span in spans if span.text))


class _Text(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    examples: tuple[str, ...]
    answer: str = ""


_RENAMED = {language.name.lower(): language.value for language in Language}


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename=_RENAMED):
    source: str
    review_by: date
    keys: tuple[str, ...] = ()
    live: Live | None = None
    polite: bool = False
    facility: Facility | None = None
    hazards: frozenset[Hazard] = frozenset()
    ja: _Text
    ja_easy: _Text
    en: _Text
    zh_hans: _Text
    zh_hant: _Text
    ko: _Text
    vi: _Text
    ne: _Text


def _topic(folder: Folder, name: str) -> Topic:
    file = files.toml(folder, name, _File)
    texts = {language: getattr(file, language.name.lower()) for language in Language}
    beside = file.live is Live.ALERTS and any(text.answer.strip() for text in texts.values())
    answered = file.live is None or beside
    for language, text in texts.items():
        where = f"{name} $.{language}"
        if not text.examples:
            raise BadSettings(f"{where}.examples", "is empty / 質問の例がありません")
        if answered != bool(text.answer.strip()):
            raise BadSettings(
                f"{where}.answer",
                "has to be there in every language, and not with live = «sites» / "
                "すべての言語に書きます。live = «sites» の話題には書きません",
            )
        if unknown := sorted(gaps(text.answer) - ALWAYS):
            raise BadSettings(f"{where}.answer", f"{{{unknown[0]}}} is not known here / 使えない差し込みです")
    return Topic(
        id=name.removesuffix(".toml"),
        source=file.source,
        review_by=file.review_by,
        keys=file.keys,
        live=file.live,
        polite=file.polite,
        facility=file.facility,
        hazards=file.hazards,
        answers={language: text.answer for language, text in texts.items() if text.answer},
        examples={language: text.examples for language, text in texts.items()},
    )


class _Unanswered(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    examples: tuple[str, ...]


def _unanswered(folder: Folder, name: str) -> Examples:
    found = files.toml(folder, name, dict[Language, _Unanswered])
    if missing := [
        language for language in Language if language not in found or not found[language].examples
    ]:
        raise BadSettings(f"{name} $.{missing[0]}.examples", "is empty / 質問の例がありません")
    return {language: each.examples for language, each in found.items()}


def _sentences(folder: Folder) -> Mapping[str, Mapping[Language, str]]:
    """In every language, with the same gaps."""
    sentences = files.toml(folder, "sentences.toml", dict[str, dict[Language, str]])
    for key, texts in sentences.items():
        _check_languages(texts, where=f"sentences.toml $.{key}")
        for language, text in texts.items():
            if gaps(text) != gaps(texts[Language.JA]):
                raise BadSettings(
                    f"sentences.toml $.{key}.{language}",
                    "has other {gaps} than ja / 差し込みが日本語と違います",
                )
    return sentences


class _HazardRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    words: tuple[str, ...]
    name: dict[Language, str]


def _hazards(folder: Folder) -> Mapping[Hazard, HazardWords]:
    rows = files.toml(folder, "hazards.toml", dict[Hazard, _HazardRow])
    if wrong := DESIGNABLE.symmetric_difference(rows):
        raise BadSettings(
            "hazards.toml",
            f"{min(wrong)}: exactly those for which the law designates sites / 法律で指定する災害だけを書きます",
        )
    for hazard, row in rows.items():
        _check_languages(row.name, where=f"hazards.toml $.{hazard}.name")
    return {hazard: HazardWords(name=row.name, words=row.words) for hazard, row in rows.items()}


def _check_languages(texts: Mapping[Language, str], *, where: str) -> None:
    if missing := [language for language in Language if not texts.get(language, "").strip()]:
        raise BadSettings(where, f"lacks {', '.join(missing)} / この言語の文がありません")
