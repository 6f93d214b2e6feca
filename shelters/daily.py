"""A site's days: what is usual at this hour, and how a day that is unlike stays unlike.

    people at t + h = usual(t + h) + ρ · (people now − usual(t))

`usual` is the mean of the same time of day on earlier days, of which the same kind of day (weekday or weekend) and the
recent count most. ρ is found by weighted least squares among moments at about this hour. The 80 % interval is
conformal: how wrong the same formula was at about this hour on earlier days, in the scale √(people + 1), in which
errors of counts are alike whatever the number. Unless that was clearly better than the last value (and where
there is one number a day: nothing is usual about an hour), the last value is what is forecast.
"""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from hub.clock import JST

Floats = NDArray[np.float64]

LOOK_BACK_DAYS = 28
AHEAD_DAYS = 3
"""As far as it can be asked: the two hours of a screen may end tomorrow, snapshots of a day lie days apart."""
LEAST_DAYS = 3
"""Days on which this hour was known, before anything is usual."""
HALF_LIFE_DAYS = 14
OTHER_KIND = 0.02
"""What a weekend's day tells of a weekday, in parts of what a weekday tells: enough where there is nothing else."""
ABOUT = timedelta(hours=3)
"""How far around this hour ρ and the interval are learned."""
PRIOR_RHO, PRIOR_WEIGHT = 0.8, 1.0
LEAST_PAIRS = 5
RECENT_DAYS = 7
"""Within which `LEAST_DAYS` must lie at which about this hour was known: an event of last month is no habit."""
UNLIKE = 2.0
"""So many times as unlike as it ever was at about this hour: no such day was seen before, and nothing is usual."""
COVERED = 0.8
TAILS = np.arange(0.1, 0.26, 0.01)
"""Candidates for what is left out at either end. Whole numbers cover more than the numbers between them would: the
narrowest is taken that, in whole numbers, covers as many of the earlier moments as it says."""


