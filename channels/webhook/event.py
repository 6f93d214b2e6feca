"""What a system is told of an alert: JSON in the words of CAP 1.2, the same bytes each time."""

from datetime import datetime

import msgspec

from hub.alert import Mode
from hub.cap import Certainty, MsgType, Severity, Status, Urgency
from hub.channel import Content
from hub.clock import cap_time
from hub.evacuation import triple
from hub.hazard import Hazard
from hub.recipient import Town

VERSION = 1
"""Grows when a receiver would have to change; a new field alone does not do that."""

TYPES = {
    MsgType.ALERT: "alert.issued",
    MsgType.UPDATE: "alert.updated",
    MsgType.CANCEL: "alert.cancelled",
}


TEST = "test"
"""A canary: a receiver verifies it, answers 2xx and does nothing else."""


class Data(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`level`: 警戒レベル, 1 to 5; none of what has none. `towns`: the city's codes of its towns; none: the whole city, or
    not known. `web`: the public page, which is corrected when the alert is."""

    identifier: str
    number: str
    status: Status
    msg_type: MsgType
    references: tuple[str, ...]
    event: str
    hazard: str
    category: str
    level: int | None
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    area_desc: str
    towns: tuple[Town, ...]
    language: str
    sender_name: str
    sent: str
    expires: str
    headline: str
    description: str
    short: str
    speech: str
    web: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    version: int
    timestamp: str
    """When the alert was sent: not when this was, so that a repeat carries the same bytes."""
    data: Data


def body(content: Content, *, expires: datetime) -> bytes:
    """UTF-8."""
    sent, hazard = cap_time(content.sent), content.hazard or Hazard.OTHER
    data = Data(
        identifier=content.identifier,
        number=content.number,
        status=Status.ACTUAL if content.mode is Mode.LIVE else Status.EXERCISE,
        msg_type=content.msg_type,
        references=content.references,
        event=content.event,
        hazard=hazard.value,
        category=hazard.category,
        level=None if content.level is None else int(content.level),
        **triple(content.level, content.msg_type)._asdict(),
        area_desc=content.area,
        towns=content.towns,
        language=content.language.value,
        sender_name=content.sender,
        sent=sent,
        expires=cap_time(expires),
        headline=content.text(content.headline),
        description=content.text(content.body),
        short=content.text(content.short),
        speech=content.text(content.speech),
        web=content.link,
    )
    event = Event(type=TYPES[content.msg_type], version=VERSION, timestamp=sent, data=data)
    return msgspec.json.encode(event)


class CanaryData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a canary says: nothing that a caption or a loudspeaker could take for an alert."""

    sender_name: str
    note: str


class CanaryEvent(msgspec.Struct, frozen=True, kw_only=True):
    type: str = TEST
    version: int
    timestamp: str
    data: CanaryData


def canary(content: Content) -> bytes:
    """The way to a system is tried, and nothing has happened. UTF-8."""
    event = CanaryEvent(
        version=VERSION,
        timestamp=cap_time(content.sent),
        data=CanaryData(sender_name=content.sender, note=content.text(content.body)),
    )
    return msgspec.json.encode(event)
