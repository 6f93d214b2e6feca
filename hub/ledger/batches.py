"""Batches in the ledger: planned, claimed, recorded.

A batch's row is claimed by one holder at a time. The claim is committed before the first byte goes
to a gateway; what the gateway said is recorded in one commit with the retries it calls for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, or_, select, update

from hub.alert import Lane, Mode
from hub.delivery import Batch, BatchId, Outcome, Result, Variant, advance
from hub.language import Language
from hub.ledger import tables
from hub.ledger.columns import MICROSECONDS, insert_new, now_us
from hub.ledger.tables import BatchState
from hub.recipient import RecipientId, Zone

_batches = tables.batches.c


class Planned(NamedTuple):
    """A batch to be, and when the sweeper may take it if nobody did."""

    batch: Batch
    due_at: datetime
    settled_as: Outcome | None = None
    """Set when the alert was stopped before the batch was planned: recorded at once, never sent."""


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
        conn.execute(insert_new(conn, tables.batches), [_row(each) for each in planned])


def claim(conn: Connection, ids: Sequence[BatchId], *, owner: str, lease: timedelta) -> list[Batch]:
    """Take those of `ids` that are planned and unclaimed. Whoever gets a batch here alone may send it."""
    rows = conn.execute(
        update(tables.batches)
        .where(_batches.id.in_(ids), _batches.state == BatchState.PLANNED)
        .values(
            state=BatchState.CLAIMED,
            owner=owner,
            lease_until=now_us() + int(lease.total_seconds() * MICROSECONDS),
        )
        .returning(tables.batches)
    )
    return [_batch(row) for row in rows]


def release(conn: Connection, batch: Batch, *, owner: str, after: timedelta) -> None:
    """Give a claim back of which nothing was sent; the sweeper leaves it alone until then."""
    conn.execute(
        update(tables.batches)
        .where(_batches.id == batch.id, _batches.owner == owner, _batches.state == BatchState.CLAIMED)
        .values(
            state=BatchState.PLANNED,
            owner=None,
            lease_until=None,
            due_at=now_us() + int(after.total_seconds() * MICROSECONDS),
        )
    )


def due(conn: Connection, channel: str, lane: Lane, *, limit: int) -> list[BatchId]:
    """Planned batches whose time has come, the longest due first."""
    rows = conn.execute(
        select(_batches.id)
        .where(
            _batches.state == BatchState.PLANNED,
            _batches.channel == channel,
            _batches.lane == lane,
            _batches.due_at <= now_us(),
        )
        .order_by(_batches.due_at)
        .limit(limit)
    )
    return [BatchId(row.id) for row in rows]


def abandoned(
    conn: Connection, *, void_owners_but: str | None = None, limit: int = 100
) -> list[tuple[Batch, str]]:
    """Claims whose lease has run out, with their owners.

    `void_owners_but`: also every claim of another owner (embedded: leases of an earlier process are
    void at start, since there can be only one process).
    """
    out = _batches.lease_until <= now_us()
    if void_owners_but is not None:
        out = or_(out, _batches.owner != void_owners_but)
    rows = conn.execute(select(tables.batches).where(_batches.state == BatchState.CLAIMED, out).limit(limit))
    return [(_batch(row), row.owner) for row in rows]


def overdue(conn: Connection, *, limit: int = 100) -> list[BatchId]:
    """Planned batches past their alert's expiry (I2: the reaper ends them)."""
    rows = conn.execute(
        select(_batches.id)
        .where(_batches.state == BatchState.PLANNED, _batches.expires <= now_us())
        .limit(limit)
    )
    return [BatchId(row.id) for row in rows]


def record(
    conn: Connection,
    batch: Batch,
    *,
    owner: str,
    results: Mapping[int, Result],
    children: Sequence[Planned],
    moved: Iterable[int],
    settles_at: datetime | None,
    reached_between: tuple[datetime, datetime] | None,
    keep_refs: bool = False,
) -> bool:
    """Write what became of each position, and its retries, in one go.

    Positions in `moved` live on in `children`. `keep_refs`: receipts will name the provider's ids. False, and nothing written, when the claim was lost
    to another holder meanwhile: what that one records counts.
    """
    row = conn.execute(
        select(_batches.handover, _batches.reasons)
        .where(_batches.id == batch.id, _batches.owner == owner, _batches.state == BatchState.CLAIMED)
        .with_for_update()
    ).first()
    if row is None:
        return False
    handover = bytearray(row.handover)
    for position, result in results.items():
        handover[position] = advance(Outcome(handover[position]), result.outcome)
    for position in moved:
        handover[position] = advance(Outcome(handover[position]), Outcome.MOVED)
    reasons = json.loads(row.reasons) | {
        str(position): result.reason for position, result in results.items() if result.reason
    }
    first, last = reached_between or (None, None)
    conn.execute(
        update(tables.batches)
        .where(_batches.id == batch.id)
        .values(
            state=BatchState.RECORDED,
            handover=bytes(handover),
            reasons=json.dumps(reasons),
            settles_at=settles_at,
            first_at=first,
            last_at=last,
            lease_until=None,
        )
    )
    plan(conn, children)
    if keep_refs:
        _keep_refs(conn, batch, results)
    return True


