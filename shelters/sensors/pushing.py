"""What networks and counters send in their own words becomes readings: understood, allowed, counted once.

A message that no reading can be made of is one of three things: heard (a sign of life), refused (with the place and
why), or a stranger's. None of them is counted, whatever it says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import typed
from hub.errors import BadInput
from shelters.device import Device, Devices
from shelters.intake import Sorted, Vital
from shelters.reading import HeadCount, Measure, Reading, Refusal, Sent, timely
from shelters.sensors import axis, check_in, chirpstack, counting, things_stack, xovis
from shelters.sensors.counting import Condition
from shelters.sensors.decoding import MODELS, decode
from shelters.sensors.uplink import Heard, Message, Pushed, Uplink, taken_at


class Source(StrEnum):
    """Who sends, as the address says that it sends to."""

    THINGS_STACK = "things-stack"
    CHIRPSTACK = "chirpstack"
    AXIS = "axis"
    XOVIS = "xovis"


class _At(msgspec.Struct, frozen=True):
    at: Annotated[datetime, Meta(tz=True)]


SOURCES = {source.value: source for source in Source}


def understand(
    source: Source, data: bytes, devices: Devices, *, now: datetime, key: str | None = None, event: str = ""
) -> Sorted:
    """`key`: the name of the key it came with; None where a broker vouches for the sender. `event`: ChirpStack's.

    Raises:
        BadInput: the body as a whole is none of the sender's.
    """
    desk = _Desk(devices=devices, now=now, key=key)
    return _all(_each(message, desk) for message in _messages(source, data, event))


def list_of(data: bytes, device: str, devices: Devices, *, now: datetime, at: str | None, key: str) -> Sorted:
    """A reception's list as the head count of `device`. `at`: when it was true, with an offset; None: now.

    Raises:
        BadInput: it is no list, with the line; or `at` is no time.
    """
    try:
        told = None if at is None else typed.convert({"at": at.replace(" ", "+")}, _At).at
    except msgspec.ValidationError as e:
        raise BadInput("at", "is no time with an offset / 時刻ではありません") from e
    listed = check_in.count(data)
    moment = taken_at(told, now)
    sent = Sent(
        place="$",
        device=device,
        id=f"list:{moment:%Y%m%dT%H%M%S.%f}:{listed.people}",
        at=moment,
        measure=HeadCount(people=listed.people),
    )
    return _all([[_admitted(sent, _Desk(devices=devices, now=now, key=key))]])


Told = Reading | Refusal | Vital


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where messages are looked at."""

    devices: Devices
    now: datetime
    key: str | None


def _messages(source: Source, data: bytes, event: str) -> Sequence[Message]:
    match source:
        case Source.THINGS_STACK:
            return [things_stack.read(data)]
        case Source.CHIRPSTACK:
            return [chirpstack.read(data, event)]
        case Source.AXIS:
            return axis.read(data)
        case Source.XOVIS:
            return xovis.read(data)


def _each(message: Message, desk: _Desk) -> list[Told]:
    parts = desk.devices.parts_of(message.address)
    if not parts or (desk.key is not None and any(part.key != desk.key for part in parts)):
        why = (
            f"{message.address} is not registered for this sender / この送信元の機器として登録されていません"
        )
        return [Refusal(place="$", message=why, stranger=True, device=message.address)]
    match message:
        case Heard(what=what, battery=battery):
            return [Vital(device=parts[0].id, what=what, condition=Condition(battery=battery))]
        case Uplink():
            return _uplink(message, parts, desk)
        case Pushed():
            return _pushed(message, parts, desk)


def _uplink(message: Uplink, parts: Sequence[Device], desk: _Desk) -> list[Told]:
    sensor = parts[0].sensor
    assert sensor is not None  # noqa: S101 (that is how it was found)
    try:
        decoded = decode(sensor.vendor, sensor.model, _port(message.port, parts[0]), message.frame)
    except BadInput as e:
        return [Refusal(place=f"$ {parts[0].id}", message=e.message, device=parts[0].id)]
    condition = counting.condition(decoded)
    heard_at = taken_at(message.at, desk.now)
    told: list[Told] = [Vital(device=parts[0].id, what="uplink", condition=condition, at=heard_at)]
    if condition.standing:
        why = (
            f"the counter says that it does not count: {', '.join(condition.trouble)} / 計測が止まっています"
        )
        return [*told, Refusal(place=f"$ {parts[0].id}", message=why, device=parts[0].id)]
    for part in parts:
        if part.sensor is None or part.sensor.way is None:
            continue
        measure = counting.measure(decoded, part.sensor.way, reverse=part.sensor.reverse)
        if measure is not None:
            told.append(_counted(part, measure, message, desk))
    return told


def _port(port: int, device: Device) -> int:
    """The maker's own, where the device was set to another."""
    sensor = device.sensor
    if sensor is None or sensor.port != port:
        return port
    return next(iter(MODELS[sensor.vendor, sensor.model]))


def _pushed(message: Pushed, parts: Sequence[Device], desk: _Desk) -> list[Told]:
    told: list[Told] = [Vital(device=parts[0].id, what="push")]
    for part in parts:
        sensor = part.sensor
        if sensor is not None and sensor.part == message.part and part.measures(message.measure):
            measure = counting.turned(message.measure) if sensor.reverse else message.measure
            told.append(_counted(part, measure, message, desk))
    return told


def _counted(part: Device, measure: Measure, message: Uplink | Pushed, desk: _Desk) -> Told:
    sent = Sent(
        place=f"$ {part.id}",
        device=part.id,
        id=message.id,
        at=taken_at(message.at, desk.now),
        measure=measure,
    )
    return _admitted(sent, desk)


def _admitted(sent: Sent, desk: _Desk) -> Reading | Refusal:
    admitted = desk.devices.admit(sent, key=desk.key)
    if isinstance(admitted, Refusal):
        return admitted
    checked = timely(sent, now=desk.now)
    return checked if isinstance(checked, Refusal) else admitted.reading(checked, received_at=desk.now)


def _all(told: Iterable[Iterable[Told]]) -> Sorted:
    items = [item for items in told for item in items]
    return Sorted(
        taken=tuple(item for item in items if isinstance(item, Reading)),
        refused=tuple(item for item in items if isinstance(item, Refusal)),
        heard=tuple(item for item in items if isinstance(item, Vital)),
    )
