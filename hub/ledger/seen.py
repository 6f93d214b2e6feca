"""What comes in from outside and may come again: it counts once, in whichever process and after whatever restart.

A key says nothing of anybody: a provider's own number of an event, or that of a link we made.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from hub.ledger import tables
from hub.ledger.columns import insert_new

KEPT = timedelta(days=8)
"""Longer than anybody delivers again, and than any link of ours holds."""

_seen = tables.seen.c


def first(conn: Connection, source: str, keys: Sequence[str], *, at: datetime) -> Collection[str]:
    """Those of `keys` that come for the first time; from now on they are known. With the caller's commit."""
    fresh: list[str] = []
    for key in dict.fromkeys(keys):
        new = insert_new(conn, tables.seen).values(source=source, key=key, at=at).returning(_seen.at)
        if conn.execute(new).first() is not None:
            fresh.append(key)
    if fresh:
        conn.execute(delete(tables.seen).where(_seen.at < at - KEPT))
    return fresh


def newer(conn: Connection, source: str, key: str, *, at: datetime) -> bool:
    """Whether nothing later is known of `key`; then this is what is known. What is delivered late, after something
    newer, is not to undo that."""
    same = (_seen.source == source, _seen.key == key)
    before = conn.execute(select(_seen.at).where(*same)).scalar_one_or_none()
    if before is None:
        conn.execute(insert(tables.seen).values(source=source, key=key, at=at))
        return True
    if at < before:
        return False
    conn.execute(update(tables.seen).where(*same).values(at=at))
    return True


def known(conn: Connection, source: str, key: str) -> bool:
    """Whether it was there before."""
    query = select(_seen.key).where(_seen.source == source, _seen.key == key)
    return conn.execute(query).first() is not None
