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

from hub.capabilities import Capabilities
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
    """Count an alert from its batches' arrays, and from nothing else. Cheap enough for every second."""
    tallies = {
        channel: Tally(planned=planned, complete=complete)
        for channel, (planned, complete) in plans.completion(conn, alert).items()
    }
    for row in batches.counted(conn, alert, now=now):
        _count(tallies[row.channel], row, awaits=_awaits(row, capabilities.get(row.channel)))
    return tallies


def _awaits(row: Row[Any], capabilities: Capabilities | None) -> bool:
    """Whether an acceptance in these batches may still be followed by a receipt."""
    return bool(capabilities and capabilities.receipt_wait and row.waiting)


def _count(tally: Tally, row: Row[Any], *, awaits: bool) -> None:
    merged = _merged(row.handover, row.receipt)
    outcomes = Counter(merged)
    for code, members in outcomes.items():
        _add(tally, Outcome(code), members * row.number, retried=row.retried, awaits=awaits)
    if not FAILED.isdisjoint(outcomes):
        _add_reasons(tally, row, merged, outcomes)
    if row.first_at is not None:
        tally.first_at = min(tally.first_at or row.first_at, row.first_at)
        tally.last_at = max(tally.last_at or row.last_at, row.last_at)
    if outcomes[Outcome.PENDING] and row.retried:
        tally.next_at = min(tally.next_at or row.due_at, row.due_at)


def _merged(handover: bytes, receipt: bytes) -> bytes:
    if not any(receipt):
        return handover
    return bytes(MERGED[pair] for pair in zip(handover, receipt, strict=True))


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


def _add_reasons(tally: Tally, row: Row[Any], merged: bytes, outcomes: Counter[int]) -> None:
    """Why, where a reason was given; else what became of them."""
    given = Counter((merged[int(place)], reason) for place, reason in json.loads(row.reasons).items())
    unexplained = {code: number for code, number in outcomes.items() if code in FAILED}
    for (code, reason), number in given.items():
        if code in FAILED:
            tally.reasons[reason] += number * row.number
            unexplained[code] -= number
    for code, number in unexplained.items():
        if number:
            tally.reasons[Outcome(code).name.lower()] += number * row.number
