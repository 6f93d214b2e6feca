"""What a question asks for: its language, its places and hazards, its topic, and whether somebody is in danger."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Town
from operator_ui.window.bank import Bank, Live, Topic
from operator_ui.window.keys import Keys
from operator_ui.window.language import detect, folded
from operator_ui.window.matching import TOGETHER, Matcher
from operator_ui.window.places import Places
from operator_ui.window.question import LONGEST, Question
from operator_ui.window.reading import Features, cleaned, features
from shelters.site import SiteCode

_SURE, _AHEAD = 0.5, 0.06
"""From which score on a topic is answered, and by how much it must be ahead of the next (docs/window.md)."""
_NAMED, _NAMED_LIVE = 0.35, 0.25
"""What it counts that a topic is named by a word of its own. Live topics and greetings are named only where no other is: any
question may speak of shelters, or begin with 「こんにちは」."""
_CODE = re.compile(r"[<>{}\\`]|--|\d=\d")
"""What nobody writes who asks a person."""
_LEVELS = ("", "levelone", "leveltwo", "levelthree", "levelfour", "levelfive")
"""How the bank's keys name a level with its number."""
_ASKS = re.compile(r"[^\W\d_]{2}")
"""More than a particle or a house number."""
_HEARD_IN_DANGER = 2_000
"""Characters in which a cry for help is looked for, however long a question is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`topic` None: not understood. `towns` empty: none was named. `hazards`: those that were named."""

    language: Language
    danger: bool
    topic: Topic | None
    towns: tuple[Town, ...]
    site: SiteCode | None
    outside: bool
    hazards: tuple[Hazard, ...]


class Understanding:
    """Reads questions. Nothing of one is kept."""

    def __init__(self, bank: Bank, places: Places) -> None:
        self._bank, self._places = bank, places
        self._sites = next(topic for topic in bank.topics.values() if topic.live is Live.SITES)
        self._level = _level_pattern(bank)
        self._hazards = _HazardWords(bank)
        self._empty = {
            language: frozenset(_stemmed(bank.marks.empty.get(language, ""))) for language in Language
        }
        self._matchers = {
            language: Matcher(self._examples(language), self._words(language)) for language in Language
        }
        self._other = Keys((word, "") for word in bank.marks.other_business)
        self._keys = Keys((word, topic.id) for topic in bank.topics.values() for word in topic.keys)
        self._vietnamese = _words_of(bank, Language.VI) - _words_of(bank, Language.EN)
        self._danger = _danger_pattern(bank.marks.emergency)

    def read(self, question: Question) -> Understood:
        text = cleaned(question.text[:_HEARD_IN_DANGER])
        language = detect(text[:LONGEST], question.language, self._vietnamese)
        named = self._places.named(text)
        rest = self._level.sub(_level_token, named.rest)
        found = self._hazards.named(rest)
        placed = bool(named.towns or named.site or question.position)
        if len(question.text) > LONGEST or _CODE.search(text) or self._other.found(rest)[0]:
            topic = None
        elif not _ASKS.search(found.rest) and (placed or found.hazards):
            topic = self._sites  # nothing but a place or a hazard: where to go
        else:
            topic = self._topic(rest, found, language)
            if named.site is not None and (topic is None or topic.hazards):
                topic = self._sites
        return Understood(
            language=language,
            danger=self._in_danger(folded(text)),
            topic=topic,
            towns=named.towns,
            site=named.site,
            outside=named.outside,
            hazards=found.hazards,
        )

    def _in_danger(self, text: str) -> bool:
        """Also where words are written apart: 「みずが はいって きます」."""
        return any(self._danger.search(each) for each in (text, text.replace(" ", "")))

    def _topic(self, rest: str, found: "_Found", language: Language) -> Topic | None:
        """An answer for another hazard than was named is none."""
        scores = {
            topic: score
            for topic, score in self._scores(rest, found.rest, language).items()
            if self._fits(self._bank.topics[topic], found.hazards)
        }
        return _first(scores, self._bank.topics)

    def _fits(self, topic: Topic, hazards: Collection[Hazard]) -> bool:
        return not (topic.hazards and hazards) or not topic.hazards.isdisjoint(hazards)

    def _scores(self, rest: str, without_hazards: str, language: Language) -> dict[str, float]:
        """A live topic is asked about for any hazard, so the name of one says nothing of which topic it is."""
        matcher, empty = self._matchers[language], self._empty[language]
        scores = matcher.scores(features(rest, language, empty))
        if without_hazards != rest:
            for topic, score in matcher.scores(features(without_hazards, language, empty)).items():
                if self._bank.topics[topic].live is not None:
                    scores[topic] = max(score, scores.get(topic, 0.0))
        for topic in self._named(without_hazards):
            if topic in scores:
                scores[topic] += _NAMED if self._bank.topics[topic].live is None else _NAMED_LIVE
        return scores

    def _named(self, text: str) -> Collection[str]:
        """The topics that are named by their own words, of the kind that weighs most."""
        named = {*self._keys.found(text)[0]}
        live = {topic for topic in named if self._bank.topics[topic].live is not None}
        polite = {topic for topic in named if self._bank.topics[topic].polite}
        return named - live - polite or live or polite

    def _examples(self, language: Language) -> dict[str, list[Features]]:
        """As questions are read: an example of a live topic without its hazards."""
        return {
            topic.id: [
                features(self._plain(phrase, topic), language, self._empty[language])
                for each in TOGETHER.get(language, (language,))
                for phrase in topic.examples[each]
            ]
            for topic in self._bank.topics.values()
        }

    def _words(self, language: Language) -> dict[str, list[Features]]:
        return {
            topic.id: [features(cleaned(key), language) for key in topic.keys]
            for topic in self._bank.topics.values()
        }

    def _plain(self, phrase: str, topic: Topic) -> str:
        text = self._level.sub(_level_token, cleaned(phrase))
        return text if topic.live is None else self._hazards.named(text).rest


