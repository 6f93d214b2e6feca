"""Which topic a question is about, by what tells the topics apart: a line between each and all others (ridge regression).

The bank's examples are all it learns from, each time anew, within a second and always to the same: there is no file of a model,
and a city that adds a phrasing changes nothing else.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from math import log, sqrt

import numpy as np

_RIDGE = 0.3
"""How much a line is held back from following single examples."""
_STEPS = 10
"""Of conjugate gradients; more change nothing that is answered."""
_UNKNOWN = 0.3
"""What a trait that no example has counts against all topics, beside the rarest of the known."""


class Classifier:
    """`topics`: in the order of the scores."""

    def __init__(self, examples: Sequence[tuple[Collection[str], str]]) -> None:
        """Traits and the topic of each. A trait of a single example says nothing of others."""
        self.topics = sorted({topic for _, topic in examples})
        count = Counter(trait for traits, _ in examples for trait in traits)
        known = sorted(trait for trait, n in count.items() if n > 1)
        self._at = {trait: i for i, trait in enumerate(known)}
        self._rarity = np.array([log(1 + len(examples) / count[trait]) for trait in known], np.float32)
        self._rarest = log(1 + len(examples))
        wanted = np.zeros((len(examples), len(self.topics)), np.float32)
        for i, (_, topic) in enumerate(examples):
            wanted[i, self.topics.index(topic)] = 1
        self._lines = _solved(_Rows([self._row(traits) for traits, _ in examples], len(known)), wanted)

    def scores(self, traits: Collection[str]) -> np.ndarray:
        """About 1 for the topic it is surely of, about 0 for the others; in the order of `topics`."""
        at, _ = self._row(traits)
        missing = sum(trait not in self._at for trait in traits) * _UNKNOWN * self._rarest**2
        length = sqrt(float(self._rarity[at] @ self._rarity[at]) + missing)
        if not len(at):
            return np.zeros(len(self.topics))
        return np.asarray(self._rarity[at] @ self._lines[at]) / length

    def _row(self, traits: Collection[str]) -> tuple[np.ndarray, np.ndarray]:
        """Where its known traits stand, and what they weigh: together 1."""
        at = np.array(sorted(self._at[trait] for trait in traits if trait in self._at), np.int64)
        weights = self._rarity[at]
        return at, weights / max(sqrt(float(weights @ weights)), 1e-9)


class _Rows:
    """A matrix that is nearly empty, times others."""

    def __init__(self, rows: Sequence[tuple[np.ndarray, np.ndarray]], width: int) -> None:
        row = np.concatenate([np.full(len(at), i) for i, (at, _) in enumerate(rows)])
        column = np.concatenate([at for at, _ in rows])
        value = np.concatenate([values for _, values in rows])
        self._forth = _Sums(row, column, value, len(rows))
        order = np.argsort(column, kind="stable")
        self._back = _Sums(column[order], row[order], value[order], width)

    def times(self, other: np.ndarray) -> np.ndarray:
        return self._forth.of(other)

    def turned_times(self, other: np.ndarray) -> np.ndarray:
        return self._back.of(other)


class _Sums:
    """Rows of another matrix, weighed and added up by where they belong (`into`, ascending)."""

    def __init__(self, into: np.ndarray, source: np.ndarray, value: np.ndarray, height: int) -> None:
        self._source, self._value, self._height = source, value[:, None], height
        self._into, self._starts = np.unique(into, return_index=True)

    def of(self, other: np.ndarray) -> np.ndarray:
        total = np.zeros((self._height, other.shape[1]), np.float32)
        total[self._into] = np.add.reduceat(self._value * other[self._source], self._starts, axis=0)
        return total


def _solved(rows: _Rows, wanted: np.ndarray) -> np.ndarray:
    """The lines that come nearest to what is wanted: conjugate gradients, for all topics side by side."""
    left = rows.turned_times(wanted)
    lines, way = np.zeros_like(left), left.copy()
    size = (left * left).sum(axis=0)
    for _ in range(_STEPS):
        turned = rows.turned_times(rows.times(way)) + _RIDGE * way
        step = size / np.maximum((way * turned).sum(axis=0), 1e-12)
        lines += step * way
        left -= step * turned
        size, before = (left * left).sum(axis=0), size
        way = left + size / np.maximum(before, 1e-12) * way
    return lines
