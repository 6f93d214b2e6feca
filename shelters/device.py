"""The devices that may report, and the keys they report with.

A key is a random token that a device, or the gateway or vendor service in front of several, shows as
`Authorization: Bearer <key>`. Only its SHA-256 is kept: the token has 256 random bits, so nothing
slower is needed to protect it.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shelters.reading import (
    DoorDeltas,
    DoorTotals,
    HeadCount,
    Measure,
    Reading,
    Refusal,
    Sent,
    StaffWord,
)
from shelters.sensors.counting import Way
from shelters.site import SiteCode

SILENT_INTERVALS = 2
"""A source that has been silent for this many of its intervals is not believed any more (I13)."""


class Counts(StrEnum):
    """What a device is."""

    DOOR_TOTALS = "door_totals"
    DOOR_DELTAS = "door_deltas"
    HEADS = "head_count"
    """Sees everybody inside, or one part of the site: those of a site are added up."""
    LIST = "check_in_list"
    """Whoever signed in and not out. Sends head counts."""
    STAFF = "staff_word"
    PRESENCE = "presence"
    """Sees whether somebody is there, and counts nobody."""


DOORS = (Counts.DOOR_TOTALS, Counts.DOOR_DELTAS)


_COUNTS: dict[type[Measure], tuple[Counts, ...]] = {
    DoorTotals: (Counts.DOOR_TOTALS,),
    DoorDeltas: (Counts.DOOR_DELTAS,),
    HeadCount: (Counts.HEADS, Counts.LIST),
    StaffWord: (Counts.STAFF,),
}


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """What is hung up, and which part of it a device stands for. One sensor may stand for several devices.

    `address`: its DevEUI or serial number, in the spelling of `shelters.sensors.uplink.address`. `way`: the names of
    its counts; None where it says them itself. `port`: where its counts come on another port than its maker's.
    """

    vendor: str
    model: str
    address: str
    part: str
    way: Way | None = None
    reverse: bool = False
    port: int | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """`interval` is how often it promises to report."""

    id: str
    site: SiteCode
    counts: Counts
    key: str
    """Name of the key it reports with."""
    interval: timedelta
    error_percent: float | None = None
    """By how much its count may be wrong, in percent of what it counted: from its data sheet, or the city's
    own test. None: nobody has measured it."""
    staff: int = 0
    """Of the heads that a head counter sees, how many are the shelter's own staff: they are heads too."""
    sensor: Sensor | None = None
    """None: it speaks the hub's own form."""
    capacity: int | None = None
    """Of its site, where that is known."""
    at_door: str = ""
    """The door of its site that it counts at, as the register calls it."""
    staff_door: bool = False
    """Only the shelter's own staff pass there: it tells that the door is watched, and counts nobody."""
    per_minute: int | None = None
    """How many readings it may send, lasting; None: as many as any (`shelters.quota`)."""
    since: datetime | None = None
    """What it counted before that moment is not believed."""
    held: bool = False
    """Nothing that it sends is counted, until staff say otherwise."""

    @property
    def patience(self) -> timedelta:
        """How long its last reading is believed."""
        return SILENT_INTERVALS * self.interval

    @property
    def door(self) -> bool:
        return self.counts in DOORS

    def measures(self, measure: Measure) -> bool:
        """Whether this is what it is registered to count."""
        return self.counts in _COUNTS[type(measure)]

    def reading(self, sent: Sent, *, received_at: datetime) -> Reading:
        """What it sent, once it is admitted."""
        return Reading(
            site=self.site,
            device=sent.device,
            id=sent.id,
            at=sent.at,
            received_at=received_at,
            measure=sent.measure,
            since=self.since,
        )


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`until`: it opens nothing from then on."""

    name: str
    until: datetime | None = None


class Devices:
    """The register of devices in force. Whoever holds it sees what is changed there."""

    def __init__(
        self,
        devices: Iterable[Device],
        keys: Mapping[str, str | Key],
        doors: Mapping[SiteCode, Sequence[str]] | None = None,
    ) -> None:
        """`keys`: SHA-256 in hex → the key, or its name. `doors`: of each site of which they are known, all of them."""
        self.changes = 0
        """How often it became another."""
        self._by_id = {device.id: device for device in devices}
        self._keys = {sha256: Key(name=key) if isinstance(key, str) else key for sha256, key in keys.items()}
        self._doors = {site: tuple(names) for site, names in (doors or {}).items()}
        self._by_site: defaultdict[SiteCode, list[Device]] = defaultdict(list)
        self._by_address: defaultdict[str, list[Device]] = defaultdict(list)
        for device in self._by_id.values():
            self._by_site[device.site].append(device)
            if device.sensor is not None:
                self._by_address[device.sensor.address].append(device)

    def become(self, other: "Devices") -> None:
        """The other's devices are in force from now on, all together."""
        self.__dict__ = other.__dict__ | {"changes": self.changes + 1}

    def at(self, site: SiteCode) -> tuple[Device, ...]:
        """Those of the register that count, and for each door without one a counter that never reports: what passes
        there is seen by nobody, so the site's doors together tell nothing (I13)."""
        counting = (
            device
            for device in self._by_site.get(site, ())
            if device.counts is not Counts.PRESENCE and not device.staff_door
        )
        return (*counting, *(_nobody(site, door) for door in self.uncovered(site)))

    def doors(self, site: SiteCode) -> tuple[str, ...]:
        """All of its doors, where the register names them."""
        return self._doors.get(site, ())

    def uncovered(self, site: SiteCode) -> tuple[str, ...]:
        """Its doors at which nothing counts."""
        covered = {device.at_door for device in self._by_site.get(site, ()) if device.door}
        return tuple(door for door in self.doors(site) if door not in covered)

    def get(self, device: str) -> Device | None:
        return self._by_id.get(device)

    def all(self) -> tuple[Device, ...]:
        """In the order of the register."""
        return tuple(self._by_id.values())

    def parts_of(self, address: str) -> tuple[Device, ...]:
        """The devices that the sensor of this address stands for."""
        return tuple(self._by_address.get(address, ()))

    def key_of(self, token: str, *, now: datetime) -> str | None:
        """The name of the key that `token` is, if it is one that still opens."""
        key = self._keys.get(digest(token))
        return None if key is None or (key.until is not None and key.until <= now) else key.name

    def admit(self, sent: Sent, *, key: str | None, device: str | None = None) -> Device | Refusal:
        """The device that `sent` comes from, if it may.

        `key`: the key it came with, or None where the broker has authenticated it; then `device` is
        the one it was authenticated as.
        """
        known = self._by_id.get(sent.device)
        if (
            known is None
            or (key is not None and known.key != key)
            or (device is not None and known.id != device)
        ):
            return Refusal(
                place=f"{sent.place}.device",
                message=f"{sent.device!r} is not registered for this sender / この送信元の機器として登録されていません",
            )
        if known.held:
            return Refusal(
                place=sent.place,
                message=f"{sent.device!r} is held back by staff / 職員が計測から外しています",
                device=sent.device,
            )
        if not known.measures(sent.measure):
            return Refusal(
                place=f"{sent.place}.kind",
                message=f"{sent.device!r} is registered as {known.counts.value} / {known.counts.value} として登録されています",
                device=sent.device,
            )
        return known


def _nobody(site: SiteCode, door: str) -> Device:
    """What would count at a door where nothing does."""
    return Device(
        id=f"{site} {door}",
        site=site,
        counts=Counts.DOOR_TOTALS,
        key="",
        interval=timedelta(minutes=1),
        at_door=door,
    )


def new_key() -> tuple[str, str]:
    """A token to give to a device once, and its SHA-256 in hex to keep."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    # A header may hold any bytes; aiohttp passes them on as surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()
