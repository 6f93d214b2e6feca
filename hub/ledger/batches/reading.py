"""What is known of the batches of an alert."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Row,
    Select,
    false,
    func,
    literal,
    select,
    tuple_,
)

from hub.alert import Mode
from hub.delivery import Batch, BatchId, Outcome, ProviderRef, Variant
from hub.ledger import tables
from hub.ledger.columns import streamed
from hub.ledger.tables import BatchState
from hub.recipient import RecipientId
from hub.told import PROOF

_batches = tables.batches.c


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


class Taken(NamedTuple):
    """When a channel last took something for somebody, and in which mode."""

    at: datetime
    mode: Mode


def last_taken(conn: Connection, channels: Collection[str]) -> dict[str, Taken]:
    """Of each of these channels, where one of its twenty batches recorded last holds somebody who was accepted."""
    found = {}
    for channel in channels:
        newest = (
            select(_batches.last_at, _batches.mode, _batches.handover)
            .where(
                _batches.channel == channel,
                _batches.state == BatchState.RECORDED,
                _batches.last_at.is_not(None),
            )
            .order_by(_batches.last_at.desc())
            .limit(20)
        )
        rows = [row for row in conn.execute(newest) if _TAKEN & set(row.handover)]
        if rows:
            found[channel] = Taken(rows[0].last_at, Mode(rows[0].mode))
    return found


_TAKEN = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.ANSWERED})


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
