"""How an alert's numbers grew: accepted, and on a device, at the same moments for every channel that reaches people.

Few enough moments to draw and to print, chosen so that neither a steep beginning nor a long tail is lost.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Protocol

import msgspec
from markupsafe import Markup

from hub.ledger.tempo import Taken, Tempo
from operator_ui import moments
from operator_ui.chart import Line, Mark, chart

TIMES, AMOUNTS = 20, 12
"""Into how many parts the time, and each of the two amounts, is divided: of each part its last moment is kept."""
TOTAL = "total"


class Step(msgspec.Struct, frozen=True, array_like=True):
    """By `at`, so many had been accepted (or more than that is known), and of so many a device was known to have
    been reached. Neither ever falls."""

    at: datetime
    accepted: int
    arrived: int


class Grown(Protocol):
    """A channel, or the sum of some, whose growth is known."""

    @property
    def planned(self) -> int: ...
    @property
    def first_at(self) -> datetime | None: ...
    @property
    def half_at(self) -> datetime | None: ...
    @property
    def last_at(self) -> datetime | None: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...


def steps(tempo: Tempo, kinds: Sequence[str]) -> Mapping[str, tuple[Step, ...]]:
    """By channel, and under `TOTAL` their sum, all at the same moments: the first and the last are among them.
    Empty tuples: nothing was accepted yet."""
    whole = _thinned(_steps(tempo, kinds))
    kept = [step.at for step in whole]
    return {TOTAL: whole} | {kind: _steps(tempo, {kind}, kept) for kind in kinds}


def drawn(
    of: Grown, start: datetime, end: datetime, title: str, names: tuple[str, str, str] | None = None
) -> Markup:
    """Its chart from `start` to `end`, with the first, the half and the last of the acceptances marked. `names`: what
    these are called; without them it is a small one, to stand beside others. Where nothing is known to have arrived
    there is no line of it: a channel that never reports arrivals has none to show."""
    lines = [Line("accepted", [(step.at, step.accepted) for step in of.steps])]
    if of.steps and of.steps[-1].arrived:
        lines.append(Line("arrived", [(step.at, step.arrived) for step in of.steps]))
    marked = zip(names or ("", "", ""), (of.first_at, of.half_at, of.last_at), strict=True)
    return chart(
        lines,
        start=start,
        end=end,
        top=of.planned,
        marks=[
            Mark(at, f"{name} {moments.clock(at, seconds=True)}" if name else "")
            for name, at in marked
            if at is not None
        ],
        title=title,
    )


def _steps(tempo: Tempo, kinds: Collection[str], at: Iterable[datetime] | None = None) -> tuple[Step, ...]:
    """At these moments, or whenever anything changed."""
    accepted, arrived = _Count(tempo.accepted, kinds), _Count(tempo.arrived, kinds)
    known = sorted({*accepted.moments, *arrived.moments}) if at is None else at
    return tuple(
        Step(moment, max(accepted.by(moment), arrived.by(moment)), arrived.by(moment)) for moment in known
    )


class _Count:
    """How many by when."""

    def __init__(self, of: Iterable[Taken], kinds: Collection[str]) -> None:
        mine = [each for each in of if each.channel in kinds]
        self.moments = [each.at for each in mine]
        self._sums = [0, *accumulate(each.number for each in mine)]

    def by(self, at: datetime) -> int:
        return self._sums[bisect_right(self.moments, at)]


def _thinned(every: Sequence[Step]) -> tuple[Step, ...]:
    if not every:
        return ()
    first, last = every[0], every[-1]
    span_s = (last.at - first.at).total_seconds() or 1

    def part(step: Step) -> tuple[int, int, int]:
        return (
            int(TIMES * (step.at - first.at).total_seconds() / span_s),
            AMOUNTS * step.accepted // max(1, last.accepted),
            AMOUNTS * step.arrived // max(1, last.arrived),
        )

    ends = (step for step, after in pairwise(every) if part(step) != part(after))
    return tuple(dict.fromkeys([first, *ends, last]))
