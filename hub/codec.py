"""Bytes become types here, and types bytes; nowhere else.

What travels on the bus is small and says nothing about anybody: ids, a version, a mode, and a MAC
over topic, key and payload, so that a forged or misplaced record is refused before it is read.
"""

import hmac
from datetime import datetime
from typing import TypeVar

import msgspec

from hub import typed
from hub.alert import Alert, Mode
from hub.channel import Content
from hub.errors import BadInput
from hub.keys import Keys

T = TypeVar("T")

_MAC_BYTES = 32


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True):
    """On `alerts`: this alert was accepted, or stopped. Whoever reads it looks the alert up."""

    identifier: str
    version: int
    mode: Mode


class BatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """On `deliveries.<channel>.<lane>`: this batch may be claimed."""

    batch: str
    version: int
    mode: Mode


class ReceiptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """On `receipts`: a provider's later word on what it accepted under `ref`."""

    channel: str
    ref: str
    outcome: int
    at: datetime
    reason: str = ""


def encode(value: object) -> bytes:
    """Canonical JSON: the same value gives the same bytes, in any process (digests rely on it)."""
    return msgspec.json.encode(value, order="deterministic")


def decode(kind: type[T], data: bytes | str, *, what: str) -> T:
    """Raises `BadInput` with the place in `what`: `alert A-1 $.infos[0].language: …`."""
    try:
        return typed.from_json(data, kind)
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadInput(f"{what} {place.strip('`') or '$'}", message) from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise BadInput(what, f"is not JSON: {e}") from e


def alert_from(data: bytes) -> Alert:
    return decode(Alert, data, what="alert")


def content_from(data: bytes) -> Content:
    return decode(Content, data, what="content")


class RecordCodec:
    """Bus records with their MAC in front."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def seal(self, topic: str, key: str, value: msgspec.Struct) -> bytes:
        payload = encode(value)
        return self._keys.mac(topic.encode(), key.encode(), payload) + payload

    def unseal(self, kind: type[T], topic: str, key: str, record: bytes) -> T:
        """Raises `BadInput` when the MAC is not ours for this topic and key, or the payload malformed."""
        payload = self.payload(topic, key, record)
        if payload is None:
            raise BadInput(
                topic,
                "the record's MAC does not fit: it is not this hub's, or was changed / "
                "このハブが書いた記録ではないか、書きかえられています",
            )
        return decode(kind, payload, what=topic)

    def payload(self, topic: str, key: str, record: bytes) -> bytes | None:
        """What a record says, as JSON. None: it is not ours, and what it holds may be anything."""
        mac, payload = record[:_MAC_BYTES], record[_MAC_BYTES:]
        fits = hmac.compare_digest(mac, self._keys.mac(topic.encode(), key.encode(), payload))
        return payload if fits else None
