"""What of the shelters' past may be published: the head counts that the public list showed in their own moment.

A door counter at a school counts pupils on every other day, and staff count people before anybody may know of it. So
a count is kept in only where its site was receiving then, for a hazard of an alert that was in force then (I16).
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hub.hazard import Hazard
from shelters.shelter import Step
from shelters.site import Site, SiteCode
from shelters.suited import Suited, suited


class Sample(NamedTuple):
    """How many people were at a site. `people` None: not known."""

    site: SiteCode
    at: datetime
    people: int | None


class InForce(NamedTuple):
    """An alert for `hazard` was in force from `since` until just before `until`."""

    hazard: Hazard
    since: datetime
    until: datetime


class Past(NamedTuple):
    """What was public of the time from `since` to `until`, by site and time."""

    since: datetime
    until: datetime
    samples: Sequence[Sample]


def public(
    samples: Iterable[Sample],
    sites: Mapping[SiteCode, Site],
    steps: Mapping[SiteCode, Sequence[Step]],
    alerts: Sequence[InForce],
) -> list[Sample]:
    """Of `samples` those that were public when they were taken. `steps`: every step of each site, first to last."""
    taken = {site: sorted(each, key=lambda step: step.at) for site, each in steps.items()}
    return [
        sample
        for sample in samples
        if (site := sites.get(sample.site)) is not None
        and _shown(site, _standing(taken.get(sample.site, ()), sample.at), sample.at, alerts)
    ]


_INSIDE = frozenset({Suited.RECOMMENDED, Suited.FULL})


def _shown(site: Site, step: Step | None, at: datetime, alerts: Sequence[InForce]) -> bool:
    if step is None:
        return False
    hazards = {alert.hazard for alert in alerts if alert.since <= at < alert.until}
    return any(suited(site, hazard, step, None) in _INSIDE for hazard in hazards)


def _standing(steps: Sequence[Step], at: datetime) -> Step | None:
    """The last step that was taken by then."""
    taken = bisect_right(steps, at, key=lambda step: step.at)
    return steps[taken - 1] if taken else None
