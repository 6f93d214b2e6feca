"""The devices that may report, and the keys they report with.

A key is a random token that a device, or the gateway or vendor service in front of several, shows as
`Authorization: Bearer <key>`. Only its SHA-256 is kept: the token has 256 random bits, so nothing
slower is needed to protect it.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from shelters.reading import (
    DoorDeltas,
    DoorTotals,
    HeadCount,
    Label,
    Measure,
    Reading,
    Refusal,
    Sent,
    StaffWord,
)
from shelters.sensors.counting import LINE, PARTS, ROOM, SAYS_IT_ITSELF, Deltas, Heads, Totals, Way
from shelters.sensors.decoding import MODELS, model_of
from shelters.sensors.uplink import address
from shelters.site import Site, SiteCode

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]

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


_COUNTS: dict[type[Measure], tuple[Counts, ...]] = {
    DoorTotals: (Counts.DOOR_TOTALS,),
    DoorDeltas: (Counts.DOOR_DELTAS,),
    HeadCount: (Counts.HEADS, Counts.LIST),
    StaffWord: (Counts.STAFF,),
}


_WAYS: dict[Counts, type[Way]] = {
    Counts.DOOR_TOTALS: Totals,
    Counts.DOOR_DELTAS: Deltas,
    Counts.HEADS: Heads,
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

    @property
    def patience(self) -> timedelta:
        """How long its last reading is believed."""
        return SILENT_INTERVALS * self.interval

    @property
    def door(self) -> bool:
        return self.counts in (Counts.DOOR_TOTALS, Counts.DOOR_DELTAS)

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
        )


class Devices:
    """The register of devices. Immutable once made."""

    def __init__(
        self,
        devices: Iterable[Device],
        keys: dict[str, str],
        doors: Mapping[SiteCode, Sequence[str]] | None = None,
    ) -> None:
        """`keys`: SHA-256 in hex → the key's name. `doors`: of each site of which they are known, all of them."""
        self._by_id = {device.id: device for device in devices}
        self._keys = dict(keys)
        self._doors = {site: tuple(names) for site, names in (doors or {}).items()}
        self._by_site: defaultdict[SiteCode, list[Device]] = defaultdict(list)
        self._by_address: defaultdict[str, list[Device]] = defaultdict(list)
        for device in self._by_id.values():
            self._by_site[device.site].append(device)
            if device.sensor is not None:
                self._by_address[device.sensor.address].append(device)

    def at(self, site: SiteCode) -> tuple[Device, ...]:
        """Those of the register, and for each door without one a counter that never reports: what passes there is
        seen by nobody, so the site's doors together tell nothing (I13)."""
        return (*self._by_site.get(site, ()), *(_nobody(site, door) for door in self.uncovered(site)))

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
                place=f"{sent.place}.device",
                message=f"{sent.device!r} is not registered for this sender / この送信元の機器として登録されていません",
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


class _KeyRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Label
    sha256: Sha256


class _SensorRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    vendor: str
    model: str
    dev_eui: str = ""
    serial: str = ""
    part: str = ""
    reverse: bool = False
    port: Annotated[int, Meta(ge=1, le=223)] | None = None


class _DeviceRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    site: str
    counts: Counts
    key: str = ""
    interval_s: Annotated[int, Meta(ge=1, le=86_400)]
    error_percent: Annotated[float, Meta(ge=0, le=50)] | None = None
    staff: Annotated[int, Meta(ge=0, le=1_000)] = 0
    sensor: _SensorRow | None = None
    door: str = ""


