"""Progress: how far an alert has come, per channel, in numbers that add up.

Everybody is counted once, in the furthest state known. Nothing counts as done before planning is
complete (I2): until then `planned` itself still grows.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from hub.channel import Capabilities
from hub.delivery import FAILED, MERGED, Outcome
from hub.ledger import batches, plans


@dataclass(slots=True, kw_only=True)
class Tally:
    """One channel. planned = accepted + delivered + answered + ambiguous + failed + pending."""

    planned: int = 0
    complete: bool = False
    """Planning is complete; with `pending` 0 the channel is done."""
    accepted: int = 0
    delivered: int = 0
    answered: int = 0
    ambiguous: int = 0
    failed: int = 0
    pending: int = 0
    """Not sent yet, waiting for a retry, or accepted with a receipt still to come."""
    retrying: int = 0
    """Of `pending`: a try failed and another one is due."""
    awaiting: int = 0
    """Of `pending`: accepted, and the provider still has to report."""
    reasons: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    next_at: datetime | None = None
    """When the next retry is due."""

    @property
    def done(self) -> bool:
        return self.complete and self.pending == 0


def progress(
    conn: Connection, alert: str, capabilities: Mapping[str, Capabilities], *, now: datetime
) -> dict[str, Tally]:
    """Count an alert from its batches' arrays, and from nothing else."""
    tallies = {
        channel: Tally(planned=planned, complete=complete)
        for channel, (planned, complete) in plans.completion(conn, alert).items()
    }
    for row in batches.of_alert(conn, alert):
        _count(tallies[row.channel], row, awaits=_awaits(row, capabilities.get(row.channel), now))
    return tallies


def _awaits(row: Row[Any], capabilities: Capabilities | None, now: datetime) -> bool:
    """Whether an acceptance in this batch may still be followed by a receipt."""
    return bool(
        capabilities and capabilities.receipt_wait and row.settles_at is not None and now < row.settles_at
    )


def _count(tally: Tally, row: Row[Any], *, awaits: bool) -> None:
    pairs = Counter(zip(row.handover, row.receipt, strict=True))
    for pair, number in pairs.items():
        _add(tally, MERGED[pair], number, retried=row.parent is not None, awaits=awaits)
    if any(MERGED[pair] in FAILED for pair in pairs):
        _add_reasons(tally, row)
    if row.first_at is not None:
        tally.first_at = min(tally.first_at or row.first_at, row.first_at)
        tally.last_at = max(tally.last_at or row.last_at, row.last_at)
    if pairs.get((Outcome.PENDING, Outcome.PENDING)) and row.parent is not None:
        tally.next_at = min(tally.next_at or row.due_at, row.due_at)


def _add(tally: Tally, outcome: Outcome, number: int, *, retried: bool, awaits: bool) -> None:
    match outcome:
        case Outcome.MOVED:
            pass
        case Outcome.ACCEPTED if awaits:
            tally.pending += number
            tally.awaiting += number
        case Outcome.ACCEPTED:
            tally.accepted += number
        case Outcome.DELIVERED:
            tally.delivered += number
        case Outcome.ANSWERED:
            tally.answered += number
        case Outcome.AMBIGUOUS:
            tally.ambiguous += number
        case _ if outcome in FAILED:
            tally.failed += number
        case _:
            tally.pending += number
            tally.retrying += number if retried else 0


def _add_reasons(tally: Tally, row: Row[Any]) -> None:
    reasons = json.loads(row.reasons)
    for position, pair in enumerate(zip(row.handover, row.receipt, strict=True)):
        outcome = MERGED[pair]
        if outcome in FAILED:
            tally.reasons[reasons.get(str(position)) or outcome.name.lower()] += 1