def settle_unsent(conn: Connection, alert: str, outcome: Outcome) -> int:
    """Every planned batch of the alert gets `outcome` for all its recipients. Returns how many batches.

    A planned resend gets `AMBIGUOUS` instead: what it would have repeated may have arrived.
    """
    unsent = (_batches.alert == alert, _batches.state == BatchState.PLANNED)
    size = func.length(_batches.handover)
    kinds = conn.execute(select(size.label("size"), _batches.resend).where(*unsent).distinct()).all()
    settled = 0
    for kind in kinds:
        known = Outcome.AMBIGUOUS if kind.resend else outcome
        settled += conn.execute(
            update(tables.batches)
            .where(*unsent, size == kind.size, _batches.resend.is_(kind.resend))
            .values(state=BatchState.RECORDED, handover=bytes([known]) * kind.size)
        ).rowcount
    return settled


def in_flight(conn: Connection, alert: str) -> int:
    """Batches of the alert that somebody holds a claim on now."""
    claimed = select(func.count()).where(_batches.alert == alert, _batches.state == BatchState.CLAIMED)
    return int(conn.execute(claimed).scalar_one())


def of_alert(conn: Connection, alert: str, *, channel: str | None = None) -> Iterable[Row[Any]]:
    """The rows of an alert's batches that counting and correcting need."""
    query: Select[Any] = select(
        _batches.channel,
        _batches.language,
        _batches.mode,
        _batches.zone,
        _batches.seq,
        _batches.parent,
        _batches.members,
        _batches.handover,
        _batches.receipt,
        _batches.reasons,
        _batches.attempt,
        _batches.resend,
        _batches.state,
        _batches.due_at,
        _batches.settles_at,
        _batches.first_at,
        _batches.last_at,
    ).where(_batches.alert == alert)
    if channel is not None:
        query = query.where(_batches.channel == channel)
    return conn.execute(query)


def planned(conn: Connection, alert: str, channel: str) -> tuple[set[RecipientId], dict[Variant, int]]:
    """Who is in a batch already, and the next free batch number of each variant."""
    members: set[RecipientId] = set()
    free: dict[Variant, int] = {}
    for row in of_alert(conn, alert, channel=channel):
        members.update(row.members)
        variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
        free[variant] = max(free.get(variant, 0), row.seq + 1)
    return members, free


def get(conn: Connection, batch: BatchId) -> tuple[Batch, bytearray, bytearray, dict[str, str]]:
    """A batch with its two arrays and its reasons, locked for this transaction."""
    row = conn.execute(select(tables.batches).where(_batches.id == batch).with_for_update()).one()
    return _batch(row), bytearray(row.handover), bytearray(row.receipt), json.loads(row.reasons)


def update_arrays(
    conn: Connection, batch: BatchId, *, handover: bytes, receipt: bytes, reasons: Mapping[str, str]
) -> None:
    """Write back what `get` gave, in the same transaction."""
    conn.execute(
        update(tables.batches)
        .where(_batches.id == batch)
        .values(handover=bytes(handover), receipt=bytes(receipt), reasons=json.dumps(dict(reasons)))
    )


def _row(planned: Planned) -> dict[str, Any]:
    batch, settled = planned.batch, planned.settled_as
    size = len(batch.members)
    return {
        "id": batch.id,
        "alert": batch.alert,
        "version": batch.version,
        "mode": batch.mode,
        "channel": batch.channel,
        "lane": batch.lane,
        "language": batch.variant.language,
        "zone": batch.variant.zone or "",
        "seq": batch.seq,
        "parent": batch.parent,
        "attempt": batch.attempt,
        "resend": batch.resend,
        "content_hash": batch.content_hash,
        "idempotency_key": str(batch.idempotency_key),
        "members": batch.members,
        "handover": bytes([settled or Outcome.PENDING]) * size,
        "receipt": bytes(size),
        "reasons": "{}",
        "expires": batch.expires,
        "state": BatchState.PLANNED if settled is None else BatchState.RECORDED,
        "due_at": planned.due_at,
    }


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        id=BatchId(row.id),
        alert=row.alert,
        version=row.version,
        mode=Mode(row.mode),
        lane=Lane(row.lane),
        channel=row.channel,
        variant=Variant(Language(row.language), Zone(row.zone) if row.zone else None),
        seq=row.seq,
        members=row.members,
        content_hash=row.content_hash,
        idempotency_key=UUID(row.idempotency_key),
        expires=row.expires,
        attempt=row.attempt,
        resend=row.resend,
        parent=row.parent,
    )


def _keep_refs(conn: Connection, batch: Batch, results: Mapping[int, Result]) -> None:
    refs = {result.ref: position for position, result in results.items() if result.ref is not None}
    if refs:
        rows = [
            {"channel": batch.channel, "ref": ref, "batch": batch.id, "position": position}
            for ref, position in refs.items()
        ]
        conn.execute(insert_new(conn, tables.provider_refs), rows)
