"""Cries for help, by words of any language (`marks.toml`): found too often rather than too seldom."""

import re
from collections.abc import Collection

from operator_ui.window.language import folded
from operator_ui.window.reading import cleaned


class Cries:
    """`but`: what has such a word in it and is none."""

    def __init__(self, words: Collection[str], but: Collection[str]) -> None:
        plain = [cleaned(word) for word in words]
        self._written = _pattern(plain)
        self._folded = _pattern([folded(word) for word in plain])
        self._together = _pattern([word.replace(" ", "") for word in plain if word[0] > "\u1fff"])
        self._but = sorted({cleaned(phrase) for phrase in but}, key=len, reverse=True)

    def heard(self, text: str) -> bool:
        """In a cleaned text; accents count where some are written. Also where words are written apart: 「みずが はいって」."""
        for phrase in self._but:
            text = text.replace(phrase, " ")
        known = self._folded if text == folded(text) else self._written
        return bool(known.search(text) or self._together.search(text.replace(" ", "")))


def _pattern(words: Collection[str]) -> re.Pattern[str]:
    """Latin letters only from the beginning of a word: nobody who is studying is dying."""
    latin = "|".join(re.escape(word) for word in words if word[0] < "\u0250")
    others = "|".join(re.escape(word) for word in words if word[0] >= "\u0250")
    return re.compile(
        "|".join(filter(None, [rf"(?<![a-z\u00c0-\u024f\u1e00-\u1eff])(?:{latin})" if latin else "", others]))
    )
