"""What of the shelters' past may be published: the head counts that the public list showed in their own moment.

A door counter at a school counts pupils on every other day, and staff count people before anybody may know of it. So
a count is kept in only where its site was receiving then, for a hazard of an alert that was in force then (I16). A
count may have been taken at any moment of its slot: so «then» is the whole of it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hub.hazard import Hazard
from shelters.history import SLOT, Point
from shelters.shelter import Step
from shelters.site import Site, SiteCode
from shelters.suited import Suited, suited


class InForce(NamedTuple):
    """An alert for `hazard` was in force from `since` until just before `until`."""

    hazard: Hazard
    since: datetime
    until: datetime


class Past(NamedTuple):
    """What was public of the time from `since` to `until`, by site and time."""

    since: datetime
    until: datetime
    samples: Sequence[Point]


def public(
    samples: Iterable[Point],
    sites: Mapping[SiteCode, Site],
    steps: Mapping[SiteCode, Sequence[Step]],
    alerts: Sequence[InForce],
) -> list[Point]:
    """Of `samples` those that were public when they were taken. `steps`: every step of each site, first to last."""
    taken = {site: sorted(each, key=lambda step: step.at) for site, each in steps.items()}
    threats: dict[datetime, frozenset[Hazard]] = {}
    found = []
    for sample in samples:
        at = sample.at
        if at not in threats:
            threats[at] = _in_force(alerts, at) & _in_force(alerts, at + SLOT)
        site = sites.get(sample.site)
        if site and _shown(site, _standing(taken.get(sample.site, ()), at), threats[at]):
            found.append(sample)
    return found


_INSIDE = frozenset({Suited.RECOMMENDED, Suited.FULL})


def _in_force(alerts: Iterable[InForce], at: datetime) -> frozenset[Hazard]:
    return frozenset(alert.hazard for alert in alerts if alert.since <= at < alert.until)


def _shown(site: Site, steps: Sequence[Step], hazards: Iterable[Hazard]) -> bool:
    return bool(steps) and any(
        all(suited(site, hazard, step, None) in _INSIDE for step in steps) for hazard in hazards
    )


def _standing(steps: Sequence[Step], at: datetime) -> Sequence[Step]:
    """Those that stood within the slot from `at` on; none if the first was taken within it."""
    before = bisect_right(steps, at, key=lambda step: step.at)
    return steps[before - 1 : bisect_right(steps, at + SLOT, key=lambda step: step.at)] if before else ()
