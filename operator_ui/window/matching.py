"""Which topic a question is about, by the example phrasing that it is most like.

What a question and an example share is weighed by how few topics have it; what no topic has weighs most, so that a question
about something else resembles nothing. A word that is nearly one of the bank's counts as that one: people mistype.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import log

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from operator_ui.window.reading import Features

_NEAR = 0.8
"""How alike a mistyped word is to the one that was meant."""
_SHORTEST_MISTYPED = 4
"""Letters. A shorter word with another letter is another word."""
_PAIR = 0.5
"""What a pair of letters weighs beside a word."""
_OF_THE_WHOLE = 0.35
"""What it counts that the words of a question are the topic's at all, beside those of its nearest example."""


class Matcher:
    """Of the examples of one language, or of languages that share theirs."""

    def __init__(
        self, examples: Mapping[str, Sequence[Features]], words: Mapping[str, Sequence[Features]]
    ) -> None:
        """By topic, at least one example each. `words`: further ones that are the topic's own."""
        self.topics = sorted(examples)
        own = [frozenset(chain(*examples[topic], *words.get(topic, ()))) for topic in self.topics]
        self._weights = _weights(own)
        self._rarest = max(self._weights.values(), default=1.0)
        self._words = sorted(name[2:] for name in self._weights if name.startswith("w:"))
        self._of_topic = _places(own)
        ordered = [example for topic in self.topics for example in examples[topic]]
        self._of_example = _places(ordered)
        self._whole = np.array([self._weight(example) for example in ordered])
        self._first = np.cumsum([0, *(len(examples[topic]) for topic in self.topics)])[:-1]

    def scores(self, asked: Features) -> np.ndarray:
        """From 0 to 1, in the order of `topics`.

        What is shared with the nearest example is twice over all that there is (Dice), weighed.
        """
        known = {self._meant(name) for name in asked}
        whole = self._weight(known)
        if not whole:
            return np.zeros(len(self.topics))
        shared = self._sum(known, self._of_example, len(self._whole))
        nearest = np.maximum.reduceat(2 * shared / (whole + self._whole), self._first)
        of_topic = self._sum(known, self._of_topic, len(self.topics))
        return (1 - _OF_THE_WHOLE) * nearest + _OF_THE_WHOLE * of_topic / whole

    def _sum(self, known: Iterable[str], places: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """The weights of what is known, wherever it is found."""
        total = np.zeros(n)
        for name in known:
            if (at := places.get(name)) is not None:
                total[at] += self._weight_of(name)
        return total

    def _weight(self, names: Iterable[str]) -> float:
        return sum(self._weight_of(name) for name in sorted(names))

    def _weight_of(self, name: str) -> float:
        weight = self._weights.get(name, self._rarest)
        return weight if name.startswith("w:") else _PAIR * weight

    def _meant(self, name: str) -> str:
        """A word that is nearly known as what it was meant to be."""
        if name in self._weights or not name.startswith("w:") or len(name) < _SHORTEST_MISTYPED + 2:
            return name
        found = process.extractOne(
            name[2:],
            self._words,
            scorer=DamerauLevenshtein.normalized_similarity,
            score_cutoff=_NEAR,
        )
        return f"w:{found[0]}" if found else name


def _weights(topics: Sequence[frozenset[str]]) -> dict[str, float]:
    """The fewer topics have it, the more it says."""
    shared = Counter(name for each in topics for name in each)
    return {name: log(1 + len(topics) / n) for name, n in shared.items()}


def _places(found: Sequence[Iterable[str]]) -> dict[str, np.ndarray]:
    """Where each name is."""
    places: dict[str, list[int]] = {}
    for i, names in enumerate(found):
        for name in set(names):
            places.setdefault(name, []).append(i)
    return {name: np.array(at) for name, at in places.items()}
