"""The Things Stack v3: what it publishes by MQTT and posts by webhook.

Source: thethingsindustries.com/docs/integrations/data-formats. Empty fields and zeros are left out there: without
`f_cnt` it is 0, without `f_port` there is no payload. A webhook that fails several times is switched off by the Stack,
so one device's nonsense must not be answered with a failure.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.errors import BadInput
from shelters.sensors import uplink
from shelters.sensors.uplink import Heard, Message, Uplink

TOPICS = ("v3/+/devices/+/#",)


class _Ids(msgspec.Struct, kw_only=True):
    dev_eui: str = ""
    dev_addr: str = ""
    device_id: str = ""


class _Uplink(msgspec.Struct, kw_only=True):
    session_key_id: str = ""
    f_port: Annotated[int, Meta(ge=0, le=255)] = 0
    f_cnt: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    frm_payload: str = ""
    received_at: Annotated[datetime, Meta(tz=True)] | None = None


class _Message(msgspec.Struct, kw_only=True):
    end_device_ids: _Ids
    received_at: Annotated[datetime, Meta(tz=True)] | None = None
    uplink_message: _Uplink | None = None
    simulated: bool = False
    join_accept: Any = None
    uplink_normalized: Any = None
    downlink_ack: Any = None
    downlink_nack: Any = None
    downlink_sent: Any = None
    downlink_failed: Any = None
    downlink_queued: Any = None
    downlink_queue_invalidated: Any = None
    location_solved: Any = None
    service_data: Any = None


_EVENTS = (
    *("join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "downlink_queued"),
    *("downlink_queue_invalidated", "location_solved", "service_data", "uplink_normalized"),
)


def read(data: bytes) -> Message:
    """One message.

    Raises:
        BadInput: it is none that the Stack documents; the place is named.
    """
    message = uplink.body(data, _Message)
    ids = message.end_device_ids
    if not ids.dev_eui:
        raise BadInput(
            "$.end_device_ids.dev_eui",
            f"{ids.device_id[:64]!r} has no DevEUI: give it one in the network / DevEUI がありません",
        )
    address = uplink.address(ids.dev_eui, place="$.end_device_ids.dev_eui")
    if message.uplink_message is None:
        return Heard(address=address, what=_event(message))
    if message.simulated:
        return Heard(address=address, what="simulated uplink")
    sent = message.uplink_message
    if not sent.f_port or not sent.frm_payload:
        return Heard(address=address, what="uplink without payload")
    return Uplink(
        address=address,
        port=sent.f_port,
        frame=uplink.frame(sent.frm_payload, place="$.uplink_message.frm_payload"),
        id=f"{(sent.session_key_id or ids.dev_addr)[:40]}:{sent.f_cnt}",
        at=sent.received_at or message.received_at,
    )


def _event(message: _Message) -> str:
    for name in _EVENTS:
        if getattr(message, name) is not None:
            return name
    raise BadInput("$", "is no message of The Things Stack that is known / 知らない種類のメッセージです")