def _first(scores: Mapping[str, float], topics: Mapping[str, Topic]) -> Topic | None:
    """The likeliest, if it is likely enough and ahead of the next."""
    ordered = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    if not ordered:
        return None
    topic, score = ordered[0]
    behind = ordered[1][1] if len(ordered) > 1 else 0.0
    return topics[topic] if score >= _SURE and score - behind >= _AHEAD else None


class _Found(NamedTuple):
    rest: str
    hazards: tuple[Hazard, ...]


class _HazardWords:
    """A word may stand for several: a typhoon brings floods and landslides."""

    def __init__(self, bank: Bank) -> None:
        words: dict[str, list[Hazard]] = {}
        for hazard, row in bank.hazards.items():
            for word in {*row.words, *row.name.values()}:
                words.setdefault(cleaned(word), []).append(hazard)
        self._words = sorted(words.items(), key=lambda each: -len(each[0]))

    def named(self, text: str) -> _Found:
        """The longest words first, so that a part of one is not another."""
        found: list[Hazard] = []
        for word, hazards in self._words:
            if _holds(text, word):
                text = text.replace(word, " ")
                found += hazards
        return _Found(" ".join(text.split()), tuple(dict.fromkeys(found)))


def _holds(text: str, word: str) -> bool:
    """Latin letters only as whole words."""
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}s?\b", text) is not None
    return word in text


def _words_of(bank: Bank, language: Language) -> set[str]:
    phrases = (phrase for topic in bank.topics.values() for phrase in topic.examples[language])
    return {word for phrase in phrases for word in re.findall(r"[a-z]+", folded(cleaned(phrase)))}


def _stemmed(words: str) -> Iterator[str]:
    """As `features` has them."""
    return (name[2:] for name in features(words, Language.EN))


def _danger_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """With and without accents. Latin letters only from the beginning of a word: nobody who is studying is dying."""
    plain = [folded(cleaned(word)) for word in words]
    latin = "|".join(re.escape(word) for word in plain if word[0].isascii())
    others = "|".join(re.escape(word) for word in plain if not word[0].isascii())
    return re.compile(rf"(?<![a-z])(?:{latin})|{others}")


def _level_pattern(bank: Bank) -> re.Pattern[str]:
    def any_of(words: Sequence[str]) -> str:
        return "|".join(re.escape(cleaned(word)) for word in sorted(words, key=len, reverse=True))

    marks = bank.marks
    return re.compile(
        rf"(?:{any_of(marks.level_before)})\s*([1-5])(?!\d)|(?<!\d)([1-5])\s*(?:{any_of(marks.level_behind)})"
    )


def _level_token(found: re.Match[str]) -> str:
    """One word for 「警戒レベル4」, "level 4" and 「4级」, which no reading of words parts."""
    return f" {_LEVELS[int(found[1] or found[2])]} "
