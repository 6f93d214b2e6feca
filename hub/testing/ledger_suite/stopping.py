"""A stopped alert leaves nothing to send, whatever happens at once."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from hub.cap import MsgType
from hub.delivery import Outcome, Result, tally
from hub.errors import Conflict
from hub.ledger import (
    Ledger,
    alerts,
    batches,
    proof,
)
from hub.ledger.batches import Planned
from hub.ledger.tables import BatchState
from hub.retry import batch_id, judge
from hub.testing.alerts import a_message
from hub.testing.ledger_suite.rows import (
    AUTHOR,
    KEYS,
    MAIL,
    NOW,
    RANDOM,
    accepted_alert,
    an_intake,
    claim_batch,
    planned_batch,
    sent_message,
)


class StopSuite:
    async def test_an_alert_is_stopped_once_and_stays_stopped_as_it_was(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        stops = [
            await ledger.write(partial(alerts.stop, identifier="a-1", outcome=outcome, at=NOW, actor="a"))
            for outcome in (Outcome.CANCELLED, Outcome.SUPERSEDED)
        ]
        assert stops == [True, False]
        assert await ledger.read(lambda conn: alerts.stopped(conn, ["a-1", "a-2"])) == {
            "a-1": Outcome.CANCELLED
        }

    async def test_a_stop_and_a_retry_at_once_leave_nothing_to_send(self, ledger: Ledger) -> None:
        # Whichever commits first: the stop sees the retry, or the retry knows of the stop.
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        holding, stopped_first = threading.Event(), threading.Event()

        def record(conn: Connection) -> None:
            stopped = alerts.stopped(conn, ["a-1"], hold=True).get("a-1")
            holding.set()
            stopped_first.wait(0.3)  # a ledger that keeps its word lets no stop be over before this one
            results = {i: Result(member, Outcome.TEMPORARY) for i, member in enumerate(batch.members)}
            verdict = judge(batch, results, MAIL, now=NOW, random=RANDOM, stopped_as=stopped)
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=verdict.final, children=verdict.children,
                moved=verdict.moved, settles_at=None, reached_between=None,
            )])  # fmt: skip

        def stop(conn: Connection) -> None:
            assert alerts.stop(conn, "a-1", outcome=Outcome.CANCELLED, at=NOW, actor="a")
            batches.settle_unsent(conn, "a-1", Outcome.CANCELLED)

        recording = asyncio.create_task(ledger.write(record))
        await asyncio.to_thread(holding.wait, 120)
        stopping = asyncio.create_task(ledger.write(stop))
        stopping.add_done_callback(lambda _: stopped_first.set())
        await asyncio.gather(recording, stopping)
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert {row.state for row in rows} == {BatchState.RECORDED}
        assert sum((tally(row.handover, row.receipt) for row in rows), Counter()) == {Outcome.CANCELLED: 3}

    async def test_a_planned_resend_that_is_stopped_may_have_arrived_before(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        resend = replace(batch, id=batch_id("again"), resend=True, parent=batch.id)
        await ledger.write(lambda conn: batches.plan(conn, [Planned(resend, NOW)]))
        await ledger.write(lambda conn: batches.settle_unsent(conn, "a-1", Outcome.CANCELLED))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert {row.resend: row.handover[0] for row in rows} == {
            False: Outcome.CANCELLED,
            True: Outcome.AMBIGUOUS,
        }

    async def test_a_stopped_alerts_unsent_batches_are_settled_at_once(self, ledger: Ledger) -> None:
        claimed, waiting = await planned_batch(ledger), await planned_batch(ledger, seq=1)
        await claim_batch(ledger, claimed, "a")
        assert (
            await ledger.write(lambda conn: batches.settle_unsent(conn, waiting.alert, Outcome.CANCELLED))
            == 1
        )
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, waiting.alert)))
        assert sorted(row.handover for row in rows) == [bytes(3), bytes([Outcome.CANCELLED]) * 3]

    async def test_a_stop_and_an_update_at_once_agree_with_the_trail(self, ledger: Ledger) -> None:
        intake = await an_intake(ledger)
        alert = await sent_message(intake, a_message())
        update = a_message(msg_type=MsgType.UPDATE, references=(alert,))
        ends = await asyncio.gather(
            intake.stop(alert, AUTHOR),
            sent_message(intake, update),
            intake.stop(alert, AUTHOR),
            return_exceptions=True,
        )
        errors = [end for end in ends if isinstance(end, BaseException)]
        assert errors
        assert all(isinstance(end, Conflict) for end in errors)
        assert await ledger.read(lambda conn: proof.differences(conn, KEYS)) == []
        assert len(await ledger.read(lambda conn: alerts.active(conn, KEYS, at=NOW))) == 1
