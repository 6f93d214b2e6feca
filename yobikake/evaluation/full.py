"""How good «full in about 40 minutes» is: whether it comes to be, and when."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean

import numpy as np

from shelters.ahead import HORIZONS, Forecast
from yobikake.evaluation.figure import Figure
from yobikake.evaluation.scenarios import STEP_MIN, Evening

SOON = timedelta(hours=1)
STEP = timedelta(minutes=STEP_MIN)
FULL_RATIO, FAMILY = 0.96, 2
"""A shelter that lets nobody more in holds so many of its capacity, less so many people: some are outside for a moment,
and the next family is too large for what is left."""


@dataclass(slots=True)
class FullScore:
    """At moments before it is full at which something is said: `held`, whether the interval holds the time, where it
    fills or may; `errors`, minutes, where both name one; `foreseen`, of those after which it fills within what is said;
    `false`, of those at which a time within `SOON` is named."""

    held: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    foreseen: list[bool] = field(default_factory=list)
    false: list[bool] = field(default_factory=list)

    def add(self, said: Forecast, now: datetime, full_at: datetime | None) -> None:
        reach = sum(each.people is not None for each in said.ahead)
        if not reach or (full_at is not None and full_at <= now):
            return
        fills = full_at if full_at is not None and full_at <= now + HORIZONS[reach - 1] else None
        if fills is not None or said.full_between is not None:
            earliest, latest = said.full_between or (None, None)
            self.held.append(_order(earliest, fills) and _order(fills, latest))
        if fills is not None:
            self.foreseen.append(said.full_at is not None)
        if said.full_at is not None and said.full_at <= now + SOON:
            self.false.append(fills is None)
        if said.full_at is not None and fills is not None:
            self.errors.append(abs(said.full_at - fills) / timedelta(minutes=1))

    def figures(self) -> dict[str, Figure]:
        parts = {
            "interval holds it, %": [100.0 * each for each in self.held],
            "error, min": self.errors,
            "foreseen where it fills, %": [100.0 * each for each in self.foreseen],
            "said within the hour, and not full in two, %": [100.0 * each for each in self.false],
        }
        return {name: Figure(value=fmean(values)) for name, values in parts.items() if values}


def full_step(evening: Evening) -> int | None:
    """The step at which it is full; None where it never is."""
    full = np.flatnonzero(evening.people >= FULL_RATIO * evening.capacity - FAMILY)
    return int(full[0]) if len(full) else None


def _order(before: datetime | None, after: datetime | None) -> bool:
    """None: beyond all that is said. Truth is known to a step."""
    return after is None or (before is not None and before <= after + STEP)
