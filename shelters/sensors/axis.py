"""Axis: what its cameras push, and what their counters answer when they are asked.

Sources: developer.axis.com/vapix/applications, «People counter API» and «3D people counter API» (the push
«Axis Retail Data», `live-sum.json`, `occupancy`); for the MQTT message of AXIS Object Analytics npm barnowl-axis
1.0.0, whose numbers are strings. The times of `live-sum.json` are the camera's own without an offset and are not believed.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from hub import typed
from hub.errors import BadInput
from shelters.reading import Count, DoorDeltas, DoorTotals, HeadCount, People, Total
from shelters.sensors import uplink
from shelters.sensors.counting import LINE, ROOM
from shelters.sensors.uplink import Heard, Message, Pushed

Moment = Annotated[datetime, Meta(tz=True)]
MOST_MEASUREMENTS = 1_000
MOST_PEOPLE = 100_000


class _Item(msgspec.Struct, kw_only=True):
    direction: Literal["in", "out"]
    count: Count


class _Measurement(msgspec.Struct, kw_only=True, rename="camel"):
    kind: str
    utc_from: Moment
    utc_to: Moment
    items: Annotated[list[_Item], Meta(max_length=100)] = []


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    measurements: Annotated[list[_Measurement], Meta(max_length=MOST_MEASUREMENTS)] = []


class _Sensor(msgspec.Struct, kw_only=True):
    serial: str


class _RetailData(msgspec.Struct, kw_only=True):
    data: _Data = _Data()
    sensor: _Sensor


class _LiveSum(msgspec.Struct, kw_only=True):
    serial: str
    timestamp: str
    entered: Total = msgspec.field(name="in")
    left: Total = msgspec.field(name="out")


class _Occupancy(msgspec.Struct, kw_only=True):
    serial: str
    timestamp: Moment
    occupancy: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
    total_in: Total
    total_out: Total


class _Counted(msgspec.Struct, kw_only=True):
    human: str | int


class _Scene(msgspec.Struct, kw_only=True):
    data: _Counted


class _Analytics(msgspec.Struct, kw_only=True):
    topic: str
    serial: str
    timestamp: Annotated[int, Meta(ge=0, le=10**13)]
    message: _Scene


class _Which(msgspec.Struct, kw_only=True, rename="camel"):
    """Which of them it is."""

    api_name: str = ""
    topic: str = ""
    occupancy: Any = None
    inside: Any = msgspec.field(name="in", default=None)


def read(data: bytes) -> list[Message]:
    """Everything that one body says.

    Raises:
        BadInput: it is none of the four forms that are known; the place is named.
    """
    which = uplink.body(data, _Which)
    if which.api_name:
        return _retail(data)
    if which.topic:
        return [_analytics(data)]
    if which.occupancy is not None:
        return _occupancy(data)
    if which.inside is not None:
        return [_live_sum(data)]
    raise BadInput("$", "is none of Axis's forms that are known / 知らない形式です")


def _retail(data: bytes) -> list[Message]:
    told = uplink.body(data, _RetailData)
    address = uplink.address(told.sensor.serial, place="$.sensor.serial")
    counted: list[Message] = [
        Pushed(
            address=address,
            part=LINE,
            measure=DoorDeltas(entered=_sum(each, "in"), left=_sum(each, "out")),
            id=f"{uplink.in_utc(each.utc_from):%Y%m%dT%H%M%S}-{uplink.in_utc(each.utc_to):%Y%m%dT%H%M%S}",
            at=each.utc_to,
        )
        for each in told.data.measurements
        if each.kind == "people-counts"
    ]
    return counted or [Heard(address=address, what="push without counts")]


def _sum(measurement: _Measurement, direction: str) -> int:
    return sum(item.count for item in measurement.items if item.direction == direction)


def _live_sum(data: bytes) -> Message:
    told = uplink.body(data, _LiveSum)
    return Pushed(
        address=uplink.address(told.serial, place="$.serial"),
        part=LINE,
        measure=DoorTotals(entered=told.entered, left=told.left),
        id=f"{told.timestamp[:32]}:{told.entered}:{told.left}",
    )


def _occupancy(data: bytes) -> list[Message]:
    """Totals, and what the camera makes of them. Below zero or beyond all halls it has lost count, and says nothing of the room."""
    told = uplink.body(data, _Occupancy)
    address = uplink.address(told.serial, place="$.serial")
    id_ = f"{uplink.in_utc(told.timestamp):%Y%m%dT%H%M%S}"
    totals = DoorTotals(entered=told.total_in, left=told.total_out)
    said: list[Message] = [Pushed(address=address, part=LINE, measure=totals, id=id_, at=told.timestamp)]
    if 0 <= told.occupancy <= MOST_PEOPLE:
        heads = HeadCount(people=told.occupancy)
        said.append(Pushed(address=address, part=ROOM, measure=heads, id=id_, at=told.timestamp))
    return said


def _analytics(data: bytes) -> Message:
    told = uplink.body(data, _Analytics)
    place = "$.message.data.human"
    try:
        people = typed.convert(told.message.data.human, People, strict=False)
    except msgspec.ValidationError as e:
        raise BadInput(place, f"is no number of people: {e}") from e
    return Pushed(
        address=uplink.address(told.serial, place="$.serial"),
        part=told.topic.rpartition("/")[2][:64],
        measure=HeadCount(people=people),
        id=f"aoa:{told.timestamp}",
        at=datetime.fromtimestamp(told.timestamp / 1000, UTC),
    )
