"""What the gateways said, written with the retries that it calls for."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    func,
    select,
    update,
)

from hub.delivery import Batch, BatchId, Outcome, Result, advance
from hub.ledger import tables
from hub.ledger.batches.claiming import plan
from hub.ledger.batches.row import Planned, as_batch
from hub.ledger.columns import insert_new
from hub.ledger.tables import BatchState

_batches = tables.batches.c


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


def _keep_refs(conn: Connection, batch: Batch, results: Mapping[int, Result]) -> None:
    refs = {result.ref: position for position, result in results.items() if result.ref is not None}
    if refs:
        rows = [
            {"channel": batch.channel, "ref": ref, "batch": batch.id, "position": position}
            for ref, position in refs.items()
        ]
        conn.execute(insert_new(conn, tables.provider_refs), rows)


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


def get(conn: Connection, batch: BatchId) -> tuple[Batch, bytearray, bytearray, dict[str, str]]:
    """A batch with its two arrays and its reasons, locked for this transaction."""
    row = conn.execute(select(tables.batches).where(_batches.id == batch).with_for_update()).one()
    return as_batch(row), bytearray(row.handover), bytearray(row.receipt), json.loads(row.reasons)


def update_arrays(
    conn: Connection, batch: BatchId, *, handover: bytes, receipt: bytes, reasons: Mapping[str, str]
) -> None:
    """Write back what `get` gave, in the same transaction."""
    conn.execute(
        update(tables.batches)
        .where(_batches.id == batch)
        .values(handover=bytes(handover), receipt=bytes(receipt), reasons=json.dumps(dict(reasons)))
    )
