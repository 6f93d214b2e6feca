"""Batches in the ledger: planned, claimed, recorded.

A batch's row is claimed by one holder at a time. The claim is committed before the first byte goes
to a gateway; what the gateway said is recorded in one commit with the retries it calls for.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from hub.alert import Lane, Mode
from hub.delivery import Batch, BatchId, Outcome, ProviderRef, Result, Variant, advance
from hub.language import Language
from hub.ledger import lives, tables
from hub.ledger.columns import MICROSECONDS, insert_new, now_us, streamed
from hub.ledger.tables import BatchState
from hub.recipient import RecipientId, Zone
from hub.told import PROOF

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
    wanted = {"wanted": ids, "holder": owner, "lease_us": int(lease.total_seconds() * MICROSECONDS)}
    return [_batch(row) for row in conn.execute(_CLAIM, wanted)]


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
    return [(_batch(row), row.owner) for row in rows]


def overdue(conn: Connection, *, limit: int = 100) -> list[BatchId]:
    """Planned batches past their alert's expiry (I2: the reaper ends them)."""
    rows = conn.execute(
        select(_batches.id)
        .where(_batches.state == BatchState.PLANNED, _batches.expires <= now_us())
        .limit(limit)
    )
    return [BatchId(row.id) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of each position of a batch, by whom it was held, and its retries.

    Positions in `moved` live on in `children`. `keep_refs`: receipts will name the provider's ids.
    """

    batch: Batch
    owner: str
    results: Mapping[int, Result]
    children: Sequence[Planned] = ()
    moved: Collection[int] = ()
    settles_at: datetime | None = None
    reached_between: tuple[datetime, datetime] | None = None
    keep_refs: bool = False


def record(conn: Connection, records: Sequence[Record]) -> set[BatchId]:
    """Write them all, with their retries, in one go. Returns those that were written.

    Nothing is written of a batch whose claim was lost meanwhile: what was recorded instead counts.
    """
    rows: Iterable[Row[Any]] = conn.execute(_HELD, {"held": [each.batch.id for each in records]})
    held = {(row.id, row.owner): row for row in rows}
    kept = [(each, row) for each in records if (row := held.get((each.batch.id, each.owner))) is not None]
    if kept:
        conn.execute(_RECORD, [_recorded(each, row) for each, row in kept])
    plan(conn, [child for each, _ in kept for child in each.children])
    for each, _ in kept:
        if each.keep_refs:
            _keep_refs(conn, each.batch, each.results)
    return {each.batch.id for each, _ in kept}


_HELD = (
    select(_batches.id, _batches.owner, _batches.handover, _batches.reasons)
    .where(_batches.id.in_(bindparam("held", expanding=True)), _batches.state == BatchState.CLAIMED)
    .with_for_update()
)
_RECORD = (
    update(tables.batches)
    .where(_batches.id == bindparam("recorded"))
    .values(
        state=BatchState.RECORDED,
        handover=bindparam("now"),
        reasons=bindparam("why"),
        settles_at=bindparam("settling_at"),
        first_at=bindparam("from_"),
        last_at=bindparam("to_"),
        lease_until=None,
    )
)


def _recorded(record: Record, row: Row[Any]) -> dict[str, Any]:
    first, last = record.reached_between or (None, None)
    reasons = {str(position): result.reason for position, result in record.results.items() if result.reason}
    return {
        "recorded": record.batch.id,
        "now": _advanced(record, row.handover),
        "why": json.dumps(json.loads(row.reasons) | reasons) if reasons else row.reasons,
        "settling_at": record.settles_at,
        "from_": first,
        "to_": last,
    }


def _advanced(record: Record, before: bytes) -> bytes:
    said = {result.outcome for result in record.results.values()}
    if len(said) == 1 and len(record.results) == len(before) and not (record.moved or any(before)):
        return bytes([advance(Outcome.PENDING, *said)]) * len(before)  # as nearly all batches end
    handover = bytearray(before)
    for position, result in record.results.items():
        handover[position] = advance(Outcome(handover[position]), result.outcome)
    for position in record.moved:
        handover[position] = advance(Outcome(handover[position]), Outcome.MOVED)
    return bytes(handover)


def recorded_refs(conn: Connection, channel: str, refs: Collection[ProviderRef]) -> set[ProviderRef]:
    """Which of these a recorded send was given by its provider."""
    known = tables.provider_refs.c
    rows = conn.execute(select(known.ref).where(known.channel == channel, known.ref.in_(refs)))
    return {ProviderRef(row.ref) for row in rows}


def in_doubt(
    conn: Connection, channel: str, recipient: RecipientId, *, since: datetime, besides: str
) -> bool:
    """Whether a try of another alert than `besides` may have reached the recipient without a record of it.

    Of alerts that were in force at `since` or later: their batches that somebody holds, or of which a try
    was ambiguous.
    """
    query = select(_batches.members, _batches.handover, _batches.state, _batches.resend).where(
        _batches.channel == channel, _batches.alert != besides, _batches.expires >= since
    )
    return any(
        recipient in row.members
        and (row.state == BatchState.CLAIMED or row.resend or Outcome.AMBIGUOUS in row.handover)
        for row in streamed(conn, query)
    )


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


def in_flight(conn: Connection, alert: str, channel: str | None = None) -> int:
    """Batches of the alert (on `channel`, or on all) that somebody holds a claim on now."""
    claimed = select(func.count()).where(_batches.alert == alert, _batches.state == BatchState.CLAIMED)
    if channel is not None:
        claimed = claimed.where(_batches.channel == channel)
    return int(conn.execute(claimed).scalar_one())


def unfinished(conn: Connection, alert: str, channel: str) -> int:
    """Batches of the alert on the channel that are not recorded, whether anybody holds them or not."""
    open_ = select(func.count()).where(
        _batches.alert == alert, _batches.channel == channel, _batches.state != BatchState.RECORDED
    )
    return int(conn.execute(open_).scalar_one())


def of_alert(conn: Connection, alert: str, *, channel: str | None = None) -> Iterator[Row[Any]]:
    """The rows of an alert's batches, in no order, a few at a time: of any size, it takes no more memory."""
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
    return streamed(conn, query)


def counted(conn: Connection, alert: str, *, now: datetime) -> Iterator[Row[Any]]:
    """Batches of an alert that say the same, as one row with their `number`; mostly a handful of rows.

    `retried`: they are retries. `waiting`: receipts may still come. `due_at`, `first_at`, `last_at`: of all.
    """
    alike = (
        _batches.channel,
        _batches.handover,
        _batches.receipt,
        _batches.reasons,
        _batches.parent.is_not(None).label("retried"),
        func.coalesce(_batches.settles_at > now, false()).label("waiting"),
    )
    query = (
        select(
            *alike,
            func.count().label("number"),
            func.min(_batches.due_at).label("due_at"),
            func.min(_batches.first_at).label("first_at"),
            func.max(_batches.last_at).label("last_at"),
        )
        .where(_batches.alert == alert)
        .group_by(*alike)
    )
    return streamed(conn, query)


class Place(NamedTuple):
    """Where a family of batches (a root and its retries) stands among those of an alert on a channel."""

    language: str
    zone: str
    seq: int


def families(
    conn: Connection, alert: str, channel: str, *, since: Place
) -> Iterator[tuple[Place, Iterator[Row[Any]]]]:
    """The families of an alert on a channel, from `since` on, in the order of their places.

    Ask for the next family only when done with the rows of this one.
    """
    place = (_batches.language, _batches.zone, _batches.seq)
    query = (
        select(*place, _batches.mode, _batches.members, _batches.handover, _batches.receipt)
        .where(_batches.alert == alert, _batches.channel == channel)
        .where(tuple_(*place) >= tuple_(*map(literal, since)))
        .order_by(*place)
    )
    return groupby(streamed(conn, query), key=lambda row: Place(row.language, row.zone, row.seq))


def planned(
    conn: Connection, alert: str, channel: str, variant: Variant | None = None
) -> Iterator[tuple[RecipientId, ...]]:
    """The members of each root batch (of a variant): everybody who is planned, each once."""
    query = select(_batches.members).where(
        _batches.alert == alert, _batches.channel == channel, _batches.parent.is_(None)
    )
    if variant is not None:
        query = query.where(_batches.language == variant.language, _batches.zone == (variant.zone or ""))
    return (row.members for row in streamed(conn, query))


def next_seq(conn: Connection, alert: str, channel: str, variant: Variant) -> int:
    """The first batch number of a variant that is free."""
    last = select(func.max(_batches.seq)).where(
        _batches.alert == alert,
        _batches.channel == channel,
        _batches.language == variant.language,
        _batches.zone == (variant.zone or ""),
    )
    known = conn.execute(last).scalar_one()
    return 0 if known is None else int(known) + 1


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


def counting(conn: Connection, batch: Batch, recipient: RecipientId) -> BatchId:
    """The batch that counts a recipient of this one: itself, or the last of the retries they were moved to."""
    family = select(_batches.id, _batches.parent, _batches.members).where(
        _batches.alert == batch.alert,
        _batches.channel == batch.channel,
        _batches.language == batch.variant.language,
        _batches.zone == (batch.variant.zone or ""),
        _batches.seq == batch.seq,
    )
    retries = {row.parent: BatchId(row.id) for row in conn.execute(family) if recipient in row.members}
    last = batch.id
    while last in retries:
        last = retries[last]
    return last


def proven(conn: Connection, batch: BatchId) -> set[RecipientId]:
    """Who of a planned or claimed batch is known to have got an earlier try after all."""
    row = conn.execute(select(_batches.members, _batches.receipt).where(_batches.id == batch)).one()
    return {member for member, receipt in zip(row.members, row.receipt, strict=True) if receipt in PROOF}


def _held(batch: BatchId, owner: str) -> ColumnElement[bool]:
    return and_(_batches.id == batch, _batches.owner == owner, _batches.state == BatchState.CLAIMED)


def _release(conn: Connection, held: ColumnElement[bool], *, after: timedelta) -> None:
    due_at = now_us() + int(after.total_seconds() * MICROSECONDS)
    conn.execute(
        update(tables.batches)
        .where(held)
        .values(state=BatchState.PLANNED, owner=None, lease_until=None, due_at=due_at)
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
        "spent": batch.spent,
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
        spent=row.spent,
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
