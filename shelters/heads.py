"""Heads counted at once: how far such a count may be off, and what several counters see together."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from shelters.belief import Count
from shelters.device import Counts, Device

COUNT_SHARE, COUNT_ALONE = 0.02, 1.0
"""Deviation of a count by people: this share of it, and this many."""

NOBODY = 0.1
"""Deviation where they found nobody: an empty building is easily told from one that is not."""

LIST_PERCENT, HEADS_PERCENT = 10.0, 5.0
"""Error of a check-in list (who leaves often does not say so), and of a head counter that nobody tested."""

ERRORS_LAST = timedelta(minutes=30)
"""A counter that looks again a minute later errs as before: within this time it tells little new."""


class Heads(NamedTuple):
    """`alone`: the variance of `people` by itself; `again`: of what it adds to what the same counters said before."""

    people: float
    alone: float
    again: float


def by_people(people: int) -> float:
    """The variance of a count by staff."""
    return (COUNT_SHARE * people + COUNT_ALONE) ** 2 if people else NOBODY**2


def seen(latest: Mapping[str, Count], devices: Mapping[str, Device], count: Count) -> Heads | None:
    """What the counters of a site say at `count`: those that see a part each, added up and without the staff.

    None where one of them is silent: what its part holds is not known.
    """
    device = devices[count.device]
    zones = [each for each in devices.values() if each.counts is Counts.HEADS]
    parts = zones if device.counts is Counts.HEADS else [device]
    counts = [latest[part.id] for part in parts if _fresh(latest, part, count)]
    if len(counts) < len(parts):
        return None
    people = sum(max(0, one.people - devices[one.device].staff) for one in counts)
    alone = (_error(device) * people + COUNT_ALONE) ** 2
    return Heads(float(people), alone, alone * max(1.0, len(parts) * ERRORS_LAST / device.interval))


def _fresh(latest: Mapping[str, Count], part: Device, count: Count) -> bool:
    return part.id in latest and count.at <= latest[part.id].at + part.patience


def _error(device: Device) -> float:
    usual = HEADS_PERCENT if device.counts is Counts.HEADS else LIST_PERCENT
    return (usual if device.error_percent is None else device.error_percent) / 100
