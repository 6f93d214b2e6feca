"""A batch as a row, and back."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Row,
)

from hub.alert import Lane, Mode
from hub.delivery import Batch, BatchId, Outcome, Variant
from hub.language import Language
from hub.ledger.tables import BatchState
from hub.recipient import Zone


class Planned(NamedTuple):
    """A batch to be, and when the sweeper may take it if nobody did."""

    batch: Batch
    due_at: datetime
    settled_as: Outcome | None = None
    """Set when the alert was stopped before the batch was planned: recorded at once, never sent."""


def as_row(planned: Planned) -> dict[str, Any]:
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


def as_batch(row: Row[Any]) -> Batch:
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
