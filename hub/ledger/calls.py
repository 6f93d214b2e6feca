"""What people ask on the telephone, counted: which question, when, by whom. Never who called or what they said."""

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)

from hub.authorise import Actor
from hub.errors import Conflict
from hub.ledger import tables
from hub.ledger.columns import insert_new

_calls = tables.calls.c
_HOUR_US: ColumnElement[int] = literal_column("3600000000", BigInteger)
"""Not a parameter: PostgreSQL would not see that what is grouped by is what is selected."""


class Call(NamedTuple):
    """`answer`: the question that was asked; empty: another one."""

    id: str
    answer: str
    at: datetime
    by: str
    undone_at: datetime | None


def count(conn: Connection, call: str, answer: str, actor: Actor, *, at: datetime) -> bool:
    """One call. False when the call of this id is counted already: pressing twice counts once."""
    row = insert_new(conn, tables.calls).values(id=call, answer=answer, at=at, by=actor.login)
    return conn.execute(row.returning(_calls.id)).first() is not None


def undo(conn: Connection, call: str, actor: Actor, *, at: datetime) -> None:
    """It is counted no more, and the row stays.

    Raises:
        Conflict: there is none, somebody else counted it, or it was undone before.
    """
    undone = conn.execute(
        update(tables.calls)
        .where(_calls.id == call, _calls.by == actor.login, _calls.undone_at.is_(None))
        .values(undone_at=at)
    )
    if undone.rowcount == 0:
        raise Conflict("この1件は取り消せません / This count cannot be taken back")


def find(conn: Connection, call: str) -> Call | None:
    row = conn.execute(select(tables.calls).where(_calls.id == call)).first()
    return None if row is None else Call(row.id, row.answer, row.at, row.by, row.undone_at)


def by_hour(conn: Connection, *, since: datetime) -> dict[datetime, Counter[str]]:
    """Calls by the hour in which they came (its beginning; hours without one are left out) and by question."""
    hour = type_coerce(_calls.at, BigInteger) // _HOUR_US
    rows = conn.execute(
        select(hour.label("hour"), _calls.answer, func.count().label("number"))
        .where(_calls.at >= since, _calls.undone_at.is_(None))
        .group_by(hour, _calls.answer)
        .order_by(hour)
    )
    found: dict[datetime, Counter[str]] = {}
    for row in rows:
        beginning = datetime.fromtimestamp(int(row.hour) * 3600, UTC)
        found.setdefault(beginning, Counter())[row.answer] = row.number
    return found
