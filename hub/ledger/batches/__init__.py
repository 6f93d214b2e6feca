"""Batches in the ledger: planned, claimed, recorded.

A batch's row is claimed by one holder at a time. The claim is committed before the first byte goes
to a gateway; what the gateway said is recorded in one commit with the retries it calls for.
"""

from hub.ledger.batches.claiming import (
    abandoned,
    claim,
    content,
    due,
    insert_content,
    overdue,
    plan,
    release,
    undo_claim,
)
from hub.ledger.batches.reading import (
    Place,
    Taken,
    counted,
    counting,
    families,
    in_doubt,
    in_flight,
    last_taken,
    next_seq,
    of_alert,
    planned,
    proven,
    recorded_refs,
    unfinished,
)
from hub.ledger.batches.recording import Record, get, record, settle_unsent, update_arrays
from hub.ledger.batches.row import Planned

__all__ = [
    "Place",
    "Planned",
    "Record",
    "Taken",
    "abandoned",
    "claim",
    "content",
    "counted",
    "counting",
    "due",
    "families",
    "get",
    "in_doubt",
    "in_flight",
    "insert_content",
    "last_taken",
    "next_seq",
    "of_alert",
    "overdue",
    "plan",
    "planned",
    "proven",
    "record",
    "recorded_refs",
    "release",
    "settle_unsent",
    "undo_claim",
    "unfinished",
    "update_arrays",
]
