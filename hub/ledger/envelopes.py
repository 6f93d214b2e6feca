"""Envelopes: which batch a gateway means that names only our own key, and somebody in it.

A mail's envelope id (RFC 3461) is the batch's idempotency key. Retries keep the key, so several batches
have it: a recipient is where they were not moved on from. Nothing is kept for this beyond an index.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from hub.delivery import BatchId, Outcome, ProviderRef
from hub.ledger import tables
from hub.ledger.tables import BatchState
from hub.recipient import RecipientId

_batches = tables.batches.c


class Place(NamedTuple):
    batch: BatchId
    position: int


class Sent(NamedTuple):
    """`members`: everybody to whom something was sent under a key."""

    alert: str
    members: frozenset[RecipientId]


def ref(key: UUID, recipient: RecipientId) -> ProviderRef:
    """As a connector makes it whose receipts come back by envelope."""
    return ProviderRef(f"{key.hex}/{recipient}")


def places(conn: Connection, channel: str, refs: Iterable[ProviderRef]) -> dict[ProviderRef, Place]:
    """Where those stand whose last send is recorded; the others are not known yet, or never."""
    wanted = {each: named for each in refs if (named := _named(each)) is not None}
    rows = _rows(conn, channel, {key for key, _ in wanted.values()})
    found = {each: _place(rows.get(key, ()), recipient) for each, (key, recipient) in wanted.items()}
    return {each: place for each, place in found.items() if place is not None}


def sent(conn: Connection, channel: str, keys: Iterable[UUID]) -> dict[UUID, Sent]:
    """What these keys stand for; nothing for a key that is not ours."""
    found = _rows(conn, channel, set(keys))
    return {
        key: Sent(rows[0].alert, frozenset(member for row in rows for member in row.members))
        for key, rows in found.items()
    }


def _rows(conn: Connection, channel: str, keys: set[UUID]) -> dict[UUID, list[Row[Any]]]:
    query: Select[Any] = select(
        _batches.id,
        _batches.alert,
        _batches.idempotency_key,
        _batches.members,
        _batches.handover,
        _batches.state,
    ).where(_batches.channel == channel, _batches.idempotency_key.in_([str(key) for key in keys]))
    found: dict[UUID, list[Row[Any]]] = {}
    for row in conn.execute(query) if keys else ():
        found.setdefault(UUID(row.idempotency_key), []).append(row)
    return found


def _place(rows: Sequence[Row[Any]], recipient: RecipientId) -> Place | None:
    for row in rows:
        if recipient in row.members:
            position = row.members.index(recipient)
            if row.handover[position] != Outcome.MOVED:
                return Place(BatchId(row.id), position) if row.state == BatchState.RECORDED else None
    return None


def _named(name: ProviderRef) -> tuple[UUID, RecipientId] | None:
    key, _, recipient = name.partition("/")
    try:
        return UUID(hex=key), RecipientId(int(recipient))
    except ValueError:
        return None
