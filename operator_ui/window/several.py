"""Where one question of a message may end and another begin. Whether it does, is decided by what both sides ask."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from operator_ui.window.bank import Joints
from operator_ui.window.reading import SAYS

_SENTENCE = re.compile(r"[?!。।؟]+|(?<!\d)\.(?=\s|$)")
_PAUSE = re.compile(r"\s*[,、;]\s*")
_LETTER = r"[a-z\u00c0-\u0fff\u1e00-\u1eff]"
_NO_KANA = r"(?!\s*で(?:す|しょう)|[\u3041-\u309f])"
"""「どこ」 is no end in 「どこに」 and 「どこ ですか」."""
_EDGES = " ,、。."
_MOST = 12
"""Places of a message that are tried, from its beginning."""


class Cut(NamedTuple):
    left: str
    right: str


class Several:
    def __init__(self, joints: Joints) -> None:
        self._between = re.compile(rf"\s*{_any(joints.between)}\s*")
        self._ends = re.compile(f"{_any(joints.ends)}{_NO_KANA}")
        self._asks = re.compile(rf"{_any(joints.asks)}|^{_any(joints.begins)}|\?")
        self._adds = re.compile(_any(joints.adds))

    def cuts(self, text: str, *, sentences: bool = False) -> list[Cut]:
        """Of a cleaned text, in the order of the places; both sides say something. `sentences`: only where one ends."""
        found = [(each.end(), each.end()) for each in _SENTENCE.finditer(text)]
        if not sentences:
            found += [each.span() for pattern in (_PAUSE, self._between) for each in pattern.finditer(text)]
            found += [(each.end(), each.end()) for each in self._ends.finditer(text)]
        made = (_trimmed(Cut(text[:end], text[start:])) for end, start in sorted(set(found)))
        return [cut for cut in made if SAYS.search(cut.left) and SAYS.search(cut.right)][:_MOST]

    def asks(self, text: str) -> bool:
        """Whether it has a word or the mark of a question."""
        return self._asks.search(text) is not None

    def both(self, cut: Cut) -> bool:
        """Whether each side asks something for itself, or the second adds to the first."""
        return self.asks(cut.left) and (self.asks(cut.right) or self._adds.search(cut.right) is not None)

    def sentences(self, text: str) -> list[str]:
        """Of a cleaned text that has more than one."""
        ends = [0, *(each.end() for each in _SENTENCE.finditer(text)), len(text)]
        parts = [text[start:end].strip() for start, end in pairwise(ends)]
        found = [each for each in parts if SAYS.search(each)]
        return found if len(found) > 1 else []

    def questions(self, text: str) -> list[str]:
        """Those of its sentences that ask."""
        return [each for each in self.sentences(text) if self.asks(each)]


def _trimmed(cut: Cut) -> Cut:
    return cut._replace(left=cut.left.strip(_EDGES), right=cut.right.lstrip(_EDGES + "?!"))


def _any(words: Iterable[str]) -> str:
    """Letters of languages that part their words only as whole words."""
    ordered = sorted({word.lower() for word in words}, key=lambda word: (-len(word), word))
    parted = [re.escape(word) for word in ordered if _parted(word)]
    others = [re.escape(word) for word in ordered if not _parted(word)]
    whole = [rf"(?<!{_LETTER})(?:{'|'.join(parted)})(?!{_LETTER})"] if parted else []
    return f"(?:{'|'.join([*whole, *others])})"


def _parted(word: str) -> bool:
    return re.match(_LETTER, word) is not None
