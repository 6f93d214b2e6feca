"""What a drill of the Wi-Fi showed: at each facility when the drill's name was read back, and when what was before."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.alert import Mode
from hub.authorise import SYSTEM
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import revisions
from hub.wifi_desk import Trial
from hub.wifi_state import Known

SUBJECT = "wifi-drills"
MOST = 30
"""Drills that are kept in the newest revision; older ones stand in those before."""
LONGEST_WAIT = timedelta(hours=1)
"""After its end, for a facility that is not back yet: then the report says that it was not."""
DISASTER = "disaster"
"""The problem of a facility that a live alert took over."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One facility. `problem`: why it was not shown or is not back, the last that was known."""

    ref: str
    name: str
    shown_at: datetime | None = None
    restored_at: datetime | None = None
    problem: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """`ended_at`: when it was to be put back."""

    id: str
    by: str
    begun_at: datetime
    ended_at: datetime
    ssid_name: str
    parts: tuple[Part, ...]

    def done(self, at: datetime) -> bool:
        """Nothing more is to be written down."""
        back = all(part.restored_at or (not part.shown_at and not part.problem) for part in self.parts)
        return at >= self.ended_at and (back or at >= self.ended_at + LONGEST_WAIT)


def history(conn: Connection, keys: Keys) -> list[Record]:
    """The newest first."""
    return list(_kept(conn, keys)[0])


def get(conn: Connection, keys: Keys, drill: str) -> Record:
    """Raises `BadInput` when there is none."""
    found = next((each for each in history(conn, keys) if each.id == drill), None)
    if found is None:
        raise BadInput(f"drill {drill}", "there is no such drill / この訓練はありません")
    return found


def follow(conn: Connection, keys: Keys, trial: Trial, known: Known, *, at: datetime) -> None:
    """Write down what `known` says of the drill, if it says anything new."""
    kept, number = _kept(conn, keys)
    before = next((each for each in kept if each.id == trial.id), None) or _begun(trial, known)
    if before.done(at):
        return
    after = followed(before, trial, known)
    others = [each for each in kept if each.id != trial.id]
    if after not in kept:
        value = codec.encode(tuple([after, *others][:MOST]))
        revisions.add(
            conn, keys, SUBJECT, value, seen=number, at=at, by=SYSTEM.login, detail={"drill": trial.id}
        )


def followed(record: Record, trial: Trial, known: Known) -> Record:
    """The record with what was read back since."""
    ended_at = trial.ended_at or trial.until
    parts = tuple(_part(part, ended_at, known) for part in record.parts)
    return msgspec.structs.replace(record, ended_at=ended_at, parts=parts)


def _part(part: Part, ended_at: datetime, known: Known) -> Part:
    state = known.state(part.ref)
    if state is None or state.read_at is None:
        return msgspec.structs.replace(part, problem=state.problem if state else "no such facility")
    problem = state.problem or (DISASTER if state.wanted is Mode.LIVE else "")
    shows_drill = state.shows == known.drill_ssid_name and not state.problem
    shown_at, restored_at = part.shown_at, part.restored_at
    if shown_at is None and shows_drill:
        shown_at = state.read_at
    elif shown_at and not restored_at and not problem and not shows_drill and state.read_at >= ended_at:
        restored_at = state.read_at
    return msgspec.structs.replace(part, shown_at=shown_at, restored_at=restored_at, problem=problem)


def _begun(trial: Trial, known: Known) -> Record:
    states = [known.state(ref) for ref in trial.refs]
    return Record(
        id=trial.id,
        by=trial.by,
        begun_at=trial.begun_at,
        ended_at=trial.until,
        ssid_name=known.drill_ssid_name,
        parts=tuple(
            Part(ref=ref, name=state.name if state else ref)
            for ref, state in zip(trial.refs, states, strict=True)
        ),
    )


def _kept(conn: Connection, keys: Keys) -> tuple[Sequence[Record], int]:
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return (), 0
    return codec.decode(tuple[Record, ...], newest.value, what=SUBJECT), newest.number
