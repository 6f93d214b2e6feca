"""Words that name a topic by themselves, in any language: 「ペット」, "wheelchair", 停电."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from operator_ui.window.language import folded
from operator_ui.window.reading import cleaned


class _Key(NamedTuple):
    word: str
    pattern: re.Pattern[str]
    topics: frozenset[str]


class Keys:
    """A longer word hides those inside it: 「登録を解除」 is not 「登録」."""

    def __init__(self, words: Iterable[tuple[str, str]]) -> None:
        """Pairs of a word and what it names."""
        found: dict[str, set[str]] = {}
        for word, topic in words:
            found.setdefault(folded(cleaned(word)), set()).add(topic)
        self._keys = [
            _Key(word, _pattern(word), frozenset(found[word]))
            for word in sorted(found, key=lambda word: (-len(word), word))
        ]

    def found(self, text: str) -> tuple[frozenset[str], str]:
        """What is named in a cleaned text, and the text without those words. Accents do not matter."""
        topics: set[str] = set()
        rest = folded(text)
        for key in self._keys:
            if key.word in rest:
                rest, times = key.pattern.subn(" ", rest)
                if times:
                    topics |= key.topics
        return frozenset(topics), " ".join(rest.split())


def _pattern(word: str) -> re.Pattern[str]:
    """Latin letters only as whole words; other scripts do not part theirs."""
    edge = r"\b" if word[0].isascii() and word[-1].isascii() else ""
    return re.compile(rf"{edge}{re.escape(word)}{edge}")
