"""What a measurement has to say on the page: tables, charts, and goals beside what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from yobikake.bench.chart import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    what: str
    goal: str
    seen: str
    met: bool


def at_least(what: str, seen: float, least: float, unit: str = "×") -> Goal:
    return Goal(what=what, goal=f"≥ {figure(least)} {unit}", seen=f"{figure(seen)} {unit}", met=seen >= least)


def at_most(what: str, seen: float, most: float, unit: str) -> Goal:
    return Goal(what=what, goal=f"≤ {figure(most)} {unit}", seen=f"{figure(seen)} {unit}", met=seen <= most)


def figure(value: float) -> str:
    """Three digits, or all of a whole number."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> list[str]:
        """Markdown; figures stand on the right."""
        rule = ["---", *("---:" for _ in self.head[1:])]
        return [f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = field(default=())
