"""What of the shelters' past may be published: the head counts that the public list showed in their own moment.

A door counter at a school counts pupils on every other day, and staff count people before anybody may know of it. So
a count is kept in only where its site was receiving then, for a hazard of an alert that was in force then (I16).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hub.hazard import Hazard
from shelters.history import Point
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
            threats[at] = frozenset(alert.hazard for alert in alerts if alert.since <= at < alert.until)
        site = sites.get(sample.site)
        if site and _shown(site, _standing(taken.get(sample.site, ()), at), threats[at]):
            found.append(sample)
    return found


_INSIDE = frozenset({Suited.RECOMMENDED, Suited.FULL})


def _shown(site: Site, step: Step | None, hazards: Iterable[Hazard]) -> bool:
    return step is not None and any(suited(site, hazard, step, None) in _INSIDE for hazard in hazards)


def _standing(steps: Sequence[Step], at: datetime) -> Step | None:
    """The last step that was taken by then."""
    taken = bisect_right(steps, at, key=lambda step: step.at)
    return steps[taken - 1] if taken else None
