"""Dead letters in the ledger: the newest thousand, until staff have seen them and afterwards."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from hub.authorise import Actor
from hub.dead_letters import Letter
from hub.ledger import tables
from hub.ledger.columns import printable

MOST = 1_000
_letters = tables.dead_letters.c


class DeadLetter(NamedTuple):
    """A row. `topic` and `key` are shortened where they were longer, `value` where it was larger."""

    id: int
    at: datetime
    topic: str
    key: str
    reason: str
    value: bytes
    seen_at: datetime | None
    seen_by: str | None


def keep(conn: Connection, letters: Sequence[Letter]) -> None:
    """Add these, and forget what is older than the newest `MOST`."""
    if not letters:
        return
    rows = [
        {
            "at": letter.at,
            "topic": letter.topic,
            "key": letter.key,
            "reason": printable(letter.reason),
            "value": letter.value,
        }
        for letter in letters
    ]
    conn.execute(insert(tables.dead_letters), rows)
    oldest = select(_letters.id).order_by(_letters.id.desc()).offset(MOST).limit(1).scalar_subquery()
    conn.execute(delete(tables.dead_letters).where(_letters.id <= oldest))


def newest(conn: Connection, *, limit: int = 100) -> list[DeadLetter]:
    """The newest first, seen or not."""
    rows = conn.execute(select(tables.dead_letters).order_by(_letters.id.desc()).limit(limit))
    return [DeadLetter(**row._mapping) for row in rows]


def unseen(conn: Connection) -> int:
    """How many nobody has looked at."""
    query = select(func.count()).select_from(tables.dead_letters).where(_letters.seen_at.is_(None))
    return int(conn.execute(query).scalar_one())


def mark_seen(conn: Connection, actor: Actor, *, until: int, at: datetime) -> int:
    """Everything up to the row `until`; returns how many nobody had seen before."""
    return conn.execute(
        update(tables.dead_letters)
        .where(_letters.id <= until, _letters.seen_at.is_(None))
        .values(seen_at=at, seen_by=actor.login)
    ).rowcount
