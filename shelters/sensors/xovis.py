"""Xovis: what its sensors push as «logics», firmware 5.

Source: field names as public programs read them (PyPI xovis-sdk 1.0.0a29, MIT). No capture of the maker's own was at
hand: try it with the sensor's own test before relying on it. One body is one object or a list of them.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.errors import BadInput
from shelters.reading import DoorDeltas, HeadCount, Measure
from shelters.sensors import uplink
from shelters.sensors.uplink import Heard, Message, Pushed

Moment = Annotated[datetime, Meta(tz=True)]
MOST_PACKAGES = 100
_MOST_PEOPLE = 100_000

Value = Annotated[int, Meta(ge=-1_000_000, le=100_000_000)]


class _Count(msgspec.Struct, kw_only=True):
    name: str
    value: Value


class _Record(msgspec.Struct, kw_only=True):
    begin: Moment = msgspec.field(name="from")
    end: Moment = msgspec.field(name="to")
    counts: Annotated[list[_Count], Meta(max_length=100)] = []


class _Logic(msgspec.Struct, kw_only=True):
    id: int
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    records: Annotated[list[_Record], Meta(max_length=1_000)] = []


class _SensorInfo(msgspec.Struct, kw_only=True):
    serial_number: str


class _Logics(msgspec.Struct, kw_only=True):
    sensor_info: _SensorInfo
    logics: Annotated[list[_Logic], Meta(max_length=100)] = []


class _Other(msgspec.Struct, kw_only=True):
    sensor_info: _SensorInfo


class _Package(msgspec.Struct, kw_only=True):
    logics_data: _Logics | None = None
    live_data: _Other | None = None
    status_data: _Other | None = None
    wifi_bt_data: Any = None
    recording_data: Any = None
    connection_test: Any = None


def read(data: bytes) -> list[Message]:
    """Everything that one body says. A connection test says nothing.

    Raises:
        BadInput: it is none of the forms that are known; the place is named.
    """
    if data.lstrip()[:1] == b"[":
        packages = uplink.body(data, list[_Package])
        if len(packages) > MOST_PACKAGES:
            raise BadInput("$", f"has more than {MOST_PACKAGES} packages / 多すぎます")
        return [each for i, package in enumerate(packages) for each in _messages(package, f"$[{i}]")]
    return _messages(uplink.body(data, _Package), "$")


def _messages(package: _Package, place: str) -> list[Message]:
    if package.logics_data is not None:
        return _counts(package.logics_data, f"{place}.logics_data")
    for what, other in (("live data", package.live_data), ("status", package.status_data)):
        if other is not None:
            serial = uplink.address(other.sensor_info.serial_number, place=place)
            return [Heard(address=serial, what=what)]
    if any(
        each is not None for each in (package.connection_test, package.wifi_bt_data, package.recording_data)
    ):
        return []
    raise BadInput(place, "is none of Xovis's forms that are known / 知らない形式です")


def _counts(told: _Logics, place: str) -> list[Message]:
    address = uplink.address(told.sensor_info.serial_number, place=f"{place}.sensor_info.serial_number")
    said: list[Message] = []
    for logic in told.logics:
        for record in logic.records:
            measure = _measure(
                {count.name: count.value for count in record.counts}, f"{place}.logics {logic.name!r}"
            )
            if measure is not None:
                begin, end = uplink.in_utc(record.begin), uplink.in_utc(record.end)
                id_ = f"{logic.id}:{begin:%Y%m%dT%H%M%S}-{end:%H%M%S}"
                said.append(
                    Pushed(address=address, part=logic.name, measure=measure, id=id_[:64], at=record.end)
                )
    return said or [Heard(address=address, what="push without counts")]


def _measure(counts: dict[str, int], place: str) -> Measure | None:
    """A line counts forwards and backwards, a balance who is there. Below zero it has lost count."""
    if counts.keys() >= {"fw", "bw"}:
        if min(counts["fw"], counts["bw"]) < 0:
            raise BadInput(place, "counts fewer than none / 負の人数です")
        return DoorDeltas(entered=counts["fw"], left=counts["bw"])
    if 0 <= counts.get("balance", -1) <= _MOST_PEOPLE:
        return HeadCount(people=counts["balance"])
    return None
