"""Batches: planned once, claimed by one, recorded by who holds the claim."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, update

from hub.delivery import Outcome, Result
from hub.gate import LEASE, LIFE
from hub.ledger import (
    Ledger,
    batches,
    lives,
    plans,
    tables,
)
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.recipient import RecipientId
from hub.retry import batch_id
from hub.testing.ledger_suite.rows import (
    NOW,
    abandoned_batches,
    accepted_alert,
    claim_batch,
    planned_batch,
    record_batch,
)


class ClaimSuite:
    async def test_of_two_planners_one_takes_the_step(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)

        def step(conn: Connection) -> bool:
            return plans.advance(
                conn, "a-1", "mail", step=0, to=Cursor(after=9), planned=[], complete_at=None
            )

        assert sorted(await asyncio.gather(*(ledger.write(step) for _ in range(5)))) == [False] * 4 + [True]
        assert (await ledger.read(lambda conn: plans.get(conn, "a-1", "mail"))).cursor == Cursor(after=9)

    async def test_a_batch_is_claimed_by_one_only(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        claims = await asyncio.gather(*(claim_batch(ledger, batch, f"worker {n}") for n in range(10)))
        assert sum(map(len, claims)) == 1

    async def test_planning_again_adds_nothing(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        await ledger.write(lambda conn: batches.plan(conn, [Planned(batch, NOW)]))
        assert await claim_batch(ledger, batch, "b") == []

    async def test_what_is_recorded_is_counted_and_the_claim_is_over(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        assert await record_batch(ledger, batch, "a", Outcome.ACCEPTED)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, batch.alert)))
        assert row.handover == bytes([Outcome.ACCEPTED]) * 3
        assert row.members == batch.members
        assert await ledger.read(lambda conn: batches.in_flight(conn, batch.alert)) == 0

    async def test_who_lost_the_claim_records_nothing(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        assert not await record_batch(ledger, batch, "b", Outcome.ACCEPTED)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, batch.alert)))
        assert row.handover == bytes(3)

    async def test_a_lease_that_ran_out_is_found_and_others_are_not(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        await claim_batch(ledger, batch, "a")
        assert await abandoned_batches(ledger) == []
        assert await abandoned_batches(ledger, void_owners_but="b") == [(batch.id, "a")]
        await ledger.write(
            lambda conn: conn.execute(update(tables.batches).values(lease_until=NOW - timedelta(days=9999)))
        )
        assert await abandoned_batches(ledger) == [(batch.id, "a")]

    async def test_a_claim_whose_answer_was_lost_is_undone_and_an_earlier_one_is_not(
        self, ledger: Ledger
    ) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        undo = partial(batches.undo_claim, batch=batch.id)
        await ledger.write(partial(undo, owner="a", left=LEASE + LIFE))
        await ledger.write(partial(undo, owner="b", left=LIFE))
        assert await claim_batch(ledger, batch, "b") == [], "something may have been sent for it"
        await ledger.write(partial(undo, owner="a", left=LEASE - LIFE))
        assert await claim_batch(ledger, batch, "b") == [batch.id]

    async def test_resends_are_due_after_whoever_has_certainly_got_nothing(self, ledger: Ledger) -> None:
        first = await planned_batch(ledger, due_at=datetime(2020, 1, 2, tzinfo=UTC))
        resend = replace(first, id=batch_id("again"), resend=True, parent=first.id)
        await ledger.write(
            lambda conn: batches.plan(conn, [Planned(resend, datetime(2020, 1, 1, tzinfo=UTC))])
        )
        due = await ledger.read(lambda conn: batches.due(conn, "mail", first.lane, limit=9))
        assert due == [first.id, resend.id]

    async def test_due_is_by_the_databases_time_and_by_lane(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger, due_at=datetime(2020, 1, 1, tzinfo=UTC))
        later = await planned_batch(ledger, seq=1, due_at=datetime(2999, 1, 1, tzinfo=UTC))
        due = await ledger.read(lambda conn: batches.due(conn, "mail", batch.lane, limit=9))
        assert due == [batch.id]
        assert later.id not in due

    async def test_what_is_given_back_is_anyones_again_after_a_while(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger, due_at=datetime(2020, 1, 1, tzinfo=UTC))
        for after, due in ((timedelta(hours=1), []), (timedelta(0), [batch.id])):
            await claim_batch(ledger, batch, "a")
            await ledger.write(partial(batches.release, batch=batch, owner="a", after=after))
            assert await ledger.read(lambda conn: batches.due(conn, "mail", batch.lane, limit=9)) == due

    async def test_another_alerts_try_is_in_doubt_while_it_is_held_and_when_nobody_knows_how_it_ended(
        self, ledger: Ledger
    ) -> None:
        batch = await planned_batch(ledger)
        asked = partial(batches.in_doubt, recipient=batch.members[0], since=NOW)

        async def doubted(**changes: Any) -> bool:
            return await ledger.read(
                partial(asked, **{"channel": batch.channel, "besides": "another"} | changes)
            )

        assert not await doubted(), "nobody has begun it"
        await claim_batch(ledger, batch, "a")
        assert await doubted()
        assert not await doubted(besides=batch.alert)
        assert not await doubted(channel="voice")
        assert not await doubted(recipient=RecipientId(9_999))
        assert not await doubted(since=batch.expires + timedelta(seconds=1))
        results = {i: Result(member, Outcome.ACCEPTED) for i, member in enumerate(batch.members)}
        results[0] = Result(batch.members[0], Outcome.AMBIGUOUS)
        await ledger.write(
            lambda conn: batches.record(
                conn,
                [
                    batches.Record(
                        batch=batch,
                        owner="a",
                        results=results,
                        children=[],
                        moved=[],
                        settles_at=None,
                        reached_between=None,
                    )
                ],
            )
        )
        assert await doubted()
