"""Readings from outside become records on `readings`: understood, allowed, published."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.blocks import blocks
from hub.bus import READINGS, Bus
from hub.codec import RecordCodec
from shelters.device import Device, Devices
from shelters.reading import Reading, Readings, Refusal, parse
from shelters.sensors.counting import Condition
from shelters.site import SiteCode

A_RECORD = 100
"""Readings at most: some 20 KB."""


class Vital(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor was heard. `device`: one that it stands for. `at`: when, by its network; None: just now."""

    device: str
    what: str
    condition: Condition = Condition()
    at: datetime | None = None


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """What of a body was good, and what was not and why. `heard`: signs of life, which count nobody."""

    taken: tuple[Reading, ...] = ()
    refused: tuple[Refusal, ...] = ()
    heard: tuple[Vital, ...] = ()
    wait_s: float = 0.0
    """Where a device sends too much: how long it should wait."""


def sort(
    body: bytes, devices: Devices, *, now: datetime, key: str | None = None, device: str | None = None
) -> Sorted:
    """Tell good readings from bad ones; one bad reading spoils no other.

    `key` or `device`: who sent it, as `Devices.admit` takes them.

    Raises:
        BadInput: the body as a whole cannot be understood.
    """
    taken: list[Reading] = []
    refused: list[Refusal] = []
    for sent in parse(body, now=now):
        if isinstance(sent, Refusal):
            refused.append(_by(sent, devices, key, device))
            continue
        match devices.admit(sent, key=key, device=device):
            case Refusal() as refusal:
                refused.append(refusal)
            case Device() as admitted:
                taken.append(admitted.reading(sent, received_at=now))
    return Sorted(taken=tuple(taken), refused=tuple(refused))


def _by(refusal: Refusal, devices: Devices, key: str | None, device: str | None) -> Refusal:
    """Of the device that the broker vouches for, or that the reading names where that may send with `key`."""
    known = devices.get(device if device is not None else refusal.device)
    owned = known is not None and (key is None or known.key == key)
    return msgspec.structs.replace(refusal, device=known.id if known is not None and owned else "")


async def publish(bus: Bus, records: RecordCodec, readings: Sequence[Reading]) -> None:
    """Returns once they are durable. Readings of one site keep their order.

    Raises:
        TemporaryFailure: they may be lost; whoever sent them sends them again (a repeat counts once).
    """
    by_site: defaultdict[SiteCode, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_site[reading.site].append(reading)
    sealed = [
        (site, records.seal(READINGS, site, Readings(readings=together)))
        for site, given in by_site.items()
        for together in blocks(given, A_RECORD)
    ]
    if sealed:
        await bus.publish_many(READINGS, sealed)
