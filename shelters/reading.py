"""What was counted at a shelter: by a door counter, a head counter, or staff.

The wire format, over HTTP as over MQTT, is JSON:

    {"readings": [
      {"id": "a1-0815", "device": "gym-north", "at": "2026-09-12T22:03:00+09:00",
       "kind": "door_totals", "in": 312, "out": 40, "bits": 16},
      {"id": "a1-0816", "device": "gym-south", "at": "2026-09-12T22:03:00+09:00",
       "kind": "door_deltas", "in": 5, "out": 1},
      {"id": "c7-0031", "device": "hall-camera", "at": "2026-09-12T22:03:00+09:00",
       "kind": "head_count", "people": 196},
      {"id": "t2-0004", "device": "tablet", "at": "2026-09-12T22:03:00+09:00",
       "kind": "staff_word", "people": 200, "crowding": "some"}
    ]}

`id` is the device's own and unique for it: a reading that is sent twice counts once. `at` carries an
offset. `bits` may be left out. Fields beyond these are ignored.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from hub import typed
from hub.errors import BadInput
from hub.shelter_list import Crowding
from shelters.site import SiteCode

MOST_READINGS = 1_000
"""In one request or message."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a device's clock may run ahead."""

OLDEST = timedelta(days=1)

Count = Annotated[int, Meta(ge=0, le=100_000_000)]
Total = Annotated[int, Meta(ge=0, lt=2**32)]
People = Annotated[int, Meta(ge=0, le=100_000)]
Label = Annotated[str, Meta(min_length=1, max_length=64)]


class DoorTotals(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="door_totals"):
    """Counted since the device's own zero; a device that restarts begins at zero again.

    `bits`: how wide its counters are, where that is known: what is full goes on at zero.
    """

    entered: Total = msgspec.field(name="in")
    left: Total = msgspec.field(name="out")
    bits: Annotated[int, Meta(ge=8, le=64)] | None = None

    def __post_init__(self) -> None:
        if self.bits is not None and max(self.entered, self.left) >> self.bits:
            raise ValueError(f"a counter of {self.bits} bits cannot show so many")


class DoorDeltas(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="door_deltas"):
    """Counted since the device's previous reading."""

    entered: Count = msgspec.field(name="in")
    left: Count = msgspec.field(name="out")


class HeadCount(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="head_count"):
    """Everybody inside the site, counted at once (a camera, the reception's list)."""

    people: People


class StaffWord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="staff_word"):
    """What a member of staff says: a number, a word, or both."""

    people: People | None = None
    crowding: Crowding | None = None

    def __post_init__(self) -> None:
        if self.crowding is Crowding.UNKNOWN:
            raise ValueError("not knowing is no report: leave `crowding` out")
        if self.people is None and self.crowding is None:
            raise ValueError("says neither `people` nor `crowding`")


Measure = DoorTotals | DoorDeltas | HeadCount | StaffWord


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reading of one site. Holds nothing about any person.

    `since`: what its device counted before that moment is not believed; a total tells only how it went on from then.
    """

    site: SiteCode
    device: str
    id: str
    at: datetime
    received_at: datetime
    measure: Measure
    since: datetime | None = None


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What came together from one site, as it travels on `readings`: one record, in their order."""

    readings: tuple[Reading, ...]

    def apart(self) -> "Sequence[Readings]":
        """Each by itself, so that one which cannot be counted takes no other along."""
        return [Readings(readings=(reading,)) for reading in self.readings]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed reading, before it is known who may send it. `place` is where it stood."""

    place: str
    device: str
    id: str
    at: datetime
    measure: Measure


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reading that was not taken: where it stood (`$.readings[3].in`) and why.

    `stranger`: it came from a device that is not registered here, which may be somebody else's business. `device`: the
    registered one that it came from, where that is known; of a stranger its own number.
    """

    place: str
    message: str
    stranger: bool = False
    device: str = ""


class _Head(msgspec.Struct, kw_only=True):
    id: Label
    device: Label
    at: Annotated[datetime, Meta(tz=True)]


class _Raws(msgspec.Struct, kw_only=True):
    readings: Annotated[list[msgspec.Raw], Meta(max_length=MOST_READINGS)]


class _Heads(msgspec.Struct, kw_only=True):
    readings: list[_Head]


class _Measures(msgspec.Struct, kw_only=True):
    readings: list[Measure]


def parse(body: bytes, *, now: datetime) -> Iterator[Sent | Refusal]:
    """Every reading in `body`, each understood or refused by itself.

    Raises:
        BadInput: the body as a whole is not JSON with a list of readings.
    """
    try:
        raws = typed.from_json(body, _Raws).readings
    except msgspec.ValidationError as e:
        message, _, place = str(e).partition(" - at ")
        raise BadInput(place.strip("`") or "$", message) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadInput("$", "is not JSON") from e
    return _together(body, now) or (_parse(raw, f"$.readings[{i}]", now) for i, raw in enumerate(raws))


def _together(body: bytes, now: datetime) -> Iterator[Sent | Refusal] | None:
    """All at once, in half the time, where every one of them is well-formed."""
    try:
        heads = typed.from_json(body, _Heads).readings
        measures = typed.from_json(body, _Measures).readings
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    both = enumerate(zip(heads, measures, strict=True))
    return (_sent(head, measure, f"$.readings[{i}]", now) for i, (head, measure) in both)


def _parse(raw: msgspec.Raw, place: str, now: datetime) -> Sent | Refusal:
    try:
        head = typed.from_json(raw, _Head)
        measure = typed.from_json(raw, Measure)
    except msgspec.ValidationError as e:
        message, _, below = str(e).partition(" - at ")
        return Refusal(place=place + below.strip("`").removeprefix("$"), message=message)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        return Refusal(place=place, message=f"is not JSON: {e}")
    return _sent(head, measure, place, now)


def _sent(head: _Head, measure: Measure, place: str, now: datetime) -> Sent | Refusal:
    sent = Sent(place=place, device=head.device, id=head.id, at=head.at, measure=measure)
    return timely(sent, now=now)


def timely(sent: Sent, *, now: datetime) -> Sent | Refusal:
    """`sent` in UTC, unless its time cannot be right or tells nothing of now. A refusal names the device that it says."""
    if sent.at > now + CLOCK_TOLERANCE:
        return Refusal(
            place=f"{sent.place}.at",
            message="lies in the future: set the device's clock / 未来の時刻です。機器の時計を合わせてください",
            device=sent.device,
        )
    if sent.at < now - OLDEST:
        return Refusal(
            place=f"{sent.place}.at",
            message="is more than a day old: it tells nothing of now / 1日以上前のものです",
            device=sent.device,
        )
    return msgspec.structs.replace(sent, at=sent.at.astimezone(UTC))
