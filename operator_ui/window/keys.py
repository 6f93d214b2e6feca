"""Words that name a topic by themselves, in any language: 「ペット」, "wheelchair", 停电."""

from collections.abc import Iterable

from operator_ui.window.language import folded
from operator_ui.window.reading import cleaned

_SHORTEST_FOLDED = 5
"""Letters of a word that is known without its accents: "cho" is so common in Vietnamese that it is no dog."""


class Keys:
    """A longer word hides those inside it: 「登録を解除」 is not 「登録」."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        """Pairs of a word and what it names."""
        self._written: dict[str, set[str]] = {}
        self._folded: dict[str, set[str]] = {}
        for each, topic in words:
            word = cleaned(each)
            self._written.setdefault(word, set()).add(topic)
            if (plain := folded(word)) == word or len(plain) >= _SHORTEST_FOLDED:
                self._folded.setdefault(plain, set()).add(topic)
        self._lengths = sorted({len(word) for word in (*self._written, *self._folded)}, reverse=True)

    def found(self, text: str) -> frozenset[str]:
        """What is named in a cleaned text. Accents count where some are written."""
        known = self._folded if text == folded(text) else self._written
        topics: set[str] = set()
        taken = [False] * len(text)
        for length in self._lengths:
            for at in range(len(text) - length + 1):
                named = known.get(text[at : at + length])
                if named and not any(taken[at : at + length]) and _whole(text, at, at + length):
                    topics |= named
                    taken[at : at + length] = [True] * length
        return frozenset(topics)


def _whole(text: str, start: int, end: int) -> bool:
    """Latin letters only as whole words; other scripts do not part theirs, and part them: 「wifiある」."""
    if not (_latin(text[start]) or _latin(text[end - 1])):
        return True
    return not (_latin(text[start - 1 : start]) or _latin(text[end : end + 1]))


def _latin(letter: str) -> bool:
    return letter.isalnum() and (letter < "\u0250" or "\u1e00" <= letter <= "\u1eff")
