"""How far the city hall has gone over to a disaster: the stage of the 災害対策本部, since when, and by whose word.

A person sets it; nothing else does. `standing` is what every screen asks.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, Actor, authorise
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import revisions
from hub.organisation import Organisation

SUBJECT = "headquarters"
NONE = ""
"""The stage of every day."""
AHEAD = timedelta(minutes=1)
"""By how much a form's minute may be later than our clock."""
LONGEST_NOTE = 200


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`stage`: a code of the city's `stages.toml`, or `NONE`. `since`: when it was decided; `by`: whose login wrote it
    down, at `recorded_at`."""

    stage: str
    since: datetime
    by: str
    recorded_at: datetime
    note: str
    number: int


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    stage: str
    since: datetime
    note: str = ""


def standing(conn: Connection, keys: Keys) -> Standing | None:
    """The stage now. None: nobody has ever set one, which is the stage of every day."""
    newest = revisions.latest(conn, keys, SUBJECT)
    return None if newest is None else _standing(newest)


def history(conn: Connection, keys: Keys, *, limit: int = 50) -> list[Standing]:
    """The newest first."""
    return [_standing(each) for each in revisions.history(conn, keys, SUBJECT, limit=limit)]


def set_stage(
    conn: Connection,
    keys: Keys,
    organisation: Organisation,
    stage: str,
    actor: Actor,
    *,
    since: datetime,
    note: str,
    seen: int,
    at: datetime,
) -> None:
    """Write down that the stage was decided at `since`. `seen`: the number of the standing that the actor saw, or 0.

    Raises:
        Forbidden: no right.
        BadInput: no such stage, a time to come, or a note too long; names the field.
        Conflict: somebody set it meanwhile.
    """
    authorise(actor, Action.SET_STAGE)
    if stage != NONE and organisation.stage(stage) is None:
        raise BadInput("stage", "体制を選んでください / Choose a stage")
    if since > at + AHEAD:
        raise BadInput("since", "これからの時刻は入れられません / A time to come cannot be entered")
    if len(note) > LONGEST_NOTE:
        raise BadInput("note", f"{LONGEST_NOTE}文字までです / {LONGEST_NOTE} characters at most")
    revisions.add(
        conn,
        keys,
        SUBJECT,
        codec.encode(_Kept(stage=stage, since=since, note=note)),
        seen=seen,
        at=at,
        by=actor.login,
        detail={"stage": stage, "since": since.isoformat(timespec="seconds")},
    )


def _standing(revision: revisions.Revision) -> Standing:
    kept = codec.decode(_Kept, revision.value, what=SUBJECT)
    return Standing(
        stage=kept.stage,
        since=kept.since,
        by=revision.by,
        recorded_at=revision.at,
        note=kept.note,
        number=revision.number,
    )
