"""What one message asks: one thing, several, or something beside a cry for help."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from operator_ui.window.bank import DANGER, OTHERS, Live, Topic
from operator_ui.window.cries import Cries
from operator_ui.window.several import Several

_MOST_ASKED = 3
"""Questions of one message that are answered."""
_SURELY = 1.0
"""From which score on one sentence among others is a cry: a short one is like many things."""


class Part(NamedTuple):
    """`name`: of a topic, `DANGER`, `OTHERS`, or "" for what is not understood."""

    text: str
    name: str
    score: float = 0.0


class Message:
    """For the time of one answer: what its parts are like is worked out once for each."""

    def __init__(
        self,
        text: str,
        *,
        topics: Mapping[str, Topic],
        several: Several,
        cries: Cries,
        part: Callable[[str], Part],
    ) -> None:
        """`text`: cleaned. `part`: what a text is likest, taken as one question."""
        self._text, self._topics, self._several, self._cries = text, topics, several, cries
        self._part = cache(part)

    def asks(self) -> list[Part]:
        """As many as are answered. What a cry for help resembles is not asked by who cries, unless it is where to go."""
        asked = self._asked(self._text)
        if not self.in_danger():
            return [part for part in asked if part.name in self._topics]
        return self._beside_a_cry() or [part for part in asked if self._is_where_to_go(part)]

    def in_danger(self) -> bool:
        if self._is_cry(self._text):
            return True
        sentences = map(self._part, self._several.sentences(self._text))
        return any(each.name == DANGER and each.score >= _SURELY for each in sentences)

    def half_understood(self) -> bool:
        """Whether a question was heard beside the one that is answered, and not understood."""
        questions = self._several.questions(self._text)
        return len(questions) > 1 and any(self._part(each).name in ("", OTHERS) for each in questions)

    def _asked(self, text: str) -> list[Part]:
        whole = self._part(text)
        found = self._parted(whole)
        if not found and not self._is_topic(whole) and whole.name != DANGER:
            found = self._one_sentence(whole)
        return (found or [whole])[:_MOST_ASKED]

    def _parted(self, whole: Part) -> list[Part]:
        """Both sides of where it parts best, each parted again; nothing where it is one question."""
        best: list[Part] = []
        for cut in filter(self._several.both, self._several.cuts(whole.text)):
            sides = [self._part(side) for side in cut]
            if self._differ(*sides) and whole.name in ("", *(each.name for each in sides)):
                best = max(best, sides, key=_sum)
        found = [part for side in best for part in self._parted(side) or [side]]
        return [*{part.name: part for part in found}.values()]

    def _differ(self, one: Part, other: Part) -> bool:
        """Whether both are understood, and the answer to the one says nothing of the other."""
        if one.name == other.name or not (self._is_topic(one) and self._is_topic(other)):
            return False
        return not all(self._topics[each.name].live is Live.ALERTS for each in (one, other))

    def _one_sentence(self, whole: Part) -> list[Part]:
        """Of what is not understood as a whole, the sentence that asks and is: what stands beside it may have hidden that."""
        best: list[Part] = []
        for side in (side for cut in self._several.cuts(whole.text, sentences=True) for side in cut):
            if self._several.asks(side):
                best = max(best, self._understood([self._part(side)]), key=_sum)
        return best

    def _beside_a_cry(self) -> list[Part]:
        best: list[Part] = []
        for cut in self._several.cuts(self._text):
            for cry, side in (cut, cut[::-1]):
                if self._several.asks(side) and self._is_cry(cry) and not self._is_cry(side):
                    best = max(best, self._understood(self._asked(side)), key=_sum)
        return best

    def _understood(self, parts: Sequence[Part]) -> list[Part]:
        return [part for part in parts if self._is_topic(part)]

    def _is_cry(self, text: str) -> bool:
        return self._cries.heard(text) or self._part(text).name == DANGER

    def _is_topic(self, part: Part) -> bool:
        topic = self._topics.get(part.name)
        return topic is not None and not topic.polite

    def _is_where_to_go(self, part: Part) -> bool:
        return part.name in self._topics and self._topics[part.name].live is Live.SITES


def _sum(parts: Sequence[Part]) -> float:
    return sum(part.score for part in parts)