class _DoorsRow(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    site: str
    names: Annotated[list[Label], Meta(min_length=1, max_length=50)]


class _DevicesFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    keys: list[_KeyRow] = []
    doors: list[_DoorsRow] = []
    devices: list[_DeviceRow] = []


def load_devices(folder: Folder, sites: Mapping[SiteCode, Site] | Collection[SiteCode]) -> Devices:
    """Read `devices.toml`. Where the `sites` are given and not only their codes, what they hold is known.

    Raises:
        BadSettings: names the device and what is wrong with it.
    """
    file = files.toml(folder, "devices.toml", _DevicesFile)
    names = {key.name for key in file.keys}
    seen: set[str] = set()
    for row in file.devices:
        _check(row, sites, names, seen)
        seen.add(row.id)
    known = sites if isinstance(sites, Mapping) else {}
    devices = [_device(row, known.get(SiteCode(row.site))) for row in file.devices]
    _check_sensors(devices)
    doors = _doors(file.doors, sites)
    _check_doors(devices, doors)
    return Devices(devices, {key.sha256: key.name for key in file.keys}, doors)


def _check(row: _DeviceRow, sites: Collection[SiteCode], keys: set[str], seen: set[str]) -> None:
    place = f"devices.toml {row.id}"
    if row.id in seen:
        raise BadSettings(place, "is there twice / 同じ名前が2つあります")
    if row.site not in sites:
        raise BadSettings(f"{place} site", f"{row.site!r} is not in shelters.csv / 避難所の一覧にありません")
    if row.key and row.key not in keys:
        raise BadSettings(f"{place} key", f"{row.key!r} is not among [[keys]] / 鍵がありません")
    if row.staff and row.counts is not Counts.HEADS:
        raise BadSettings(
            f"{place} staff",
            "only a head counter sees staff who stay inside / 中にいる職員が映るのは人数の計測だけです",
        )


def _device(row: _DeviceRow, site: Site | None) -> Device:
    return Device(
        id=row.id,
        site=SiteCode(row.site),
        counts=row.counts,
        key=row.key,
        interval=timedelta(seconds=row.interval_s),
        error_percent=row.error_percent,
        staff=row.staff,
        sensor=None if row.sensor is None else _sensor(row, row.sensor),
        capacity=None if site is None else site.capacity,
        at_door=row.door,
    )


def _sensor(row: _DeviceRow, said: _SensorRow) -> Sensor:
    place = f"devices.toml {row.id} sensor"
    model = model_of(said.vendor, said.model)
    if bool(said.dev_eui) == bool(said.serial):
        raise BadSettings(place, "give dev_eui or serial / dev_eui か serial のどちらかを書いてください")
    try:
        spelled = address(said.dev_eui or said.serial)
    except BadInput as e:
        raise BadSettings(place, e.message) from e
    if said.dev_eui and (len(spelled) != 16 or set(spelled) - set("0123456789abcdef")):
        raise BadSettings(f"{place} dev_eui", "has 16 hexadecimal digits / 16進数で16桁です")
    part, way = _part(row, said, model, place)
    return Sensor(
        vendor=model[0],
        model=model[1],
        address=spelled,
        part=part,
        way=way,
        reverse=said.reverse,
        port=said.port,
    )


def _part(row: _DeviceRow, said: _SensorRow, model: tuple[str, str], place: str) -> tuple[str, Way | None]:
    if model in SAYS_IT_ITSELF:
        return said.part or (ROOM if row.counts is Counts.HEADS else LINE), None
    if model not in PARTS:
        why = (
            "sees whether somebody is there, and counts nobody / 人数を数える機種ではありません"
            if model in MODELS
            else "is not a model that is understood / 対応していない機種です"
        )
        raise BadSettings(place, f"{said.vendor} {said.model} {why}")
    part = said.part or next(iter(PARTS[model]))
    ways = PARTS[model].get(part)
    if ways is None:
        named = ", ".join(PARTS[model])
        raise BadSettings(f"{place} part", f"{part!r} is none of {named} / {named} のどれかです")
    way = next((way for way in ways if type(way) is _WAYS.get(row.counts)), None)
    if way is None:
        raise BadSettings(
            f"{place} part",
            f"{part!r} of this model gives no {row.counts.value} / {part!r} は {row.counts.value} を出しません",
        )
    return part, way


def _check_sensors(devices: Iterable[Device]) -> None:
    """One sensor is one model behind one key, and each of its parts one device's."""
    models: dict[str, tuple[str, str, int | None]] = {}
    keys: dict[str, str] = {}
    seen: set[tuple[str, str, Counts | None]] = set()
    for device in devices:
        sensor = device.sensor
        if sensor is None:
            continue
        place = f"devices.toml {device.id} sensor"
        model = (sensor.vendor, sensor.model, sensor.port)
        if models.setdefault(sensor.address, model) != model:
            raise BadSettings(place, "is another model elsewhere / 同じ番号が別の機種になっています")
        if (
            keys.setdefault(sensor.address, device.key) != device.key
        ):  # whichever it shows, part of it would be refused
            raise BadSettings(place, "has another key elsewhere / 同じ番号の機器の鍵が違います")
        # Totals and deltas are two ways to say the same crossings: both registered, everybody would come twice.
        part = (sensor.address, sensor.part, None if device.door else device.counts)
        if part in seen:
            raise BadSettings(f"{place} part", "is another device's already / 別の機器が使っています")
        seen.add(part)


def _doors(rows: Iterable[_DoorsRow], sites: Collection[SiteCode]) -> dict[SiteCode, tuple[str, ...]]:
    doors: dict[SiteCode, tuple[str, ...]] = {}
    for row in rows:
        place, site = f"devices.toml [[doors]] {row.site}", SiteCode(row.site)
        if site not in sites:
            raise BadSettings(place, "is not in shelters.csv / 避難所の一覧にありません")
        if site in doors or len(set(row.names)) < len(row.names):
            raise BadSettings(place, "is there twice / 同じものが2つあります")
        doors[site] = tuple(row.names)
    return doors


def _check_doors(devices: Iterable[Device], doors: Mapping[SiteCode, Sequence[str]]) -> None:
    """Where a site's doors are named, whatever counts at one says at which."""
    for device in devices:
        named = doors.get(device.site, ())
        if (device.at_door and device.at_door not in named) or (device.door and named and not device.at_door):
            raise BadSettings(
                f"devices.toml {device.id} door",
                f"is one of [[doors]] names of {device.site}: {', '.join(named) or 'none / なし'} / "
                "その避難所の [[doors]] の名前で書いてください",
            )
