"""Which topic a question is about, and how sure that is: by the example phrasings of the bank.

What a question and an example share is weighed by how few topics have it; what no topic has weighs most, so that a question
about something else resembles nothing. A word that is nearly one of the bank's counts as that one: people mistype.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import log

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from hub.language import Language
from operator_ui.window.reading import Features

_NEAR = 0.8
"""How alike a mistyped word is to the one that was meant."""
_SHORTEST_MISTYPED = 4
"""Letters. A shorter word with another letter is another word."""
_PAIR = 0.5
"""What a pair of letters weighs beside a word."""
_OF_THE_WHOLE = 0.35
"""What it counts that the words of a question are the topic's at all, beside those of its nearest example."""

TOGETHER: Mapping[Language, tuple[Language, ...]] = {
    Language.JA: (Language.JA, Language.JA_EASY),
    Language.JA_EASY: (Language.JA, Language.JA_EASY),
    Language.ZH_HANS: (Language.ZH_HANS, Language.ZH_HANT),
    Language.ZH_HANT: (Language.ZH_HANS, Language.ZH_HANT),
}
"""Languages whose examples serve both. The others stand alone."""


class Matcher:
    """Of one language."""

    def __init__(
        self, examples: Mapping[str, Sequence[Features]], words: Mapping[str, Sequence[Features]]
    ) -> None:
        """By topic, at least one example each. `words`: further ones that are the topic's own."""
        self._all = {
            topic: frozenset(chain(*found, *words.get(topic, ()))) for topic, found in examples.items()
        }
        self._weights = _weights(self._all.values())
        self._rarest = max(self._weights.values(), default=1.0)
        self._examples = {
            topic: [(example, self._weight(example)) for example in found]
            for topic, found in examples.items()
        }
        self._with = _index(self._all)
        self._words = sorted(name[2:] for name in self._weights if name.startswith("w:"))

    def scores(self, asked: Features) -> dict[str, float]:
        """From 0 to 1, of the topics that share anything with what was asked."""
        known = self._corrected(asked)
        whole = self._weight(known)
        if not whole:
            return {}
        topics = {topic for name in known for topic in self._with.get(name, ())}
        return {topic: self._score(topic, known, whole) for topic in topics}

    def _score(self, topic: str, known: Features, whole: float) -> float:
        """What is shared with the nearest example is twice over all that there is (Dice), weighed."""
        of_topic = {name: n for name, n in known.items() if name in self._all[topic]}
        nearest = max(
            2 * self._shared(of_topic, example) / (whole + weight)
            for example, weight in self._examples[topic]
        )
        return (1 - _OF_THE_WHOLE) * nearest + _OF_THE_WHOLE * self._weight(of_topic) / whole

    def _shared(self, known: Mapping[str, int], example: Features) -> float:
        return sum(
            min(n, example[name]) * self._weight_of(name) for name, n in known.items() if name in example
        )

    def _weight(self, found: Mapping[str, int]) -> float:
        return sum(n * self._weight_of(name) for name, n in found.items())

    def _weight_of(self, name: str) -> float:
        weight = self._weights.get(name, self._rarest)
        return weight if name.startswith("w:") else _PAIR * weight

    def _corrected(self, asked: Features) -> Features:
        """With words that are nearly known as what they were meant to be."""
        known: Features = Counter()
        for name, n in asked.items():
            known[self._meant(name)] += n
        return known

    def _meant(self, name: str) -> str:
        if name in self._weights or not name.startswith("w:") or len(name) < _SHORTEST_MISTYPED + 2:
            return name
        found = process.extractOne(
            name[2:],
            self._words,
            scorer=DamerauLevenshtein.normalized_similarity,
            score_cutoff=_NEAR,
        )
        return f"w:{found[0]}" if found else name


def _weights(topics: Iterable[frozenset[str]]) -> dict[str, float]:
    """The fewer topics have it, the more it says."""
    found = list(topics)
    shared = Counter(name for each in found for name in each)
    return {name: log(1 + len(found) / n) for name, n in shared.items()}


def _index(topics: Mapping[str, frozenset[str]]) -> Mapping[str, list[str]]:
    index = defaultdict(list)
    for topic, found in topics.items():
        for name in found:
            index[name].append(topic)
    return index
