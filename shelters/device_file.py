"""`devices.toml`: what a city writes of its counting devices, and what is wrong with it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import folder as files
from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from shelters.device import Counts, Device, Devices, Sensor
from shelters.reading import Label
from shelters.sensors.counting import LINE, PARTS, ROOM, SAYS_IT_ITSELF, Deltas, Heads, Totals, Way
from shelters.sensors.decoding import MODELS, model_of
from shelters.sensors.uplink import address
from shelters.site import Site, SiteCode

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


_WAYS: dict[Counts, type[Way]] = {
    Counts.DOOR_TOTALS: Totals,
    Counts.DOOR_DELTAS: Deltas,
    Counts.HEADS: Heads,
}


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
