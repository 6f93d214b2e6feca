"""Receipts: what a provider says later of what it had accepted, folded into the batch it belongs to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from sqlalchemy import Connection, delete, insert, select

from hub.capabilities import Capabilities
from hub.channel import Receipt
from hub.delivery import MERGED, Batch, BatchId, Outcome, ProviderRef, fold
from hub.ledger import alerts, batches, bounces, corrections, envelopes, tables, tempo
from hub.ledger.bounces import Noted
from hub.recipient import RecipientId
from hub.retry import child, may_try_again
from hub.told import PROOF, was_told

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
    places = _places(conn, channel, [receipt.ref for receipt in receipts], capabilities)
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
    by_envelope = [channel for channel in capabilities if capabilities[channel].receipts_by_envelope]
    for channel in by_envelope:
        refs = _parked_by_envelope(conn, channel)
        by_channel[channel] = refs
        unpark(conn, channel, refs, capabilities[channel], now=now, random=random)
    return sum(map(len, by_channel.values()))


def take_back(conn: Connection, channel: str, ref: ProviderRef, *, now: datetime) -> None:
    """What staff said by hand, and by mistake: the recipient stands again as before it was said."""
    conn.execute(delete(tables.parked_receipts).where(_parked.channel == channel, _parked.ref == ref))
    place = conn.execute(
        select(_refs.batch, _refs.position).where(_refs.channel == channel, _refs.ref == ref)
    )
    if (row := place.one_or_none()) is None:
        return
    batch, handover, receipt_bytes, reasons = batches.get(conn, BatchId(row.batch))
    if receipt_bytes[row.position] in PROOF:
        receipt_bytes[row.position] = Outcome.PENDING
        reasons.pop(str(row.position), None)
        batches.update_arrays(
            conn, batch.id, handover=bytes(handover), receipt=bytes(receipt_bytes), reasons=reasons
        )
        tempo.leave(conn, batch.alert, channel, now)


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
    proven: dict[RecipientId, Receipt] = {}
    arrived: list[datetime] = []
    reached: list[RecipientId] = []
    gone: list[Noted] = []
    for position, receipt in _strongest(found).items():
        known = Outcome(receipt_bytes[position])
        told_before = was_told(handover[position], known)
        arrived_before = MERGED[handover[position], known] in PROOF
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
        if handover[position] == Outcome.MOVED and receipt_bytes[position] in PROOF:
            proven[batch.members[position]] = replace(receipt, outcome=Outcome(receipt_bytes[position]))
        if not arrived_before and MERGED[handover[position], receipt_bytes[position]] in PROOF:
            arrived.append(min(receipt.at, now))
            reached.append(batch.members[position])
        if receipt.outcome is Outcome.PERMANENT and receipt.reason in capabilities.gone:
            gone.append(Noted(batch.members[position], batch.alert, True, False, receipt.reason))
    batches.update_arrays(
        conn, batch_id, handover=bytes(handover), receipt=bytes(receipt_bytes), reasons=reasons
    )
    corrections.note_late(conn, batch, late)
    tempo.arrive(conn, batch.alert, batch.channel, arrived)
    bounces.reached(conn, batch.channel, reached)
    bounces.note(conn, batch.channel, gone, at=now)
    for recipient, proof in proven.items():
        _carry(conn, batch, recipient, proof, now=now)
    if again:
        retry = child(batch, again, Outcome.TEMPORARY, capabilities, now=now, random=random, costs=True)
        batches.plan(conn, [retry])


def _carry(conn: Connection, tried: Batch, recipient: RecipientId, proof: Receipt, *, now: datetime) -> None:
    """A proof of arrival counts where the recipient is counted now: the retry they were moved to."""
    batch, handover, receipt_bytes, reasons = batches.get(conn, batches.counting(conn, tried, recipient))
    position = batch.members.index(recipient)
    if MERGED[handover[position], receipt_bytes[position]] not in PROOF:
        tempo.arrive(conn, batch.alert, batch.channel, [min(proof.at, now)])
    receipt_bytes[position] = fold(Outcome(receipt_bytes[position]), proof.outcome)
    batches.update_arrays(
        conn, batch.id, handover=bytes(handover), receipt=bytes(receipt_bytes), reasons=reasons
    )


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


def _parked_by_envelope(conn: Connection, channel: str) -> list[ProviderRef]:
    parked = select(_parked.ref).where(_parked.channel == channel).distinct().limit(500)
    refs = [ProviderRef(ref) for ref in conn.execute(parked).scalars()]
    return list(envelopes.places(conn, channel, refs))


def _places(
    conn: Connection, channel: str, refs: Sequence[ProviderRef], capabilities: Capabilities
) -> Mapping[ProviderRef, tuple[BatchId, int]]:
    """By the provider's own ids that were kept, or by our envelope."""
    rows = conn.execute(
        select(_refs.ref, _refs.batch, _refs.position).where(_refs.channel == channel, _refs.ref.in_(refs))
    )
    kept = {ProviderRef(row.ref): (BatchId(row.batch), int(row.position)) for row in rows}
    if not capabilities.receipts_by_envelope:
        return kept
    return envelopes.places(conn, channel, set(refs) - kept.keys()) | kept


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
