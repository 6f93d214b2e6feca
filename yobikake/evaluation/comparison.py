"""The policies beside each other over many evenings, with the goals beside the figures."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from shelters.routing import USABLE
from yobikake.evaluation.routing import Outcome, Policy, Told, live
from yobikake.evaluation.town import Beliefs, Evening, Scenario, evening

RIGHT, WRONG = "right", "wrong"
"""What the hub believes beforehand (`Evening.right`, `Evening.wrong`)."""
COMPLIANCES = (0.7, 0.5)

Progress = Callable[[int, int], None]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`usable`: up to which ratio of a capacity people are sent to a site; None: by the city's own thresholds."""

    compliance: float
    priors: str
    usable: float | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, and how those who obey choose by it."""

    policy: Policy
    told: Told


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Over all people of all evenings. `reduction`: of those turned away under `nearest`, the ratio that is not.
    `sites_full`: of the open sites, the ratio that turned somebody away."""

    case: Case
    way: Way
    turned_away: float
    reduction: float
    walking_min: float
    walking_p95_min: float
    sites_full: float
    unplaced: int


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """`figure` is to be `target` at least, or at most where `at_most`."""

    goal: str
    target: float
    figure: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.figure <= self.target if self.at_most else self.figure >= self.target


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`people`: of all evenings; `load`: least, mean and highest."""

    scenario: str
    seeds: int
    people: int
    load: tuple[float, float, float]
    rows: tuple[Row, ...]
    goals: tuple[Goal, ...]


NEAREST = Way(policy=Policy.NEAREST, told=Told.PLACE)
ROOM_NOW = Way(policy=Policy.ROOM_NOW, told=Told.PLACE)
FALLBACK = Way(policy=Policy.FALLBACK, told=Told.PLACE)
PROGRAMME = Way(policy=Policy.PROGRAMME, told=Told.PLACE)
FIRST = Way(policy=Policy.PROGRAMME, told=Told.FIRST)
TEXT = Way(policy=Policy.PROGRAMME, told=Told.TEXT)

_BARE = Case(compliance=0.7, priors=WRONG, usable=USABLE)
_RUNS: tuple[tuple[Case, tuple[Way, ...]], ...] = (
    *(
        (Case(compliance=compliance, priors=priors), ways)
        for compliance in COMPLIANCES
        for priors, ways in (
            (RIGHT, (NEAREST, ROOM_NOW, FALLBACK, PROGRAMME)),
            (WRONG, (NEAREST, ROOM_NOW, FALLBACK, PROGRAMME, FIRST, TEXT)),
        )
    ),
    (_BARE, (NEAREST, ROOM_NOW, FALLBACK, PROGRAMME)),
)
"""The last case is of a city that calls no site 満 before it is full."""


def compare(scenario: Scenario, seeds: Iterable[int], progress: Progress) -> Comparison:
    """The same seeds give the same figures."""
    seeds = list(seeds)
    lived: dict[tuple[Case, Way], list[Outcome]] = {}
    evenings = []
    for done, seed in enumerate(seeds):
        progress(done, len(seeds))
        this = evening(scenario, seed)
        evenings.append(this)
        for case, ways in _RUNS:
            for way in ways:
                lived.setdefault((case, way), []).append(_lived(this, case, way))
    rows = tuple(_row(case, way, lived) for case, way in lived)
    loads = [each.load for each in evenings]
    return Comparison(
        scenario=scenario.name,
        seeds=len(seeds),
        people=sum(each.people for each in evenings),
        load=(min(loads), sum(loads) / len(loads), max(loads)),
        rows=rows,
        goals=tuple(_goals(rows)),
    )


def _lived(this: Evening, case: Case, way: Way) -> Outcome:
    beliefs: Beliefs = this.wrong if case.priors == WRONG else this.right
    if case.usable is not None:
        this = msgspec.structs.replace(this, usable=case.usable)
    return live(this, way.policy, compliance=case.compliance, beliefs=beliefs, told=way.told)


def _row(case: Case, way: Way, lived: dict[tuple[Case, Way], list[Outcome]]) -> Row:
    outcomes, nearest = lived[case, way], lived[case, NEAREST]
    full = [each.full for each in outcomes]
    away, base = _mean(outcomes, "turned_away"), _mean(nearest, "turned_away")
    return Row(
        case=case,
        way=way,
        turned_away=away,
        reduction=1 - away / base if base else 0.0,
        walking_min=_mean(outcomes, "walking_min"),
        walking_p95_min=_mean(outcomes, "walking_p95_min"),
        sites_full=sum(map(sum, full)) / sum(map(len, full)),
        unplaced=sum(each.unplaced for each in outcomes),
    )


def _mean(outcomes: Sequence[Outcome], figure: str) -> float:
    """Of people, not of evenings."""
    people = sum(each.people for each in outcomes)
    return float(sum(getattr(each, figure) * each.people for each in outcomes) / people)


def _goals(rows: Sequence[Row]) -> Iterable[Goal]:
    found = {(row.case, row.way): row for row in rows}

    def row(compliance: float, way: Way) -> Row:
        return found[Case(compliance=compliance, priors=WRONG), way]

    yield Goal(
        goal="programme, compliance 0.7, wrong priors: fewer turned away",
        target=0.60,
        figure=row(0.7, PROGRAMME).reduction,
    )
    yield Goal(
        goal="programme, compliance 0.5, wrong priors: fewer turned away",
        target=0.50,
        figure=row(0.5, PROGRAMME).reduction,
    )
    yield Goal(
        goal="proportional rule, compliance 0.7, wrong priors: fewer turned away",
        target=0.50,
        figure=row(0.7, FALLBACK).reduction,
    )
    yield Goal(
        goal="programme, compliance 0.7, wrong priors: walking as a ratio of that under nearest",
        target=1.0,
        figure=row(0.7, PROGRAMME).walking_min / row(0.7, NEAREST).walking_min,
        at_most=True,
    )
