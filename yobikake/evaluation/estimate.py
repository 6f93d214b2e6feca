"""How good the estimate of people inside is: against a known truth, and beside simpler ways to count.

Goals and their grounds stand in `docs/occupancy.md`. The filter is asked as the hub asks it: through tally, fold and
`estimate`, with nothing that a hub would not have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import fmean

from shelters.device import Counts, Device
from shelters.estimate import Ruler, estimate
from shelters.occupancy import Occupancy
from shelters.reading import DoorTotals, Measure, Reading, StaffWord
from shelters.site import SiteCode
from shelters.tally import Tally, add, fold
from yobikake.evaluation.calit2 import Doorway
from yobikake.evaluation.crowds import Misses, Moment, night
from yobikake.evaluation.drift import drift
from yobikake.evaluation.figure import Figure

Progress = Callable[[int], None]

FIXED = 1.06
"""What the simplest correction multiplies every crossing with."""

EVERY = 5
_START = datetime(2026, 9, 12, 9, 0, tzinfo=UTC)
_SITE = SiteCode("E0000000001")
_DOORS = tuple(
    Device(
        id=f"door-{number}",
        site=_SITE,
        counts=Counts.DOOR_TOTALS,
        key="",
        interval=timedelta(minutes=EVERY),
    )
    for number in range(2)
)
_RULER = Ruler(devices=_DOORS)


def on_nights(
    seeds: Sequence[str],
    misses: Misses,
    *,
    error_at_most: float,
    better_at_least: float | None = None,
    coverage: tuple[float, float | None],
    progress: Progress = lambda _: None,
) -> dict[str, Figure]:
    """One simulated night for each seed: mean absolute errors in percent of the mean number of people, by method; by
    how many percent the filter beats a reset at each count; how much of the truth its 90 % intervals hold; and how
    much of the time it says a number. The same seeds give the same figures."""
    sums = _Sums()
    for done, seed in enumerate(seeds, start=1):
        _add(sums, night(seed, misses, every=EVERY))
        progress(done)
    means = {name: fmean(errors) for name, errors in sums.errors.items()}
    least, most = coverage
    return {
        "raw": Figure(value=means["raw"]),
        "reset": Figure(value=means["reset"]),
        "fixed": Figure(value=means["fixed"]),
        "filter": Figure(value=means["filter"], at_most=error_at_most),
        "better than reset": Figure(
            value=100 * (1 - means["filter"] / means["reset"]), at_least=better_at_least
        ),
        "coverage": Figure(value=100 * sums.held / sums.said, at_least=least, at_most=most),
        "said": Figure(value=100 * sums.said / sums.all),
    }


def on_calit2(doorway: Doorway) -> dict[str, Figure]:
    """People said to be inside at the next 04:00, when nobody is; and the day's sum itself, which may be negative."""
    found = drift(doorway)
    return {
        "days": Figure(value=found.days),
        "reset": Figure(value=found.reset),
        "filter": Figure(value=found.filter, at_most=found.reset / 2),
        "sum reset": Figure(value=found.sum_reset),
        "sum filter": Figure(value=found.sum_filter),
    }


_METHODS = ("raw", "reset", "fixed", "filter")


@dataclass(slots=True)
class _Sums:
    errors: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _METHODS})
    held: int = 0
    said: int = 0
    all: int = 0


def _add(sums: _Sums, moments: Sequence[Moment]) -> None:
    """Errors at the moments at which the filter says a number: the same for every method."""
    said = list(_by_filter(moments))
    known = [number for number, occupancy in enumerate(said) if occupancy.people is not None]
    truth = [moments[number].people for number in known]
    scale = fmean(truth)
    ways = {
        "raw": _by_doors(moments, factor=1.0, reset=False),
        "reset": _by_doors(moments, factor=1.0, reset=True),
        "fixed": _by_doors(moments, factor=FIXED, reset=True),
        "filter": [float(occupancy.people or 0) for occupancy in said],
    }
    for name, numbers in ways.items():
        wrong = fmean(abs(numbers[number] - moments[number].people) for number in known)
        sums.errors[name].append(100 * wrong / scale)
    sums.held += sum(
        abs((said[number].people or 0) - moments[number].people) <= (said[number].margin or 0)
        for number in known
    )
    sums.said += len(known)
    sums.all += len(moments)


def _by_filter(moments: Sequence[Moment]) -> Iterable[Occupancy]:
    tally, said = Tally(site=_SITE), None
    for moment in moments:
        now = _START + timedelta(minutes=moment.minute)
        tally = fold(add(tally, _readings(moment, now)), _DOORS)
        said = estimate(tally, _RULER, now=now, before=said)
        yield said


def _readings(moment: Moment, at: datetime) -> Iterable[Reading]:
    for door, totals in zip(_DOORS, moment.doors, strict=True):
        if totals is not None:
            yield _reading(door.id, at, DoorTotals(entered=totals[0], left=totals[1]))
    if moment.counted is not None:
        yield _reading("staff", at, StaffWord(people=moment.counted))


def _reading(device: str, at: datetime, measure: Measure) -> Reading:
    return Reading(site=_SITE, device=device, id=f"{at:%d%H%M}", at=at, received_at=at, measure=measure)


def _by_doors(moments: Sequence[Moment], *, factor: float, reset: bool) -> list[float]:
    """In less out, from the first count on, or from every count on."""
    people = 0.0
    before: dict[int, tuple[int, int]] = {}
    found: list[float] = []
    for moment in moments:
        for door, totals in enumerate(moment.doors):
            if totals is None:
                continue
            last = before.get(door, totals)
            anew = totals[0] < last[0] or totals[1] < last[1]
            entered, left = totals if anew else (totals[0] - last[0], totals[1] - last[1])
            people += factor * (entered - left)
            before[door] = totals
        if moment.counted is not None and (reset or not found):
            people = float(moment.counted)
        people = max(0.0, people)
        found.append(people)
    return found
