"""What a network or a counter has sent, before it is known whose it is."""

import base64
import binascii
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from hub import typed
from hub.errors import BadInput
from shelters.reading import Measure

T = TypeVar("T")


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One frame of a LoRaWAN device, as its network handed it on.

    `id`: the same when the network sends it again. `at`: when the network received it, None where it does not say.
    """

    address: str
    port: int
    frame: bytes
    id: str
    at: datetime | None = None


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """One count of a counter that speaks JSON itself. `part`: its line or zone, as the counter calls it."""

    address: str
    part: str
    measure: Measure
    id: str
    at: datetime | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life that counts nobody: a join, an acknowledgement, a test. `battery`: in percent."""

    address: str
    what: str
    battery: float | None = None


Message = Uplink | Pushed | Heard


def address(spelled: str, *, place: str = "dev_eui") -> str:
    """A DevEUI or serial number in one spelling: lower case, without what stands between its letters.

    Raises:
        BadInput: there is nothing in it, or too much.
    """
    letters = "".join(letter for letter in spelled.lower() if letter.isalnum() and letter.isascii())
    if not 1 <= len(letters) <= 32:
        raise BadInput(place, "is no address of a device / 機器の番号ではありません")
    return letters


def frame(encoded: str, *, place: str) -> bytes:
    """Raises `BadInput` where it is not base64 (RFC 4648 §4)."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as e:
        raise BadInput(place, "is not base64 / base64ではありません") from e


def body(data: bytes, kind: type[T]) -> T:
    """JSON from outside as `kind`. Raises `BadInput` with the place."""
    try:
        return typed.from_json(data, kind)
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadInput(place.strip("`") or "$", message) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput("$", "is not JSON / JSONではありません") from e


def in_utc(told: datetime) -> datetime:
    """`told` in UTC. One that UTC has no room for (year 1 east of Greenwich, 9999 west of it) keeps its figures: it is
    as wrong there."""
    try:
        return told.astimezone(UTC)
    except OverflowError:
        return told.replace(tzinfo=UTC)


def taken_at(told: datetime | None, now: datetime) -> datetime:
    """When a count was taken: as the sender says, and never later than it came.

    A clock that runs ahead cannot be right; one that is behind is not told from a message that was held up, and what is
    too old is refused where readings are.
    """
    return now if told is None else min(in_utc(told), now)
