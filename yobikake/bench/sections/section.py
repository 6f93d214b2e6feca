"""A section of the page: which commands measure it, short and full, and how their answer is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yobikake.bench.part import Part, figure

Found = Mapping[str, dict[str, Any]]
"""The answers of all sections that were measured, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    name: str
    title: str
    about: str
    short: Sequence[str]
    full: Sequence[str]
    read: Callable[[Found], Part]

    @property
    def anchor(self) -> str:
        """As GitHub makes it from a heading."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


def between(spread: Mapping[str, float]) -> str:
    return f"{figure(spread['min'])}–{figure(spread['max'])}"


def least_most(values: Sequence[float]) -> str:
    return f"{figure(min(values))}–{figure(max(values))}"


def percent(part: float) -> str:
    return f"{100 * part:.1f} %"
