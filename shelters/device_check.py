"""What the rows of the register mean: the devices in force, or what is wrong with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from shelters import device_rows
from shelters.device import DOORS, Counts, Device, Devices, Key, Sensor
from shelters.device_rows import FILE, DeviceRow, DoorsRow, KeyRow, RetiredRow, Rows, SensorRow
from shelters.sensors.counting import LINE, PARTS, PRESENCE, ROOM, SAYS_IT_ITSELF, Deltas, Heads, Totals, Way
from shelters.sensors.decoding import model_of
from shelters.sensors.uplink import address
from shelters.site import Site, SiteCode

Sites = Mapping[SiteCode, Site] | Collection[SiteCode]
"""Where they are given and not only their codes, what they hold is known."""

_WAYS: dict[Counts, type[Way]] = {
    Counts.DOOR_TOTALS: Totals,
    Counts.DOOR_DELTAS: Deltas,
    Counts.HEADS: Heads,
}


def load_devices(folder: Folder, sites: Sites) -> Devices:
    """Read a city's `devices.toml`. Raises `BadSettings`: names the device and what is wrong with it."""
    return in_file(device_rows.read(folder), sites, name=FILE)


def in_file(rows: Rows, sites: Sites, *, name: str) -> Devices:
    """As `devices`, of a file that is called `name`: raises `BadSettings` with it."""
    try:
        return devices(rows, sites)
    except BadInput as e:
        raise BadSettings(f"{name} {e.path}", e.message.removeprefix(f"{e.path}: ")) from e


def devices(rows: Rows, sites: Sites) -> Devices:
    """The devices that `rows` register.

    Raises:
        BadInput: «gym-north site» names the device and the field, «[[doors]] E1320700025» the rows of a site.
    """
    _check_keys(rows.keys)
    _check_ids(rows.devices, rows.retired)
    names = {key.name for key in rows.keys}
    for row in rows.devices:
        _check(row, sites, names)
    known = sites if isinstance(sites, Mapping) else {}
    found = [_device(row, known.get(SiteCode(row.site))) for row in rows.devices]
    _check_sensors(found)
    doors = _doors(rows.doors, sites)
    _check_doors(found, doors)
    return Devices(found, {key.sha256: Key(name=key.name, until=key.until) for key in rows.keys}, doors)


def of_known_sites(rows: Rows, sites: Collection[SiteCode]) -> Rows:
    """Without what belongs to sites that the city's list does not have any more."""
    return msgspec.structs.replace(
        rows,
        devices=tuple(row for row in rows.devices if row.site in sites),
        doors=tuple(row for row in rows.doors if row.site in sites),
    )


def _check_keys(keys: Iterable[KeyRow]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key.sha256 in seen:
            raise BadInput(f"[[keys]] {key.name}", "is there twice / 同じ鍵が2つあります")
        seen.add(key.sha256)


def _check_ids(rows: Iterable[DeviceRow], retired: Iterable[RetiredRow]) -> None:
    gone = {row.id for row in retired}
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise BadInput(row.id, "is there twice / 同じ名前が2つあります")
        if row.id in gone:
            raise BadInput(
                f"{row.id} id",
                "is that of a device which was taken down: give it another / "
                "取り外した機器の id です。別の id にしてください",
            )
        seen.add(row.id)


def _check(row: DeviceRow, sites: Collection[SiteCode], keys: set[str]) -> None:
    if row.site not in sites:
        raise BadInput(f"{row.id} site", f"{row.site!r} is not in shelters.csv / 避難所の一覧にありません")
    if row.key and row.key not in keys:
        raise BadInput(f"{row.id} key", f"{row.key!r} is not among [[keys]] / 鍵がありません")
    if row.staff and row.counts is not Counts.HEADS:
        raise BadInput(
            f"{row.id} staff",
            "only a head counter sees staff who stay inside / 中にいる職員が映るのは人数の計測だけです",
        )
    if row.staff_door and row.counts not in DOORS:
        raise BadInput(
            f"{row.id} staff_door",
            "only what counts at a door can be at one of the staff's / 扉の計測だけに付けられます",
        )
    if row.counts is Counts.PRESENCE and row.sensor is None:
        raise BadInput(
            f"{row.id} sensor", "says which sensor sees whether somebody is there / 機種を選んでください"
        )


def _device(row: DeviceRow, site: Site | None) -> Device:
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
        staff_door=row.staff_door,
        per_minute=row.readings_per_minute,
        since=row.since,
        held=row.held,
    )


