"""Four ways to break the hub on purpose: an instrument that does not see them sees nothing.

Each takes one mechanism away that a promise rests on, by the same kind of patching as a failpoint.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, select

from hub import deliver
from hub.alert import Alert
from hub.attempt import Attempt
from hub.claim import Claim
from hub.clock import Clock
from hub.delivery import Batch, BatchId, Outcome, Result
from hub.gate import Fence, Gate, Stops
from hub.gate import gate as ask
from hub.intake import Approval, Intake
from hub.ledger import Ledger, batches, tables
from hub.ledger.alerts import Accepted
from hub.ledger.batches.row import as_batch
from hub.ledger.tables import BatchState

T = TypeVar("T")

COMMITTED_AFTER_S = 2.0
"""How long an acknowledged alert exists in memory alone."""

EVERY = 7
"""So often an acceptance is written down as a refusal."""


def apply(name: str) -> None:
    """Break this process. Raises `KeyError` for a way there is not."""
    SABOTAGES[name]()


def skip_claim() -> None:
    """A batch is handed out without its claim being written; it is written with the record, when the
    request is long over (I3)."""
    write_claim, write_record = batches.claim, batches.record

    def claim(conn: Connection, ids: Sequence[BatchId], *, owner: str, lease: timedelta) -> list[Batch]:
        columns = tables.batches.c
        planned = select(tables.batches).where(columns.id.in_(ids), columns.state == BatchState.PLANNED)
        return [as_batch(row) for row in conn.execute(planned)]

    def record(conn: Connection, records: Sequence[batches.Record]) -> set[BatchId]:
        for each in records:
            write_claim(conn, [each.batch.id], owner=each.owner, lease=timedelta(minutes=1))
        return write_record(conn, records)

    _put(batches, "claim", claim)
    _put(batches, "record", record)


def ack_early() -> None:
    """The operator is told that an alert was accepted before its commit (I1)."""
    accept = Intake.accept

    async def early(self: Intake, approval: Approval, *args: Any) -> Accepted:
        ledger = self._ledger
        self._ledger = _Later(ledger)  # type: ignore[assignment]
        try:
            return await accept(self, approval, *args)
        finally:
            self._ledger = ledger

    _put(Intake, "accept", early)


def drop_outcome() -> None:
    """Now and then what a gateway accepted is written down as refused."""
    take, taken = Attempt.take, count(1)

    def wrong(self: Attempt, result: Result, *args: Any) -> None:
        if result.outcome is Outcome.ACCEPTED and next(taken) % EVERY == 0:
            result = msgspec.structs.replace(result, outcome=Outcome.PERMANENT, reason="5.1.1")
        take(self, result, *args)

    _put(Attempt, "take", wrong)


def no_fence() -> None:
    """A holder goes on with a claim whose lease has run out: neither the gate nor the clock stops it (I3)."""

    def gate(batch: Batch, stops: Stops, clock: Clock, _: Fence, alert: Alert) -> Gate:
        return ask(batch, stops, clock, lambda: math.inf, alert)

    _put(deliver, "gate", gate)
    _put(Claim, "cut_off_at", property(lambda _: math.inf))


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "skip-claim": skip_claim,
    "ack-early": ack_early,
    "drop-outcome": drop_outcome,
    "no-fence": no_fence,
}


class _Later:
    """Answers a write at once, with what it would give; does it only a while after."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def write(self, work: Callable[[Connection], T]) -> T:
        try:
            await self._ledger.write(lambda conn: _undo(work(conn)))
        except _Undone as e:
            asyncio.get_running_loop().call_later(COMMITTED_AFTER_S, self._begin, work)
            return e.result  # type: ignore[no-any-return]
        raise AssertionError("_undo always raises")

    def _begin(self, work: Callable[[Connection], Any]) -> None:
        _KEPT.append(asyncio.ensure_future(self._ledger.write(work)))


_KEPT: list[asyncio.Future[Any]] = []
"""Else the garbage collector may take a write that nobody waits for."""


class _Undone(Exception):
    def __init__(self, result: Any) -> None:
        self.result = result


def _undo(result: Any) -> None:
    raise _Undone(result)


def _put(owner: Any, name: str, broken: Any) -> None:
    setattr(owner, name, broken)
