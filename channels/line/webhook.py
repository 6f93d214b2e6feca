"""What LINE tells us of people in the chat: signed, parsed, and reduced to what the hub does something with.

    https://developers.line.biz/en/reference/messaging-api/#webhooks

What somebody wrote or where they are is in memory while it is answered, and nowhere else.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from hub import typed
from hub.errors import BadInput, Forbidden

log = structlog.get_logger(__name__)

OURS = "yobikake="
"""In front of a postback's data: one of our menu's areas or quick replies was touched, nobody else's."""


class Kind(StrEnum):
    """As LINE calls them; OTHER is whatever a chatbot may want and we do not."""

    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    TEXT = "text"
    LOCATION = "location"
    POSTBACK = "postback"
    ACCOUNT_LINK = "accountLink"
    OTHER = "other"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `user`: empty unless it comes from a chat with one person. Its `repr` shows nothing of them."""

    id: str
    """`webhookEventId`: the same when it is delivered again. Empty: it is not understood."""
    kind: Kind
    at: datetime
    active: bool
    """False (`standby`): another module of the account answers, and we must not."""
    redelivered: bool
    user: str = ""
    reply_token: str = ""
    text: str = ""
    latitude: float | None = None
    longitude: float | None = None
    command: str = ""
    """Of a postback of ours, what stands behind `OURS`."""

    def __repr__(self) -> str:
        return f"Event({self.id!r}, {self.kind})"


NOT_UNDERSTOOD = Event(
    id="", kind=Kind.OTHER, at=datetime.fromtimestamp(0, UTC), active=False, redelivered=False
)
"""Of another form than we know: nobody's but a chatbot's."""


def verify(body: bytes, signature: str, *, channel_secret: str) -> None:
    """Check a webhook's `x-line-signature` over its raw body, in constant time.

    https://developers.line.biz/en/reference/messaging-api/#signature-validation

    Raises:
        Forbidden: the signature is missing or wrong.
    """
    digest = hmac.digest(channel_secret.encode(), body, hashlib.sha256)
    if not hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace")):
        raise Forbidden("LINE webhook: the signature is missing or wrong / 署名が正しくありません")


def parse(body: bytes) -> Sequence[Event]:
    """The events of a verified body, in order. One that we do not understand is OTHER: a chatbot may.

    Raises:
        BadInput: it is no webhook's body. Names the place, and nothing that stands there.
    """
    try:
        encoded = _apart(body)
    except msgspec.ValidationError as e:
        raise BadInput(_place(e), "is not as LINE describes it / LINEの形式ではありません") from None
    except (ValueError, RecursionError):
        raise BadInput("$", "is no JSON / JSONではありません") from None
    return [_event(raw, number) for number, raw in enumerate(encoded)]


def _apart(body: bytes) -> Sequence[bytes]:
    """The events, each in JSON of its own. Raises `ValueError`, of which `msgspec.ValidationError` has a place."""
    try:
        return [bytes(each) for each in typed.from_json(body, _Request).events]
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # half a character (a lone surrogate) in one event, which msgspec steps over in none, is not to lose the others
        loose = typed.convert(json.loads(body), _Loose)
        return [json.dumps(each).encode() for each in loose.events]


class _Delivery(msgspec.Struct, frozen=True):
    isRedelivery: bool = False  # noqa: N815 - LINE's own names


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    userId: str = ""  # noqa: N815


class _Postback(msgspec.Struct, frozen=True):
    data: str = ""


class _Event(msgspec.Struct, frozen=True):
    """`message` is read later, by its type: a sticker's fields are no text's."""

    type: str
    webhookEventId: str  # noqa: N815
    timestamp: int
    mode: str = "active"
    deliveryContext: _Delivery = _Delivery()  # noqa: N815
    source: _Source = _Source()
    replyToken: str = ""  # noqa: N815
    message: dict[str, Any] = {}
    postback: _Postback = _Postback()

    def __post_init__(self) -> None:
        if not 1 <= len(self.webhookEventId) <= 64:
            raise ValueError("webhookEventId")
        if not 0 <= self.timestamp < 2**43:
            raise ValueError("timestamp")


class _Request(msgspec.Struct, frozen=True):
    events: list[msgspec.Raw]
    destination: str = ""


class _Loose(msgspec.Struct, frozen=True):
    events: list[Any]
    destination: str = ""


def _event(encoded: bytes, number: int) -> Event:
    try:
        raw = typed.from_json(encoded, _Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        place = _place(e) if isinstance(e, msgspec.ValidationError) else "$"
        log.warning("an event is not understood", channel="line", place=f"$.events[{number}]{place[1:]}")
        return NOT_UNDERSTOOD
    kind, details = _understood(raw)
    return Event(
        id=raw.webhookEventId,
        kind=kind,
        at=datetime.fromtimestamp(raw.timestamp / 1000, UTC),
        active=raw.mode == "active",
        redelivered=raw.deliveryContext.isRedelivery,
        user=raw.source.userId if raw.source.type == "user" else "",
        reply_token=raw.replyToken,
        **details,
    )


def _understood(raw: _Event) -> tuple[Kind, dict[str, Any]]:
    if raw.type in (Kind.FOLLOW, Kind.UNFOLLOW, Kind.ACCOUNT_LINK):
        return Kind(raw.type), {}
    if raw.type == Kind.POSTBACK:
        command = raw.postback.data.removeprefix(OURS) if raw.postback.data.startswith(OURS) else ""
        return Kind.POSTBACK, {"command": command}
    if raw.type == "message":
        match raw.message:
            case {"type": "text", "text": str(text)}:
                return Kind.TEXT, {"text": text}
            case {
                "type": "location",
                "latitude": int() | float() as latitude,
                "longitude": int() | float() as longitude,
            }:
                return Kind.LOCATION, {"latitude": float(latitude), "longitude": float(longitude)}
    return Kind.OTHER, {}


def _place(error: msgspec.ValidationError) -> str:
    return str(error).partition(" - at ")[2].strip("`") or "$"