def _sensor(row: DeviceRow, said: SensorRow) -> Sensor:
    place = f"{row.id} sensor"
    model = model_of(said.vendor, said.model)
    if bool(said.dev_eui) == bool(said.serial):
        raise BadInput(place, "give dev_eui or serial / dev_eui か serial のどちらかを書いてください")
    try:
        spelled = address(said.dev_eui or said.serial)
    except BadInput as e:
        raise BadInput(place, e.message.removeprefix(f"{e.path}: ")) from e
    if said.dev_eui and (len(spelled) != 16 or set(spelled) - set("0123456789abcdef")):
        raise BadInput(f"{place} dev_eui", "has 16 hexadecimal digits / 16進数で16桁です")
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


def _part(row: DeviceRow, said: SensorRow, model: tuple[str, str], place: str) -> tuple[str, Way | None]:
    if (model in PRESENCE) != (row.counts is Counts.PRESENCE):
        raise BadInput(
            place,
            f"{said.vendor} {said.model} sees whether somebody is there, and counts nobody: counts is presence / "
            "人数を数える機種ではありません。「在室の検知」で登録してください"
            if model in PRESENCE
            else f"{said.vendor} {said.model} does not say whether somebody is there / 在室を検知する機種ではありません",
        )
    if model in SAYS_IT_ITSELF or model in PRESENCE:
        return said.part or (LINE if row.counts in DOORS else ROOM), None
    if model not in PARTS:
        raise BadInput(
            place, f"{said.vendor} {said.model} is not a model that is understood / 対応していない機種です"
        )
    part = said.part or next(iter(PARTS[model]))
    ways = PARTS[model].get(part)
    if ways is None:
        named = ", ".join(PARTS[model])
        raise BadInput(f"{place} part", f"{part!r} is none of {named} / {named} のどれかです")
    way = next((way for way in ways if type(way) is _WAYS.get(row.counts)), None)
    if way is None:
        raise BadInput(
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
        place = f"{device.id} sensor"
        model = (sensor.vendor, sensor.model, sensor.port)
        if models.setdefault(sensor.address, model) != model:
            raise BadInput(place, "is another model elsewhere / 同じ番号が別の機種になっています")
        if (
            keys.setdefault(sensor.address, device.key) != device.key
        ):  # whichever it shows, part of it would be refused
            raise BadInput(place, "has another key elsewhere / 同じ番号の機器の鍵が違います")
        # Totals and deltas are two ways to say the same crossings: both registered, everybody would come twice.
        part = (sensor.address, sensor.part, None if device.door else device.counts)
        if part in seen:
            raise BadInput(f"{place} part", "is another device's already / 別の機器が使っています")
        seen.add(part)


def _doors(rows: Iterable[DoorsRow], sites: Collection[SiteCode]) -> dict[SiteCode, tuple[str, ...]]:
    doors: dict[SiteCode, tuple[str, ...]] = {}
    for row in rows:
        place, site = f"[[doors]] {row.site}", SiteCode(row.site)
        if site not in sites:
            raise BadInput(place, "is not in shelters.csv / 避難所の一覧にありません")
        if site in doors or len(set(row.names)) < len(row.names):
            raise BadInput(place, "is there twice / 同じものが2つあります")
        doors[site] = tuple(row.names)
    return doors


def _check_doors(devices: Iterable[Device], doors: Mapping[SiteCode, Sequence[str]]) -> None:
    """Where a site's doors are named, whatever counts at one says at which."""
    for device in devices:
        named = doors.get(device.site, ())
        if (device.at_door and device.at_door not in named) or (device.door and named and not device.at_door):
            raise BadInput(
                f"{device.id} door",
                f"is one of [[doors]] names of {device.site}: {', '.join(named) or 'none / なし'} / "
                "その避難所の [[doors]] の名前で書いてください",
            )
