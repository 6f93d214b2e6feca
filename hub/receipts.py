"""Receipts: what a provider says later of what it had accepted, folded into the batch it belongs to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection, delete, insert, select

from hub.channel import Capabilities, Receipt
from hub.delivery import BatchId, Outcome, ProviderRef, fold
from hub.ledger import alerts, batches, corrections, tables
from hub.recipient import RecipientId
from hub.retry import child, may_try_again
from hub.told import was_told

_refs = tables.provider_refs.c
_parked = tables.parked_receipts.c

_OPEN = frozenset({Outcome.ACCEPTED, Outcome.AMBIGUOUS})
"""Handovers that a receipt saying «not this time» turns into another try."""


def apply(
    conn: Connection,
    channel: str,
    receipts: Sequence[Receipt],
    capabilities: Capabilities,
    *,
    now: datetime,
    random: Random,
) -> int:
    """Fold receipts in, in any order and however often they come. Returns how many found their batch.

    One that comes before its send is recorded is parked, and folded by `unpark` after that. A call
    nobody picked up becomes a child batch while tries are left.
    """
    places = _places(conn, channel, [receipt.ref for receipt in receipts])
    by_batch: defaultdict[BatchId, list[tuple[int, Receipt]]] = defaultdict(list)
    for receipt in receipts:
        if place := places.get(receipt.ref):
            by_batch[place[0]].append((place[1], receipt))
        else:
            _park(conn, channel, receipt)
    for batch, found in by_batch.items():
        _fold_into(conn, batch, found, capabilities, now=now, random=random)
    return sum(map(len, by_batch.values()))


def unpark(
    conn: Connection,
    channel: str,
    refs: Sequence[ProviderRef],
    capabilities: Capabilities,
    *,
    now: datetime,
    random: Random,
) -> None:
    """Fold what was parked for these refs: call in the transaction that records their send."""
    rows = conn.execute(
        delete(tables.parked_receipts)
        .where(_parked.channel == channel, _parked.ref.in_(refs))
        .returning(tables.parked_receipts)
    ).all()
    waiting = [
        Receipt(ref=row.ref, outcome=Outcome(row.outcome), at=row.at, reason=row.reason) for row in rows
    ]
    if waiting:
        apply(conn, channel, waiting, capabilities, now=now, random=random)


def fold_parked(
    conn: Connection, capabilities: Mapping[str, Capabilities], *, now: datetime, random: Random
) -> int:
    """Fold parked receipts whose send has been recorded after all. Returns how many, at most 500 a channel."""
    known = (
        select(_parked.channel, _parked.ref)
        .join(tables.provider_refs, (_refs.channel == _parked.channel) & (_refs.ref == _parked.ref))
        .distinct()
        .limit(500)
    )
    by_channel: defaultdict[str, list[ProviderRef]] = defaultdict(list)
    for row in conn.execute(known):
        if row.channel in capabilities:
            by_channel[row.channel].append(ProviderRef(row.ref))
    for channel, refs in by_channel.items():
        unpark(conn, channel, refs, capabilities[channel], now=now, random=random)
    return sum(map(len, by_channel.values()))


def forget_parked(conn: Connection, *, before: datetime) -> int:
    """Delete parked receipts from `before`, which nobody ever claimed. Returns how many."""
    return conn.execute(delete(tables.parked_receipts).where(_parked.at < before)).rowcount


def _fold_into(
    conn: Connection,
    batch_id: BatchId,
    found: Sequence[tuple[int, Receipt]],
    capabilities: Capabilities,
    *,
    now: datetime,
    random: Random,
) -> None:
    batch, handover, receipt_bytes, reasons = batches.get(conn, batch_id)
    stopped = alerts.stopped(conn, [batch.alert], hold=True)
    tries_left = not stopped and may_try_again(batch, capabilities) and now < batch.expires
    again: list[int] = []
    late: list[RecipientId] = []
    for position, receipt in _strongest(found).items():
        known = Outcome(receipt_bytes[position])
        told_before = was_told(handover[position], known)
        outcome = receipt.outcome
        if outcome is Outcome.TEMPORARY and handover[position] != Outcome.MOVED:
            if known is Outcome.PENDING and tries_left and handover[position] in _OPEN:
                handover[position] = Outcome.MOVED
                again.append(position)
                continue
            outcome = Outcome.PERMANENT
        receipt_bytes[position] = fold(known, outcome)
        if receipt.reason and receipt_bytes[position] == outcome:
            reasons[str(position)] = receipt.reason
        if not told_before and was_told(handover[position], receipt_bytes[position]):
            late.append(batch.members[position])
    batches.update_arrays(
        conn, batch_id, handover=bytes(handover), receipt=bytes(receipt_bytes), reasons=reasons
    )
    corrections.note_late(conn, batch, late)
    if again:
        batches.plan(conn, [child(batch, again, Outcome.TEMPORARY, capabilities, now=now, random=random)])


def _strongest(found: Sequence[tuple[int, Receipt]]) -> dict[int, Receipt]:
    """One receipt for each position, whatever order they came in."""
    kept: dict[int, Receipt] = {}
    for position, receipt in found:
        if (
            position not in kept
            or fold(kept[position].outcome, receipt.outcome) is not kept[position].outcome
        ):
            kept[position] = receipt
    return kept


def _places(
    conn: Connection, channel: str, refs: Sequence[ProviderRef]
) -> Mapping[ProviderRef, tuple[BatchId, int]]:
    rows = conn.execute(
        select(_refs.ref, _refs.batch, _refs.position).where(_refs.channel == channel, _refs.ref.in_(refs))
    )
    return {ProviderRef(row.ref): (BatchId(row.batch), row.position) for row in rows}


def _park(conn: Connection, channel: str, receipt: Receipt) -> None:
    conn.execute(
        insert(tables.parked_receipts).values(
            channel=channel,
            ref=receipt.ref,
            outcome=int(receipt.outcome),
            reason=receipt.reason,
            at=receipt.at,
        )
    )
