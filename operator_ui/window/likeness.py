"""How much a question is like each topic: what its nearest example says, what its keys say, and what tells the topics apart.

What is left to others and the words of who is in danger are told apart with them, as if they were topics.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hub.language import Language
from operator_ui.window.bank import OTHERS, Bank
from operator_ui.window.classifier import Classifier
from operator_ui.window.keys import Keys
from operator_ui.window.matching import Matcher
from operator_ui.window.naming import HazardNames, LevelNames
from operator_ui.window.reading import Features, cleaned, features, traits

_NAMED = 0.2
"""What it counts that a topic is named by a word of its own. Live topics and greetings are named only where no other is: any
question may speak of shelters, or begin with 「こんにちは」."""
_LEARNT = 1.2
"""What the line between a topic and the others counts beside the nearest example."""

_TOGETHER: Mapping[Language, tuple[Language, ...]] = {
    Language.JA: (Language.JA, Language.JA_EASY),
    Language.JA_EASY: (Language.JA, Language.JA_EASY),
    Language.ZH_HANS: (Language.ZH_HANS, Language.ZH_HANT),
    Language.ZH_HANT: (Language.ZH_HANS, Language.ZH_HANT),
}
"""Languages whose examples serve both. The others stand alone."""


class _Learnt(NamedTuple):
    matcher: Matcher
    classifier: Classifier
    order: np.ndarray
    """Where the matcher's topics stand among the classifier's."""


class Likeness:
    """Of all topics. A language is learnt at its first question, which takes up to a second."""

    def __init__(self, bank: Bank, levels: LevelNames, hazards: HazardNames) -> None:
        self._bank, self._levels, self._hazards = bank, levels, hazards
        self._empty = {
            language: frozenset(
                name[2:] for name in features(bank.marks.empty.get(language, ""), Language.EN)
            )
            for language in Language
        }
        self._keys = Keys(self._words())
        self._live = {topic.id for topic in bank.topics.values() if topic.only_live}
        self._polite = {topic.id for topic in bank.topics.values() if topic.polite}
        self._learnt: dict[tuple[Language, ...], _Learnt] = {}

    def named(self, text: str) -> frozenset[str]:
        """The topics that are named in a cleaned text by words of their own."""
        return self._keys.found(text)

    def scores(self, text: str, without_hazards: str, language: Language) -> dict[str, float]:
        """A live topic is asked about for any hazard, so the name of one says nothing of which topic it is."""
        learnt = self._of(language)
        scores = self._plain_scores(text, learnt, language)
        if without_hazards != text:
            other = self._plain_scores(without_hazards, learnt, language)
            scores |= {topic: max(scores[topic], other[topic]) for topic in self._live}
        return scores

    def _plain_scores(self, text: str, learnt: _Learnt, language: Language) -> dict[str, float]:
        named = self._keys.found(text)
        like = learnt.matcher.scores(features(text, language, self._empty[language]))
        line = learnt.classifier.scores(traits(text, language) | _named_traits(named))[learnt.order]
        scores = dict(zip(learnt.matcher.topics, (like + _LEARNT * line).tolist(), strict=True))
        for topic in self._heaviest(named):
            scores[topic] += _NAMED
        return scores

    def _heaviest(self, named: Collection[str]) -> Collection[str]:
        """The topics that are named by their own words, of the kind that weighs most."""
        live, polite = self._live.intersection(named), self._polite.intersection(named)
        return {*named} - live - polite or live or polite

    def _of(self, language: Language) -> _Learnt:
        together = _TOGETHER.get(language, (language,))
        if together not in self._learnt:
            self._learnt[together] = self._learn(together)
        return self._learnt[together]

    def _learn(self, together: tuple[Language, ...]) -> _Learnt:
        found: dict[str, list[Features]] = {}
        told: list[tuple[frozenset[str], str]] = []
        for name, examples in self._examples():
            for language in together:
                for phrase in examples[language]:
                    text = self._as_asked(phrase, name)
                    found.setdefault(name, []).append(features(text, language, self._empty[language]))
                    told.append((traits(text, language) | _named_traits(self._keys.found(text)), name))
        words = {
            topic.id: [features(cleaned(key), together[0]) for key in topic.keys]
            for topic in self._bank.topics.values()
        }
        matcher, classifier = Matcher(found, words), Classifier(told)
        return _Learnt(matcher, classifier, np.searchsorted(classifier.topics, matcher.topics))

    def _as_asked(self, phrase: str, name: str) -> str:
        """As questions are read: an example of a live topic without its hazards."""
        text = self._levels.marked(cleaned(phrase))
        return self._hazards.named(text).rest if name in self._live else text

    def _examples(self) -> Iterator[tuple[str, Mapping[Language, tuple[str, ...]]]]:
        yield from ((topic.id, topic.examples) for topic in self._bank.topics.values())
        yield from self._bank.unanswered.items()

    def _words(self) -> Iterator[tuple[str, str]]:
        yield from ((word, topic.id) for topic in self._bank.topics.values() for word in topic.keys)
        yield from ((word, OTHERS) for word in self._bank.marks.other_business)


def _named_traits(named: Collection[str]) -> frozenset[str]:
    return frozenset(f"k:{topic}" for topic in named)
