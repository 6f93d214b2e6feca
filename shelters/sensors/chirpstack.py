"""ChirpStack v4, and v3: what it publishes by MQTT and posts by its HTTP integration.

Source: chirpstack.io/docs, «Event types», and the field names of its integration.proto. What kind of event it is
stands in the topic's last level, or in the query `event=`; zeros may be left out of a body.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.errors import BadInput
from shelters.sensors import uplink
from shelters.sensors.uplink import Heard, Message, Uplink

TOPICS = ("application/+/device/+/event/+",)

EVENTS = frozenset({"up", "status", "join", "ack", "txack", "log", "error", "location", "integration"})

Moment = Annotated[datetime, Meta(tz=True)]


class _DeviceInfo(msgspec.Struct, kw_only=True, rename="camel"):
    dev_eui: str


class _Reception(msgspec.Struct, kw_only=True):
    time: Moment | None = None


class _Event(msgspec.Struct, kw_only=True, rename="camel"):
    """Both versions' fields; `devEUI` is v3's, in hexadecimal or in base64 as its marshaler is set."""

    device_info: _DeviceInfo | None = None
    dev_eui: str = msgspec.field(name="devEUI", default="")
    dev_addr: str = ""
    deduplication_id: str = ""
    time: Moment | None = None
    published_at: Moment | None = None
    f_cnt: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    f_port: Annotated[int, Meta(ge=0, le=255)] = 0
    data: str | None = None
    rx_info: list[_Reception] = []
    battery_level: Annotated[float, Meta(ge=0, le=100)] | None = None
    battery_level_unavailable: bool = False
    external_power_source: bool = False


def read(data: bytes, event: str) -> Message:
    """One event.

    Raises:
        BadInput: it is none that ChirpStack documents; the place is named.
    """
    if event not in EVENTS:
        raise BadInput("event", f"{event[:32]!r} is none of ChirpStack's: {', '.join(sorted(EVENTS))}")
    told = uplink.body(data, _Event)
    address = _address(told)
    if event != "up":
        return Heard(address=address, what=event, battery=_battery(told))
    if not told.f_port or not told.data:
        return Heard(address=address, what="uplink without payload")
    return Uplink(
        address=address,
        port=told.f_port,
        frame=uplink.frame(told.data, place="$.data"),
        id=_id(told),
        at=_at(told),
    )


def _address(told: _Event) -> str:
    if told.device_info is not None:
        return uplink.address(told.device_info.dev_eui, place="$.deviceInfo.devEui")
    if not told.dev_eui:
        raise BadInput("$.deviceInfo", "is missing, and so is devEUI / 機器の番号がありません")
    if len(told.dev_eui) == 16:
        return uplink.address(told.dev_eui, place="$.devEUI")
    try:
        raw = base64.b64decode(told.dev_eui, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 8:
        raise BadInput("$.devEUI", "is no DevEUI / DevEUI ではありません")
    return raw.hex()


def _id(told: _Event) -> str:
    """The session's address and its counter; where there is none, what this version has instead."""
    if told.dev_addr:
        return f"{told.dev_addr[:40]}:{told.f_cnt}"
    if told.deduplication_id:
        return told.deduplication_id[:64]
    moment = _at(told)
    return f"{moment.isoformat() if moment else ''}:{told.f_cnt}"[:64]


def _at(told: _Event) -> datetime | None:
    gateways = (reception.time for reception in told.rx_info if reception.time is not None)
    return told.time or told.published_at or min(gateways, default=None)


def _battery(told: _Event) -> float | None:
    return None if told.battery_level_unavailable or told.external_power_source else told.battery_level
