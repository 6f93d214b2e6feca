"""How good the forecast is: at one moment after the other, from nothing but what was before it (rolling origin).

Beside it the same moments are forecast by the simplest ways: as many as now; the change of the last half hour, or of
the whole time, goes on; as many as yesterday, or a week ago, at that hour. The best of them is what it is measured by,
for each horizon anew. Ways that know the capacity are cut off at it, all of them.

Every moment counts, whether a screen would show its forecast or say «cannot say»; how often it would is a figure too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from hub.clock import JST
from hub.errors import BadInput
from shelters.ahead import HORIZONS, Forecast
from shelters.daily import Daily
from shelters.forecast import Outlook, Past, Range, capped, told
from yobikake.evaluation import calit2, scenarios
from yobikake.evaluation.calit2 import Doorway
from yobikake.evaluation.figure import Figure
from yobikake.evaluation.full import STEP, FullScore, full_step
from yobikake.evaluation.scenarios import SHIFTED, STEP_MIN, USUAL, Evening

Floats = NDArray[np.float64]
Progress = Callable[[int], None]
Parts = dict[str, dict[str, Figure]]
"""By what was forecast, and the name of the figure."""

MINUTES = tuple(int(horizon.total_seconds() // 60) for horizon in HORIZONS)
GOAL_AT = 60
WARM_UP = timedelta(days=14)
"""Of a series: a week for «a week ago», and one to learn from."""
HELD_BACK_FROM = datetime(2005, 10, 2, tzinfo=JST)
"""CalIt2's last third: nothing was chosen on it. A file that goes so far is measured there, any other after `WARM_UP`."""
START = datetime(2026, 9, 12, 9, 0, tzinfo=UTC)
ONCE_A_DAY_AHEAD = (1, 2, 3)
"""Days to the next snapshot that are still compared."""


_NO_ERROR = 1e-9
"""People: what stands for a way that was never wrong."""


@dataclass(slots=True)
class Score:
    """At one horizon: errors by method, whether the truth was in the interval, whether it would have been said."""

    errors: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    inside: list[bool] = field(default_factory=list)
    said: list[bool] = field(default_factory=list)

    @property
    def mae(self) -> float:
        return fmean(self.errors["ours"])

    @property
    def ratio(self) -> float:
        """Our mean error in parts of that of the best of the simplest ways."""
        best = min(fmean(errors) for name, errors in self.errors.items() if name != "ours")
        return self.mae / max(best, _NO_ERROR)

    @property
    def coverage(self) -> float:
        """Percent of those for which something could be said."""
        return 100 * fmean(self.inside)

    def add(self, truth: float, ours: Range | None, others: Mapping[str, float], *, now: float) -> None:
        """`ours` None: nothing could be said; then as many as now."""
        self.errors["ours"].append(abs((ours.middle if ours else now) - truth))
        for name, number in others.items():
            self.errors[name].append(abs(number - truth))
        if ours:
            self.inside.append(ours.low <= truth <= ours.high)


Scores = dict[int, Score]
"""By minutes ahead."""


def on_calit2(doorway: Doorway, progress: Progress = lambda _: None) -> Parts:
    """Weekdays from 7 to 22 o'clock, after `WARM_UP`: how many are inside by the online estimate, and how many will
    come in. Neither is a truth about people inside, which nobody counted."""
    estimate = _on_series(doorway, calit2.online_estimate(doorway), progress)
    inflow = _on_series(doorway, doorway.inflow, progress)
    return {
        "forecast, CalIt2's estimate": _figures(estimate, ratio=0.75, coverage=(75, 85)),
        "forecast, CalIt2's inflow": _figures(inflow, ratio=0.9, coverage=(75, 85)),
    }


