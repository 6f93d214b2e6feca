"""The devices that may report, and the keys they report with.

A key is a random token that a device, or the gateway or vendor service in front of several, shows as
`Authorization: Bearer <key>`. Only its SHA-256 is kept: the token has 256 random bits, so nothing
slower is needed to protect it.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadSettings
from hub.folder import Folder
from shelters.reading import (
    DoorDeltas,
    DoorTotals,
    HeadCount,
    Label,
    Measure,
    Refusal,
    Sent,
    StaffWord,
)
from shelters.site import SiteCode

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

SILENT_INTERVALS = 2
"""A source that has been silent for this many of its intervals is not believed any more (I13)."""


class Counts(StrEnum):
    """What a device is."""

    DOOR_TOTALS = "door_totals"
    DOOR_DELTAS = "door_deltas"
    HEADS = "head_count"
    STAFF = "staff_word"


_COUNTS: dict[type[Measure], Counts] = {
    DoorTotals: Counts.DOOR_TOTALS,
    DoorDeltas: Counts.DOOR_DELTAS,
    HeadCount: Counts.HEADS,
    StaffWord: Counts.STAFF,
}


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

    @property
    def patience(self) -> timedelta:
        """How long its last reading is believed."""
        return SILENT_INTERVALS * self.interval

    @property
    def door(self) -> bool:
        return self.counts in (Counts.DOOR_TOTALS, Counts.DOOR_DELTAS)


class Devices:
    """The register of devices. Immutable once made."""

    def __init__(self, devices: Iterable[Device], keys: dict[str, str]) -> None:
        """`keys`: SHA-256 in hex → the key's name."""
        self._by_id = {device.id: device for device in devices}
        self._keys = dict(keys)
        self._by_site: defaultdict[SiteCode, list[Device]] = defaultdict(list)
        for device in self._by_id.values():
            self._by_site[device.site].append(device)

    def at(self, site: SiteCode) -> tuple[Device, ...]:
        return tuple(self._by_site.get(site, ()))

    def key_of(self, token: str) -> str | None:
        """The name of the key that `token` is, if it is one."""
        return self._keys.get(digest(token))

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
                place=f"{sent.place}.device", message=f"{sent.device!r} is not registered for this sender"
            )
        if known.counts is not _COUNTS[type(sent.measure)]:
            return Refusal(
                place=f"{sent.place}.kind", message=f"{sent.device!r} is registered as {known.counts.value}"
            )
        return known


def new_key() -> tuple[str, str]:
    """A token to give to a device once, and its SHA-256 in hex to keep."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    # A header may hold any bytes; aiohttp passes them on as surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


class _KeyRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Label
    sha256: Sha256


class _DeviceRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    site: str
    counts: Counts
    key: str = ""
    interval_s: Annotated[int, Meta(ge=1, le=86_400)]
    error_percent: Annotated[float, Meta(ge=0, le=50)] | None = None


class _DevicesFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    keys: list[_KeyRow] = []
    devices: list[_DeviceRow] = []


def load_devices(folder: Folder, sites: Collection[SiteCode]) -> Devices:
    """Read `devices.toml`.

    Raises:
        BadSettings: names the device and what is wrong with it.
    """
    file = files.toml(folder, "devices.toml", _DevicesFile)
    names = {key.name for key in file.keys}
    seen: set[str] = set()
    for row in file.devices:
        _check(row, sites, names, seen)
        seen |= {row.id, f"{row.counts.value} {row.site}"}
    return Devices((_device(row) for row in file.devices), {key.sha256: key.name for key in file.keys})


def _check(row: _DeviceRow, sites: Collection[SiteCode], keys: set[str], seen: set[str]) -> None:
    place = f"devices.toml {row.id}"
    if row.id in seen:
        raise BadSettings(place, "is there twice / 同じ名前が2つあります")
    if row.site not in sites:
        raise BadSettings(f"{place} site", f"{row.site!r} is not in shelters.csv / 避難所の一覧にありません")
    if row.key and row.key not in keys:
        raise BadSettings(f"{place} key", f"{row.key!r} is not among [[keys]] / 鍵がありません")
    if row.counts is Counts.HEADS and f"{row.counts.value} {row.site}" in seen:
        raise BadSettings(
            f"{place} counts", "a site has one head counter, for everybody inside / 1か所に1台です"
        )


def _device(row: _DeviceRow) -> Device:
    return Device(
        id=row.id,
        site=SiteCode(row.site),
        counts=row.counts,
        key=row.key,
        interval=timedelta(seconds=row.interval_s),
        error_percent=row.error_percent,
    )
