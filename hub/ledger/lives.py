"""The lives of processes that hold claims, in the database's time.

A process says every few seconds that it lives until a while from now. Once that moment has passed
its claims are anybody's, and the life never comes back: the process has to begin another, under
another name, which holds none of them.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from hub.ledger import tables
from hub.ledger.columns import now_us

_lives = tables.lives.c


def begin(conn: Connection, owner: str, *, lasting: timedelta) -> None:
    """A new life. Its name was never used before."""
    conn.execute(insert(tables.lives).values(owner=owner, until=_from_now(lasting)))


def renew(conn: Connection, owner: str, *, lasting: timedelta) -> bool:
    """From now on for another while. False: this life is over, or never began."""
    renewed = update(tables.lives).where(_lives.owner == owner, _lives.until > now_us())
    return conn.execute(renewed.values(until=_from_now(lasting))).rowcount == 1


def end(conn: Connection, owner: str) -> None:
    """What this life still holds is anybody's from now on."""
    conn.execute(delete(tables.lives).where(_lives.owner == owner))


def forget(conn: Connection, *, after: timedelta) -> int:
    """Delete lives that ended longer ago than that; they hold nothing any more. Returns how many."""
    return conn.execute(delete(tables.lives).where(_lives.until < _from_now(-after))).rowcount


def gone(owner: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether `owner` does not live now: its time is over, or it never said that it lives."""
    return owner.not_in(select(_lives.owner).where(_lives.until > now_us()))


def _from_now(after: timedelta) -> ColumnElement[int]:
    return now_us() + round(after / timedelta(microseconds=1))
