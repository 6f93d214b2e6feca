"""Hazards and levels, by any of their names."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hub.hazard import Hazard
from operator_ui.window.bank import Bank
from operator_ui.window.reading import cleaned

_LEVELS = ("", "levelone", "leveltwo", "levelthree", "levelfour", "levelfive")
"""How the bank's keys name a level with its number."""
_SEVERAL = " manylevels "
_DIGITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_NUMBER = r"[1-5](?!\d)|[一二三四五]|(?:one|two|three|four|five)\b"
_AND = r"(?:と|や|から|〜|~|-|・|、|,|/|or|and|to|vs\.?|和|跟|到|과|와|랑|하고|và|với|र|देखि)"


class NamedHazards(NamedTuple):
    """`rest`: the text without their names."""

    rest: str
    hazards: tuple[Hazard, ...]


class HazardNames:
    """A word may stand for several: a typhoon brings floods and landslides."""

    def __init__(self, bank: Bank) -> None:
        words: dict[str, list[Hazard]] = {}
        for hazard, row in bank.hazards.items():
            for word in {*row.words, *row.name.values()}:
                words.setdefault(cleaned(word), []).append(hazard)
        self._words = sorted(words.items(), key=lambda each: (-len(each[0]), each[0]))

    def named(self, text: str) -> NamedHazards:
        """In a cleaned text. The longest words first, so that a part of one is not another."""
        found: list[Hazard] = []
        for word, hazards in self._words:
            if word in text and _holds(text, word):
                text = text.replace(word, " ")
                found += hazards
        return NamedHazards(" ".join(text.split()), tuple(dict.fromkeys(found)))


class LevelNames:
    def __init__(self, bank: Bank) -> None:
        before, behind = _any_of(bank.marks.level_before), _any_of(bank.marks.level_behind)
        self._pattern = re.compile(
            rf"(?:{before})\s*({_NUMBER})(?:\s*{_AND}\s*(?:{before})?\s*({_NUMBER}))?"
            rf"|(?<!\d)({_NUMBER})\s*(?:{behind})"
        )

    def marked(self, text: str) -> str:
        """With one word for 「警戒レベル4」, "level four" and 「4级」, which no reading of words parts. Who names two compares
        them."""
        named = {number for found in self._pattern.finditer(text) for number in found.groups() if number}
        return self._pattern.sub(_SEVERAL if len(named) > 1 else _token, text)


def _holds(text: str, word: str) -> bool:
    """Latin letters only as whole words."""
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}s?\b", text) is not None
    return True


def _any_of(words: Sequence[str]) -> str:
    return "|".join(re.escape(cleaned(word)) for word in sorted(words, key=len, reverse=True))


def _token(found: re.Match[str]) -> str:
    number = found[1] or found[3]
    return f" {_LEVELS[_DIGITS.get(number) or int(number)]} "