def on_evenings(count: int, *, seed: int, progress: Progress = lambda _: None) -> Parts:
    """`count` usual evenings, and about as many shifted ones, shared among the ways in which they are."""
    usual = _on_evenings(scenarios.evenings(USUAL, count, seed=seed), progress)
    each = -(-count // len(SHIFTED))
    shifted = _on_evenings(
        (
            evening
            for number, kind in enumerate(SHIFTED.values(), start=1)
            for evening in scenarios.evenings(kind, each, seed=seed + 1000 * number)
        ),
        progress,
    )
    return {
        "forecast, evenings": _figures(usual.whole, ratio=0.9, coverage=(75, 88)),
        "forecast, evenings while filling": _figures(usual.filling),
        "forecast, evenings, time to full": usual.full.figures(),
        "forecast, shifted evenings": _figures(shifted.whole, ratio=0.9, coverage=(75, 88)),
        "forecast, shifted evenings while filling": _figures(shifted.filling, ratio=1.0),
        "forecast, shifted evenings, time to full": shifted.full.figures(),
    }


def on_nanao(shelters: Mapping[str, Mapping[datetime, int]]) -> Parts:
    """From each snapshot to the next, at most three days later."""
    score = Score()
    for series in shelters.values():
        days = sorted(series)
        for i, (day, after) in enumerate(pairwise(days)):
            if (after - day).days in ONCE_A_DAY_AHEAD:
                ours = _next_snapshot([(each, series[each]) for each in days[: i + 1]], after)
                score.add(series[after], ours, {"last": series[day]}, now=series[day])
    return {
        "forecast, Nanao": {
            "MAE / last value": Figure(value=score.ratio, at_most=1.0),
            "MAE": Figure(value=score.mae),
            "coverage, %": Figure(value=score.coverage),
        }
    }


def origins(doorway: Doorway) -> list[int]:
    """The half hours at which CalIt2 is forecast.

    Raises:
        BadInput: there are none.
    """
    slots = len(doorway.inflow)
    ends = doorway.start + slots * calit2.STEP
    measured_from = HELD_BACK_FROM if ends > HELD_BACK_FROM + WARM_UP else doorway.start
    within = range(WARM_UP // calit2.STEP, slots - HORIZONS[-1] // calit2.STEP)
    starts = [(k, doorway.start + k * calit2.STEP) for k in within]
    found = [k for k, now in starts if now >= measured_from and _worked(now)]
    if not found:
        raise BadInput("--calit2", "has too few days: three weeks at least / 3週間以上の記録が必要です")
    return found


def _on_series(doorway: Doorway, people: Floats, progress: Progress) -> Scores:
    scores = {minutes: Score() for minutes in MINUTES}
    moments = doorway.moments
    per_day = timedelta(days=1) // calit2.STEP
    for k in origins(doorway):
        progress(1)
        if np.isnan(people[k]):
            continue
        now = datetime.fromtimestamp(moments[k], UTC)
        known = ~np.isnan(people[: k + 1])
        past = Past(moments[: k + 1][known].tolist(), people[: k + 1][known].tolist(), calit2.STEP)
        expected = Outlook(past, now=now).expected(float(people[k]), now=now)
        for i, minutes in enumerate(MINUTES):
            then = k + HORIZONS[i] // calit2.STEP
            others = {
                "last": people[k],
                "drift": max(0.0, people[k] + (people[k] - people[k - 1]) * (then - k)),
                "yesterday": people[then - per_day],
                "last week": people[then - 7 * per_day],
            }
            if not np.isnan([people[then], *others.values()]).any():
                ours = capped(expected[i], people[k], None) if expected else None
                scores[minutes].add(people[then], ours, others, now=people[k])
    return scores


def _worked(now: datetime) -> bool:
    local = now.astimezone(JST)
    return local.weekday() < 5 and 7 <= local.hour + local.minute / 60 <= 22


@dataclass(slots=True)
class _OfEvenings:
    whole: Scores = field(default_factory=lambda: {minutes: Score() for minutes in MINUTES})
    filling: Scores = field(default_factory=lambda: {minutes: Score() for minutes in MINUTES})
    full: FullScore = field(default_factory=FullScore)


def _on_evenings(evenings: Iterable[Evening], progress: Progress) -> _OfEvenings:
    """From the first who is counted to the end; filling is as long as there are fewer than nine tenths of the most."""
    found = _OfEvenings()
    for evening in evenings:
        counted, truth = evening.counted.tolist(), evening.people.tolist()
        moments = [START.timestamp() + 60 * STEP_MIN * step for step in range(len(counted))]
        filled = int(np.argmax(evening.people >= 0.9 * evening.people.max()))
        first = int(np.argmax(evening.counted > 0))
        full = full_step(evening)
        for step in range(max(1, first), len(counted) - MINUTES[-1] // STEP_MIN):
            scores = (found.whole, found.filling) if step < filled else (found.whole,)
            past = Past(moments[: step + 1], counted[: step + 1])
            said, now = _at_step(past, truth, evening.capacity, scores)
            if full is None or step < full:
                found.full.add(said, now, None if full is None else START + full * STEP)
        progress(1)
    return found


def _at_step(
    past: Past, truth: Sequence[float], capacity: int, scores: Sequence[Scores]
) -> tuple[Forecast, datetime]:
    """What would be said, and when."""
    step, inside = len(past.people) - 1, past.people[-1]
    now = datetime.fromtimestamp(past.moments[-1], UTC)
    expected = Outlook(past, now=now).expected(inside, now=now)
    said = told(expected, int(inside), now=now, capacity=capacity)
    half_an_hour_ago = past.people[step - 6] if step >= 6 else 0.0
    for i, minutes in enumerate(MINUTES):
        steps = minutes // STEP_MIN
        others = {
            "last": inside,
            "drift": inside + (inside - half_an_hour_ago) * steps / 6,
            "drift from the start": inside + inside * steps / step,
        }
        others = {name: min(max(0.0, number), max(capacity, inside)) for name, number in others.items()}
        ours = capped(expected[i], inside, capacity) if expected else None
        for each in scores:
            each[minutes].add(truth[step + steps], ours, others, now=inside)
            each[minutes].said.append(said.ahead[i].people is not None)
    return said, now


def _next_snapshot(known: Sequence[tuple[datetime, int]], after: datetime) -> Range | None:
    day, people = known[-1]
    moments, numbers = np.array([at.timestamp() for at, _ in known]), np.array([n for _, n in known], float)
    daily = Daily(moments, numbers, now=day, step=timedelta(days=1))
    ours = daily.ahead(people, after - day)
    return None if ours is None else capped(Range(*ours), people, None)


def _figures(
    scores: Scores, *, ratio: float | None = None, coverage: tuple[float, float] = (0, 100)
) -> dict[str, Figure]:
    """`ratio`: the goal at `GOAL_AT`."""
    figures = {}
    for minutes, score in scores.items():
        at = f"+{minutes} min"
        goal = ratio if minutes == GOAL_AT else None
        figures[f"{at}, MAE / best baseline"] = Figure(value=score.ratio, at_most=goal)
        figures[f"{at}, MAE"] = Figure(value=score.mae)
        least, most = coverage if coverage != (0, 100) else (None, None)
        figures[f"{at}, coverage, %"] = Figure(value=score.coverage, at_least=least, at_most=most)
        if score.said:
            figures[f"{at}, said, %"] = Figure(value=100 * fmean(score.said))
    return figures