class Daily:
    """Learned at one moment, from what was before it; asked about the same slot."""

    def __init__(self, moments: Floats, people: Floats, *, now: datetime, step: timedelta) -> None:
        """`moments`: seconds since 1970, one a slot of `step`, ascending; at each `people` were inside."""
        self._per_day = max(1, timedelta(days=1) // step)
        self._step_s = step.total_seconds()
        self._days = LOOK_BACK_DAYS + 1 + AHEAD_DAYS
        local = now.astimezone(JST)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=LOOK_BACK_DAYS)
        self._first = midnight.timestamp()
        self._now = LOOK_BACK_DAYS * self._per_day + int(
            (now.timestamp() - self._first) % 86_400 // self._step_s
        )
        self._y = self._laid_out(moments, people)
        self._kind = np.array(
            [(midnight + timedelta(days=day)).weekday() >= 5 for day in range(self._days)], dtype=bool
        )
        self._p = self._usual()
        self._weight = self._about_now()

    def ahead(self, people: float, horizon: timedelta) -> tuple[float, float, float] | None:
        """Low, middle, high of 80 %; None where too little is known, or today is unlike every day before."""
        slots = round(horizon.total_seconds() / self._step_s)
        then = self._p[self._now + slots]
        here = self._p[self._now]
        pairs = self._pairs(slots)
        if (
            not self._lately()
            or len(pairs) < LEAST_PAIRS
            or np.isnan(then)
            or np.isnan(here)
            or self._unlike(people - here, pairs)
        ):
            return None
        y, usual = self._y, self._p
        apart = y[pairs] - usual[pairs]
        weight = self._weight[pairs] / (usual[pairs + slots] + 1)
        rho = float(
            (np.sum(weight * apart * (y[pairs + slots] - usual[pairs + slots])) + PRIOR_WEIGHT * PRIOR_RHO)
            / (np.sum(weight * apart * apart) + PRIOR_WEIGHT)
        )
        said, middle = usual[pairs + slots] + rho * apart, then + rho * (people - here)
        better = (1 - 1 / np.sqrt(len(pairs))) * _error(y[pairs + slots], y[pairs], weight)
        chance = _error(y[pairs + slots], said, weight) > better  # no more than ρ owes to having seen them
        if chance or self._per_day == 1:
            said, middle = y[pairs], people
        middle = max(0.0, float(middle))
        low, high = _errors(y[pairs + slots], np.maximum(said, 0), self._weight[pairs])
        scale = np.sqrt(middle + 1)
        return max(0.0, middle + min(low, 0.0) * scale), middle, middle + max(high, 0.0) * scale

    def _laid_out(self, moments: Floats, people: Floats) -> Floats:
        """By slot since `_first`; unknown is NaN. The times of Japan have no summer time."""
        laid = np.full(self._days * self._per_day, np.nan)
        at = np.floor((moments - self._first) / self._step_s).astype(int)
        there = (at >= 0) & (at <= self._now)
        laid[at[there]] = people[there]
        return laid

    def _usual(self) -> Floats:
        """At each slot, from the days before its day."""
        y = self._y.reshape(self._days, self._per_day)
        known = ~np.isnan(y)
        day = np.arange(self._days)
        age = day[:, None] - day[None, :] - 1
        weights = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / HALF_LIFE_DAYS), 0.0)
        weights *= np.where(self._kind[:, None] == self._kind[None, :], 1.0, OTHER_KIND)
        seen = (age >= 0).astype(float) @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            usual = (weights @ np.where(known, y, 0.0)) / (weights @ known)
        usual[seen < LEAST_DAYS] = np.nan
        laid: Floats = usual.ravel()
        return laid

    def _about_now(self) -> Floats:
        """How much each slot tells about this one: by hour of day, and by kind of day."""
        slot = np.arange(self._days * self._per_day) % self._per_day
        apart = np.abs(slot - self._now % self._per_day)
        apart = np.minimum(apart, self._per_day - apart) * self._step_s
        near: Floats = np.maximum(0.0, 1 - apart / ABOUT.total_seconds())
        kind = np.repeat(self._kind, self._per_day)
        weight: Floats = np.multiply(near, np.where(kind == kind[self._now], 1.0, 2 * OTHER_KIND))
        return weight

    def _pairs(self, slots: int) -> NDArray[np.int64]:
        """Slots from which `slots` later, and not later than now, everything is known."""
        at: NDArray[np.int64] = np.arange(self._now - slots + 1)
        known = ~np.isnan(self._y[at] + self._p[at] + self._y[at + slots] + self._p[at + slots])
        return at[known & (self._weight[at] > 0)]

    def _lately(self) -> bool:
        known = ~np.isnan(self._y).reshape(self._days, self._per_day)
        about = self._weight.reshape(self._days, self._per_day)[LOOK_BACK_DAYS] > 0
        days = known[LOOK_BACK_DAYS - RECENT_DAYS : LOOK_BACK_DAYS, about].any(axis=1)
        return bool(np.count_nonzero(days) >= LEAST_DAYS)

    def _unlike(self, apart: float, pairs: NDArray[np.int64]) -> bool:
        today = LOOK_BACK_DAYS
        alike = (pairs < today * self._per_day) & (self._kind[pairs // self._per_day] == self._kind[today])
        usual = self._p[pairs[alike]]
        most = np.max(np.abs(self._y[pairs[alike]] - usual) / np.sqrt(usual + 1), initial=1.0)  # 1: by chance
        return bool(abs(apart) / np.sqrt(self._p[self._now] + 1) > UNLIKE * most)


def _errors(truth: Floats, said: Floats, weight: Floats) -> tuple[float, float]:
    """The two ends, in the scale."""
    scale = np.sqrt(said + 1)
    errors = (truth - said) / scale
    order = np.argsort(errors)
    share = np.cumsum(weight[order])
    share = (share - weight[order] / 2) / share[-1]
    lows, highs = (np.interp(tails, share, errors[order])[:, None] for tails in (TAILS, 1 - TAILS))
    inside = (np.rint(said + lows * scale) <= truth) & (truth <= np.rint(said + highs * scale))
    enough = inside @ weight / np.sum(weight) >= COVERED
    narrowest = int(np.flatnonzero(enough)[-1]) if enough.any() else 0
    return float(lows[narrowest, 0]), float(highs[narrowest, 0])


def _error(truth: Floats, said: Floats, weight: Floats) -> float:
    return float(np.sum(weight * np.abs(truth - said)))
