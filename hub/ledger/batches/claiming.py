"""Batches planned, claimed, given back, and found when their time has come."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from hub.alert import Lane
from hub.delivery import Batch, BatchId
from hub.ledger import lives, tables
from hub.ledger.batches.row import Planned, as_batch, as_row
from hub.ledger.columns import MICROSECONDS, insert_new, now_us
from hub.ledger.tables import BatchState

_batches = tables.batches.c


def insert_content(conn: Connection, content_hash: str, body: bytes) -> None:
    """Content-addressed: the same content twice is one row."""
    conn.execute(insert_new(conn, tables.contents).values(hash=content_hash, body=body))


def content(conn: Connection, content_hash: str) -> bytes:
    return bytes(
        conn.execute(
            select(tables.contents.c.body).where(tables.contents.c.hash == content_hash)
        ).scalar_one()
    )


def plan(conn: Connection, planned: Sequence[Planned]) -> None:
    """Add batches; one that exists already (same id) stays as it is, so planning again is harmless."""
    if planned:
        conn.execute(insert_new(conn, tables.batches), [as_row(each) for each in planned])


def claim(conn: Connection, ids: Sequence[BatchId], *, owner: str, lease: timedelta) -> list[Batch]:
    """Take those of `ids` that are planned and unclaimed. Whoever gets a batch here alone may send it."""
    wanted = {"wanted": ids, "holder": owner, "lease_us": int(lease.total_seconds() * MICROSECONDS)}
    return [as_batch(row) for row in conn.execute(_CLAIM, wanted)]


_CLAIM = (
    update(tables.batches)
    .where(_batches.id.in_(bindparam("wanted", expanding=True)), _batches.state == BatchState.PLANNED)
    .values(
        state=BatchState.CLAIMED,
        owner=bindparam("holder"),
        lease_until=now_us() + bindparam("lease_us", type_=BigInteger),
    )
    .returning(tables.batches)
)
"""Written once, like every statement of which an alert needs hundreds: SQLAlchemy then knows it again."""


def release(conn: Connection, batch: Batch, *, owner: str, after: timedelta) -> None:
    """Give a claim back of which nothing was sent; the sweeper leaves it alone until then."""
    _release(conn, _held(batch.id, owner), after=after)


def undo_claim(conn: Connection, batch: BatchId, *, owner: str, left: timedelta) -> None:
    """Undo a claim of which only the commit's answer was lost.

    `left`: so much of its lease at least must still be left. An earlier claim of the same owner, for which
    something may have been sent, has less.
    """
    least = now_us() + int(left.total_seconds() * MICROSECONDS)
    _release(conn, _held(batch, owner) & (_batches.lease_until >= least), after=timedelta(0))


def due(conn: Connection, channel: str, lane: Lane, *, limit: int) -> list[BatchId]:
    """Planned batches whose time has come, the longest due first.

    Resends come last: whoever has certainly got nothing goes before whoever may have, and a gateway that
    was in trouble is not tried with the one resend there is.
    """
    rows = conn.execute(
        select(_batches.id)
        .where(
            _batches.state == BatchState.PLANNED,
            _batches.channel == channel,
            _batches.lane == lane,
            _batches.due_at <= now_us(),
        )
        .order_by(_batches.resend, _batches.due_at)
        .limit(limit)
    )
    return [BatchId(row.id) for row in rows]


def abandoned(
    conn: Connection, *, void_owners_but: str | None = None, limit: int = 1000
) -> list[tuple[Batch, str]]:
    """Claims whose lease, or whose owner's life, is over; with their owners.

    `void_owners_but`: also every claim of another owner (embedded: claims of an earlier process are
    void at start, since there can be only one process).
    """
    over = or_(_batches.lease_until <= now_us(), lives.gone(_batches.owner))
    if void_owners_but is not None:
        over = or_(over, _batches.owner != void_owners_but)
    rows = conn.execute(select(tables.batches).where(_batches.state == BatchState.CLAIMED, over).limit(limit))
    return [(as_batch(row), row.owner) for row in rows]


def overdue(conn: Connection, *, limit: int = 100) -> list[BatchId]:
    """Planned batches past their alert's expiry (I2: the reaper ends them)."""
    rows = conn.execute(
        select(_batches.id)
        .where(_batches.state == BatchState.PLANNED, _batches.expires <= now_us())
        .limit(limit)
    )
    return [BatchId(row.id) for row in rows]


def _held(batch: BatchId, owner: str) -> ColumnElement[bool]:
    return and_(_batches.id == batch, _batches.owner == owner, _batches.state == BatchState.CLAIMED)


def _release(conn: Connection, held: ColumnElement[bool], *, after: timedelta) -> None:
    due_at = now_us() + int(after.total_seconds() * MICROSECONDS)
    conn.execute(
        update(tables.batches)
        .where(held)
        .values(state=BatchState.PLANNED, owner=None, lease_until=None, due_at=due_at)
    )
