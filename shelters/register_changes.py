"""What may be changed in the register of devices, each as a plain function: rows in, rows out. What is wrong with the
result says `shelters.device_check`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from hub.errors import BadInput
from shelters.device import new_key
from shelters.device_rows import DeviceRow, DoorsRow, KeyRow, RetiredRow, Rows

MOST_KEYS_OF_A_NAME = 5


class Overlap(StrEnum):
    """How long the old key still opens, beside the new one."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def lasts(self) -> timedelta:
        return _LASTS[self]


_LASTS = {
    Overlap.NONE: timedelta(0),
    Overlap.HOUR: timedelta(hours=1),
    Overlap.DAY: timedelta(days=1),
    Overlap.WEEK: timedelta(days=7),
    Overlap.MONTH: timedelta(days=30),
}


def set_device(rows: Rows, row: DeviceRow, *, at: datetime) -> Rows:
    """Register it, or change what is registered under its `id`, in its place.

    Another site, sensor or way of counting is another counter: what was counted so far is not carried on.
    """
    known = rows.device(row.id)
    if known is None:
        return msgspec.structs.replace(rows, devices=(*rows.devices, row))
    changed = _carried_on(known, msgspec.structs.replace(row, held=known.held), at)
    devices = tuple(changed if each.id == row.id else each for each in rows.devices)
    return msgspec.structs.replace(rows, devices=devices)


def retire(rows: Rows, id_: str, *, at: datetime) -> Rows:
    """It was taken down. What it counted stays. Raises `BadInput`: there is none of that `id`."""
    row = _device(rows, id_)
    return msgspec.structs.replace(
        rows,
        devices=tuple(each for each in rows.devices if each.id != id_),
        retired=(*rows.retired, _retired(row, at)),
    )


def hold(rows: Rows, id_: str) -> Rows:
    """Nothing that it sends is counted, until it is released. Raises `BadInput`: there is none of that `id`."""
    return _with(rows, msgspec.structs.replace(_device(rows, id_), held=True))


def release(rows: Rows, id_: str, *, at: datetime) -> Rows:
    """From now on it is believed, whatever it said before: held back, absurd, or another counter in its place.

    Raises:
        BadInput: there is none of that `id`.
    """
    return _with(rows, msgspec.structs.replace(_device(rows, id_), held=False, since=at))


def set_doors(rows: Rows, site: str, names: Iterable[str], at_door: Mapping[str, str]) -> Rows:
    """All doors of a site, and at which of them its devices count, by their `id`; no names: nobody says which there are."""
    named = tuple(names)
    others = tuple(row for row in rows.doors if row.site != site)
    return msgspec.structs.replace(
        rows,
        doors=(*others, DoorsRow(site=site, names=named)) if named else others,
        devices=tuple(
            msgspec.structs.replace(row, door=at_door.get(row.id, row.door)) if row.site == site else row
            for row in rows.devices
        ),
    )


def add_key(rows: Rows, name: str) -> tuple[Rows, str]:
    """A key of a new name, and its token, which is shown once and kept nowhere. Raises `BadInput`: the name is taken."""
    if any(key.name == name for key in rows.keys):
        raise BadInput(
            "name",
            "is a key's already: exchange that one / 同じ名前の鍵があります。「鍵を替える」を使ってください",
        )
    token, kept = new_key()
    return msgspec.structs.replace(rows, keys=(*rows.keys, KeyRow(name=name, sha256=kept))), token


def exchange_key(rows: Rows, name: str, overlap: Overlap, *, at: datetime) -> tuple[Rows, str]:
    """A new token under the name of an old key, which opens for as long as `overlap` still.

    Raises:
        BadInput: there is no such key, or too many exchanges are under way.
    """
    opening = [key for key in rows.keys if key.name == name and not _over(key, at)]
    if not opening:
        raise BadInput("name", f"{name!r} is no key / この鍵はありません")
    if len(opening) >= MOST_KEYS_OF_A_NAME:
        raise BadInput(
            "name",
            "too many exchanges at once: end an old one / 古い鍵が多すぎます。先に古い鍵を止めてください",
        )
    until = at + overlap.lasts
    token, kept = new_key()
    old = tuple(_ending(key, until) if key.name == name else key for key in rows.keys if not _over(key, at))
    return msgspec.structs.replace(rows, keys=(*old, KeyRow(name=name, sha256=kept))), token


def end_key(rows: Rows, sha256: str) -> Rows:
    """It opens nothing any more. Raises `BadInput`: it is the last of its name, and devices report with it."""
    gone = next((key for key in rows.keys if key.sha256 == sha256), None)
    if gone is None:
        raise BadInput("key", "is not there any more / この鍵はもうありません")
    left = tuple(key for key in rows.keys if key.sha256 != sha256)
    users = [row.id for row in rows.devices if row.key == gone.name]
    if users and not any(key.name == gone.name for key in left):
        raise BadInput(
            "key",
            f"is the only one of {', '.join(users[:5])}: exchange it / "
            f"{'、'.join(users[:5])} が使っています。「鍵を替える」を使ってください",
        )
    return msgspec.structs.replace(rows, keys=left)


def imported(rows: Rows, file: Rows, *, at: datetime) -> Rows:
    """`file` in place of `rows`. Devices that it does not have any more are retired; of those that it has, what is not
    to be believed stays so."""
    staying = {row.id for row in file.devices}
    retired = {row.id: row for row in (*rows.retired, *file.retired)}
    for row in rows.devices:
        if row.id not in staying:
            retired.setdefault(row.id, _retired(row, at))
    known = {row.id: row for row in rows.devices}
    return msgspec.structs.replace(
        file,
        devices=tuple(_carried_on(known.get(row.id), row, at) for row in file.devices),
        retired=tuple(retired.values()),
    )


def _carried_on(known: DeviceRow | None, row: DeviceRow, at: datetime) -> DeviceRow:
    """`row` after `known`. Another site, sensor or way of counting is another counter: it begins anew."""
    if known is None:
        return row
    told = max((each for each in (known.since, row.since) if each is not None), default=None)
    counter = _counter(known) == _counter(row)
    return msgspec.structs.replace(row, since=told if counter else at)


def _counter(row: DeviceRow) -> tuple[object, ...]:
    return row.site, row.counts, row.sensor, row.staff_door


def _retired(row: DeviceRow, at: datetime) -> RetiredRow:
    return RetiredRow(id=row.id, site=row.site, counts=row.counts, door=row.door, at=at)


def _device(rows: Rows, id_: str) -> DeviceRow:
    row = rows.device(id_)
    if row is None:
        raise BadInput("device", f"{id_!r} is not registered any more / この機器はもう登録されていません")
    return row


def _with(rows: Rows, row: DeviceRow) -> Rows:
    devices = tuple(row if each.id == row.id else each for each in rows.devices)
    return msgspec.structs.replace(rows, devices=devices)


def _over(key: KeyRow, at: datetime) -> bool:
    return key.until is not None and key.until <= at


def _ending(key: KeyRow, until: datetime) -> KeyRow:
    """No later than it was to end already."""
    return msgspec.structs.replace(key, until=until if key.until is None else min(key.until, until))
