"""What a console is told: the words, how they are read, what displays show, and the sound. The same bytes each time."""

import base64
from datetime import datetime

import msgspec

from channels._display import display
from channels._speech.speaker import Spoken
from channels.loudspeaker.settings import Display
from hub.alert import Mode
from hub.cap import MsgType, Status
from hub.channel import Content
from hub.clock import cap_time
from hub.errors import PermanentFailure

TYPE = "loudspeaker.broadcast"
VERSION = 1
"""Grows when a console would have to change; a new field alone does not do that."""


class Sound(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A WAV file, of one channel in 16 bits. `seconds`: as long as it plays; `sha256`: of the file, in hexadecimal."""

    media_type: str
    rate_hz: int
    seconds: float
    sha256: str
    base64: str


class Data(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`level`: 警戒レベル, 1 to 5; none of what has none. `text`: to be read out once; `kana`: how the hub reads it.
    `display`: for receivers that show text; none where nothing fits them. `sound`: none where the console speaks."""

    identifier: str
    number: str
    status: Status
    msg_type: MsgType
    level: int | None
    sender_name: str
    sent: str
    expires: str
    text: str
    kana: str | None
    display: str | None
    sound: Sound | None


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """`timestamp`: when the alert was sent, so that a repeat carries the same bytes."""

    type: str
    version: int
    timestamp: str
    data: Data


def body(content: Content, *, expires: datetime, spoken: Spoken | None, rate_hz: int, fits: Display) -> bytes:
    """JSON in UTF-8."""
    sent = cap_time(content.sent)
    data = Data(
        identifier=content.identifier,
        number=content.number,
        status=Status.ACTUAL if content.mode is Mode.LIVE else Status.EXERCISE,
        msg_type=content.msg_type,
        level=None if content.level is None else int(content.level),
        sender_name=content.sender,
        sent=sent,
        expires=cap_time(expires),
        text=content.text(content.speech),
        kana=spoken.kana if spoken else None,
        display=shown(content, fits),
        sound=_sound(spoken, rate_hz) if spoken else None,
    )
    return msgspec.json.encode(Broadcast(type=TYPE, version=VERSION, timestamp=sent, data=data))


def shown(content: Content, fits: Display) -> str | None:
    """What displays show. That nothing fits them keeps no loudspeaker silent."""
    try:
        return display(content, limit=fits.limit, columns=fits.columns)
    except PermanentFailure:
        return None


def _sound(spoken: Spoken, rate_hz: int) -> Sound:
    return Sound(
        media_type="audio/wav",
        rate_hz=rate_hz,
        seconds=round(spoken.seconds, 2),
        sha256=spoken.name,
        base64=base64.b64encode(spoken.file).decode(),
    )
