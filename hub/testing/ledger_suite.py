"""What every ledger guarantees. SQLite and PostgreSQL both pass it.

A subclass gives `url`, of an empty database that is its own.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub import codec, receipts
from hub.alert import Alert, Mode
from hub.authorise import Actor, Role
from hub.cap import MsgType
from hub.channel import Capabilities, Receipt, Target
from hub.codec import RecordCodec
from hub.dead_letters import Letter
from hub.delivery import Batch, BatchId, Outcome, ProviderRef, Result, Variant, tally
from hub.draft import Message
from hub.errors import AlreadySent, BadInput, Conflict, Refused
from hub.gate import LEASE, LIFE, Stops
from hub.intake import Approval, Intake
from hub.keys import Keys
from hub.language import Language
from hub.ledger import (
    Ledger,
    alerts,
    audit,
    batches,
    dead_letters,
    deployment,
    lives,
    migrations,
    plans,
    proof,
    register,
    tables,
    ticks,
)
from hub.ledger.alerts import Accepted
from hub.ledger.batches import Planned
from hub.ledger.columns import now_us
from hub.ledger.plans import Cursor
from hub.ledger.register import Registration
from hub.ledger.tables import BatchState
from hub.outbound import Deployment
from hub.recipient import Kind, Reached, RecipientId, Targeting, Town, Zone
from hub.retry import batch_id, judge, key_of
from hub.testing.alerts import a_message, an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
HASH = "0" * 64
RANDOM = Random(0)  # noqa: S311 - jitter
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100, receipt_wait=timedelta(minutes=5))


class LedgerSuite:
    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def ledger(self, url: str) -> AsyncIterator[Ledger]:
        await asyncio.to_thread(migrations.upgrade, url)
        ledger = Ledger(url)
        await ledger.open()
        await ledger.write(lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=NOW))
        yield ledger
        await ledger.close()

    # --- reading and writing ---

    async def test_a_failed_write_leaves_nothing_and_harms_no_other(self, ledger: Ledger) -> None:
        def fails(conn: Connection) -> None:
            _append(conn, "lost")
            raise BadInput("here", "no")

        outcomes = await asyncio.gather(
            *(ledger.write(partial(_append, subject=f"kept {i}")) for i in range(20)),
            ledger.write(fails),
            *(ledger.write(partial(_append, subject=f"kept {i}")) for i in range(20, 40)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes if outcome is not None] == [BadInput]
        subjects = await ledger.read(lambda conn: set(conn.execute(select(tables.audit.c.subject)).scalars()))
        assert subjects == {f"kept {i}" for i in range(40)}

    async def test_what_was_written_is_there_after_reopening(self, ledger: Ledger, url: str) -> None:
        await ledger.write(lambda conn: _append(conn, "kept"))
        again = Ledger(url)
        await again.open()
        assert await again.read(lambda conn: audit.verify(conn, KEYS)) == 1
        await again.close()

    async def test_a_constraint_is_an_error_of_the_caller_alone(self, ledger: Ledger) -> None:
        with pytest.raises(IntegrityError):
            await ledger.write(
                lambda conn: conn.execute(insert(tables.contents), [{"hash": "1", "body": b""}] * 2)
            )
        await ledger.write(lambda conn: _append(conn, "after"))

    async def test_a_read_sees_one_moment_however_many_questions_it_asks(self, ledger: Ledger) -> None:
        # Sums that are shown to staff come from several tables: they must be of the same moment.
        asked, written = threading.Event(), threading.Event()

        def count(conn: Connection) -> int:
            return len(conn.execute(select(tables.audit.c.seq)).all())

        def twice(conn: Connection) -> tuple[int, int]:
            first = count(conn)
            asked.set()
            assert written.wait(10)
            return first, count(conn)

        reading = asyncio.create_task(ledger.read(twice))
        await asyncio.to_thread(asked.wait, 10)
        await ledger.write(lambda conn: _append(conn, "meanwhile"))
        written.set()
        assert await reading == (0, 0)
        assert await ledger.read(count) == 1

    # --- deployment ---

    async def test_the_deployment_never_changes(self, ledger: Ledger) -> None:
        assert await ledger.read(deployment.read) is Deployment.REHEARSAL
        with pytest.raises(Refused, match="rehearsal hub"):
            await ledger.write(
                lambda conn: deployment.establish(conn, Deployment.PRODUCTION, "132071", at=NOW)
            )

    # --- audit ---

    @pytest.mark.parametrize(
        "tamper",
        [
            update(tables.audit).where(tables.audit.c.seq == 2).values(actor="somebody else"),
            update(tables.audit).where(tables.audit.c.seq == 2).values(at=NOW + timedelta(days=1)),
            tables.audit.delete().where(tables.audit.c.seq == 2),
            tables.audit.delete().where(tables.audit.c.seq == 3),
            tables.audit_head.delete(),
            update(tables.audit_head).values(seq=2),
            insert(tables.audit).values(
                seq=4, at=NOW, actor="a", action="b", subject="c", detail="{}", hash=bytes(32)
            ),
        ],
        ids=["changed", "moved in time", "removed", "cut off", "without a head", "head moved", "added"],
    )
    async def test_tampering_with_the_audit_trail_shows(self, ledger: Ledger, tamper: Any) -> None:
        for subject in ("one", "two", "three"):
            await ledger.write(partial(_append, subject=subject))
        assert await ledger.read(lambda conn: audit.verify(conn, KEYS)) == 3
        await ledger.write(lambda conn: conn.execute(tamper))
        with pytest.raises(audit.BrokenChain, match="audit row"):
            await ledger.read(lambda conn: audit.verify(conn, KEYS))

    # --- the register ---

    async def test_addresses_are_sealed_and_open_by_batch(self, ledger: Ledger) -> None:
        ids = await _register(ledger, 1_203)
        assert len(await ledger.read(lambda conn: register.packs(conn, "mail", JA, after=0, limit=9))) == 3
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", JA, ids[450:550]))
        assert [found[id_][0].address for id_ in ids[450:550]] == [
            f"r{i}@mail.example" for i in range(450, 550)
        ]
        sealed = await ledger.read(lambda conn: conn.execute(select(tables.packs.c.sealed)).scalars().all())
        assert not any(b"mail.example" in block for block in sealed)

    async def test_one_who_moved_to_another_variant_is_still_found(self, ledger: Ledger) -> None:
        ids = await _register(ledger, 3)
        english = Variant(Language.EN, None)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", english, ids[:1]))
        assert found[ids[0]][0].address == "r0@mail.example"

    async def test_an_address_is_registered_once_a_channel(self, ledger: Ledger) -> None:
        await _register(ledger, 3)
        with pytest.raises(Conflict, match="3 of these"):
            await _register(ledger, 3)

    async def test_recipients_are_found_by_address_without_reading_any(self, ledger: Ledger) -> None:
        ids = await _register(ledger, 3)
        assert await ledger.read(lambda conn: register.find(conn, KEYS, "mail", "r1@mail.example")) == ids[1]
        assert await ledger.read(lambda conn: register.find(conn, KEYS, "line", "r1@mail.example")) is None

    async def test_processes_that_start_together_register_a_target_once(self, ledger: Ledger) -> None:
        targets = [Target(ref="radio", name="防災行政無線"), Target(ref="van", name="広報車")]
        new = await asyncio.gather(
            *(
                ledger.write(lambda conn: register.keep_targets(conn, KEYS, "manual", targets, at=NOW))
                for _ in range(6)
            )
        )
        assert sorted(new) == [False] * 5 + [True]

    # --- batches ---

    async def test_a_batch_is_claimed_by_one_only(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        claims = await asyncio.gather(*(_claim(ledger, batch, f"worker {n}") for n in range(10)))
        assert sum(map(len, claims)) == 1

    async def test_planning_again_adds_nothing(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        await ledger.write(lambda conn: batches.plan(conn, [Planned(batch, NOW)]))
        assert await _claim(ledger, batch, "b") == []

    async def test_what_is_recorded_is_counted_and_the_claim_is_over(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        assert await _record(ledger, batch, "a", Outcome.ACCEPTED)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, batch.alert)))
        assert row.handover == bytes([Outcome.ACCEPTED]) * 3
        assert row.members == batch.members
        assert await ledger.read(lambda conn: batches.in_flight(conn, batch.alert)) == 0

    async def test_who_lost_the_claim_records_nothing(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        assert not await _record(ledger, batch, "b", Outcome.ACCEPTED)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, batch.alert)))
        assert row.handover == bytes(3)

    async def test_a_lease_that_ran_out_is_found_and_others_are_not(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        await _claim(ledger, batch, "a")
        assert await _abandoned(ledger) == []
        assert await _abandoned(ledger, void_owners_but="b") == [(batch.id, "a")]
        await ledger.write(
            lambda conn: conn.execute(update(tables.batches).values(lease_until=NOW - timedelta(days=9999)))
        )
        assert await _abandoned(ledger) == [(batch.id, "a")]

    async def test_a_claim_is_abandoned_with_its_owners_life(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        assert await _abandoned(ledger) == [(batch.id, "a")], "it never said that it lives"
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        assert await _abandoned(ledger) == []
        await ledger.write(_let_lives_end)
        assert await _abandoned(ledger) == [(batch.id, "a")]
        assert await _record(ledger, batch, "a", Outcome.AMBIGUOUS)
        assert await _abandoned(ledger) == []

    async def test_a_life_that_is_over_does_not_come_back(self, ledger: Ledger) -> None:
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        assert await ledger.write(partial(lives.renew, owner="a", lasting=LIFE))
        await ledger.write(_let_lives_end)
        assert not await ledger.write(partial(lives.renew, owner="a", lasting=LIFE))
        assert not await ledger.write(partial(lives.renew, owner="b", lasting=LIFE)), "it never began"
        with pytest.raises(IntegrityError):
            await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))

    async def test_one_who_ends_leaves_what_it_holds_to_the_others_at_once(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        await _claim(ledger, batch, "a")
        await ledger.write(partial(lives.end, owner="a"))
        assert await _abandoned(ledger) == [(batch.id, "a")]

    async def test_lives_are_forgotten_a_while_after_their_end(self, ledger: Ledger) -> None:
        day = timedelta(days=1)
        for owner in ("a", "b"):
            await ledger.write(partial(lives.begin, owner=owner, lasting=LIFE))
        assert await ledger.write(partial(lives.forget, after=timedelta(0))) == 0
        ended_long_ago = update(tables.lives).where(tables.lives.c.owner == "a")
        await ledger.write(lambda conn: conn.execute(ended_long_ago.values(until=now_us() - _us(2 * day))))
        assert await ledger.write(partial(lives.forget, after=day)) == 1
        left = await ledger.read(lambda conn: conn.execute(select(tables.lives.c.owner)).scalars().all())
        assert left == ["b"]

    async def test_a_claim_whose_answer_was_lost_is_undone_and_an_earlier_one_is_not(
        self, ledger: Ledger
    ) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        undo = partial(batches.undo_claim, batch=batch.id)
        await ledger.write(partial(undo, owner="a", left=LEASE + LIFE))
        await ledger.write(partial(undo, owner="b", left=LIFE))
        assert await _claim(ledger, batch, "b") == [], "something may have been sent for it"
        await ledger.write(partial(undo, owner="a", left=LEASE - LIFE))
        assert await _claim(ledger, batch, "b") == [batch.id]

    async def test_resends_are_due_after_whoever_has_certainly_got_nothing(self, ledger: Ledger) -> None:
        first = await _planned(ledger, due_at=datetime(2020, 1, 2, tzinfo=UTC))
        resend = replace(first, id=batch_id("again"), resend=True, parent=first.id)
        await ledger.write(
            lambda conn: batches.plan(conn, [Planned(resend, datetime(2020, 1, 1, tzinfo=UTC))])
        )
        due = await ledger.read(lambda conn: batches.due(conn, "mail", first.lane, limit=9))
        assert due == [first.id, resend.id]

    async def test_due_is_by_the_databases_time_and_by_lane(self, ledger: Ledger) -> None:
        batch = await _planned(ledger, due_at=datetime(2020, 1, 1, tzinfo=UTC))
        later = await _planned(ledger, seq=1, due_at=datetime(2999, 1, 1, tzinfo=UTC))
        due = await ledger.read(lambda conn: batches.due(conn, "mail", batch.lane, limit=9))
        assert due == [batch.id]
        assert later.id not in due

    async def test_a_stopped_alerts_unsent_batches_are_settled_at_once(self, ledger: Ledger) -> None:
        claimed, waiting = await _planned(ledger), await _planned(ledger, seq=1)
        await _claim(ledger, claimed, "a")
        assert (
            await ledger.write(lambda conn: batches.settle_unsent(conn, waiting.alert, Outcome.CANCELLED))
            == 1
        )
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, waiting.alert)))
        assert sorted(row.handover for row in rows) == [bytes(3), bytes([Outcome.CANCELLED]) * 3]

    # --- planning ---

    async def test_of_two_planners_one_takes_the_step(self, ledger: Ledger) -> None:
        await _accepted(ledger)

        def step(conn: Connection) -> bool:
            return plans.advance(
                conn, "a-1", "mail", step=0, to=Cursor(after=9), planned=[], complete_at=None
            )

        assert sorted(await asyncio.gather(*(ledger.write(step) for _ in range(5)))) == [False] * 4 + [True]
        assert (await ledger.read(lambda conn: plans.get(conn, "a-1", "mail"))).cursor == Cursor(after=9)

    # --- alerts ---

    async def test_an_alert_is_accepted_once_and_read_back_whole(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        accepted = await ledger.read(lambda conn: alerts.get(conn, KEYS, "a-1"))
        assert accepted.alert == an_alert(identifier="a-1", sent=NOW)
        with pytest.raises(Conflict, match="すでに配信済み"):
            await _accepted(ledger)

    async def test_alerts_accepted_at_once_have_numbers_of_their_own(self, ledger: Ledger) -> None:
        def accept(conn: Connection, which: int) -> str:
            number = alerts.next_number(conn, year=2026)
            _insert(conn, an_alert(identifier=f"a-{which}", sent=NOW), number)
            return number

        numbers = await asyncio.gather(*(ledger.write(partial(accept, which=which)) for which in range(8)))
        assert sorted(numbers) == [f"2026-{n:04d}" for n in range(1, 9)]

    async def test_the_ten_thousandth_alert_of_a_year_has_a_successor(self, ledger: Ledger) -> None:
        for which, number in enumerate(("2026-9999", "2026-10000")):
            await ledger.write(
                partial(_insert, alert=an_alert(identifier=f"a-{which}", sent=NOW), number=number)
            )
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-10001"

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"references": ("none",)}, "there is no alert none"),
            ({"references": ("a-1",)}, "does not follow"),
            ({"references": ("a-1",), "sequence": 2, "mode": Mode.STAFF_DRILL}, "never mixed"),
            ({"targeting": Targeting(audience=Reached(identifier="a-1"), channels=("mail",))}, "audience"),
        ],
        ids=["nothing", "out of order", "another mode", "an audience it does not refer to"],
    )
    async def test_an_alert_refers_only_to_what_it_follows(
        self, ledger: Ledger, changes: dict[str, Any], place: str
    ) -> None:
        await _accepted(ledger)
        with pytest.raises(BadInput, match=place):
            await ledger.write(
                partial(_insert, alert=an_alert(identifier="a-2", sent=NOW, **changes), number="2026-0002")
            )
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0002"

    async def test_an_alert_is_stopped_once_and_stays_stopped_as_it_was(self, ledger: Ledger) -> None:
        await _accepted(ledger)
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
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        holding, stopped_first = threading.Event(), threading.Event()

        def record(conn: Connection) -> None:
            stopped = alerts.stopped(conn, ["a-1"], hold=True).get("a-1")
            holding.set()
            stopped_first.wait(0.3)  # a ledger that keeps its word lets no stop be over before this one
            results = {i: Result(member, Outcome.TEMPORARY) for i, member in enumerate(batch.members)}
            verdict = judge(batch, results, MAIL, now=NOW, random=RANDOM, stopped_as=stopped)
            batches.record(
                conn, batch, owner="a", results=verdict.final, children=verdict.children,
                moved=verdict.moved, settles_at=None, reached_between=None,
            )  # fmt: skip

        def stop(conn: Connection) -> None:
            assert alerts.stop(conn, "a-1", outcome=Outcome.CANCELLED, at=NOW, actor="a")
            batches.settle_unsent(conn, "a-1", Outcome.CANCELLED)

        recording = asyncio.create_task(ledger.write(record))
        await asyncio.to_thread(holding.wait, 10)
        stopping = asyncio.create_task(ledger.write(stop))
        stopping.add_done_callback(lambda _: stopped_first.set())
        await asyncio.gather(recording, stopping)
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert {row.state for row in rows} == {BatchState.RECORDED}
        assert sum((tally(row.handover, row.receipt) for row in rows), Counter()) == {Outcome.CANCELLED: 3}

    async def test_what_is_given_back_is_anyones_again_after_a_while(self, ledger: Ledger) -> None:
        batch = await _planned(ledger, due_at=datetime(2020, 1, 1, tzinfo=UTC))
        for after, due in ((timedelta(hours=1), []), (timedelta(0), [batch.id])):
            await _claim(ledger, batch, "a")
            await ledger.write(partial(batches.release, batch=batch, owner="a", after=after))
            assert await ledger.read(lambda conn: batches.due(conn, "mail", batch.lane, limit=9)) == due

    async def test_a_planned_resend_that_is_stopped_may_have_arrived_before(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        resend = replace(batch, id=batch_id("again"), resend=True, parent=batch.id)
        await ledger.write(lambda conn: batches.plan(conn, [Planned(resend, NOW)]))
        await ledger.write(lambda conn: batches.settle_unsent(conn, "a-1", Outcome.CANCELLED))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert {row.resend: row.handover[0] for row in rows} == {
            False: Outcome.CANCELLED,
            True: Outcome.AMBIGUOUS,
        }

    # --- receipts ---

    async def test_a_receipt_and_the_record_of_its_send_never_miss_each_other(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        said = Receipt(ref=ProviderRef("sid"), outcome=Outcome.DELIVERED, at=NOW)

        def record(conn: Connection) -> None:
            results = {0: Result(batch.members[0], Outcome.ACCEPTED, said.ref)}
            results |= {i: Result(batch.members[i], Outcome.PERMANENT) for i in (1, 2)}
            batches.record(
                conn, batch, owner="a", results=results, children=[], moved=[], settles_at=None,
                reached_between=None, keep_refs=True,
            )  # fmt: skip
            receipts.unpark(conn, "mail", [said.ref], MAIL, now=NOW, random=RANDOM)

        def report(conn: Connection) -> None:
            receipts.apply(conn, "mail", [said], MAIL, now=NOW, random=RANDOM)

        await asyncio.gather(ledger.write(record), ledger.write(report))
        await ledger.write(lambda conn: receipts.fold_parked(conn, {"mail": MAIL}, now=NOW, random=RANDOM))
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert row.receipt[0] == Outcome.DELIVERED

    async def test_it_knows_which_of_a_providers_ids_a_recorded_send_has(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        ref, other = ProviderRef("sid"), ProviderRef("another")
        results = {
            i: Result(member, Outcome.ACCEPTED, ref if i == 0 else None)
            for i, member in enumerate(batch.members)
        }
        await ledger.write(
            lambda conn: batches.record(
                conn,
                batch,
                owner="a",
                results=results,
                children=[],
                moved=[],
                settles_at=None,
                reached_between=None,
                keep_refs=True,
            )
        )
        asked = partial(batches.recorded_refs, refs=[ref, other])
        assert await ledger.read(partial(asked, channel="mail")) == {ref}
        assert await ledger.read(partial(asked, channel="voice")) == set()

    # --- sheets ---

    async def test_a_sheet_is_ticked_by_one(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        staff = Actor(login="sato", name="佐藤", roles=frozenset())
        ends = await asyncio.gather(
            *(ledger.write(lambda conn: ticks.tick(conn, "a-1", "radio", staff, at=NOW)) for _ in range(5)),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["NoneType"]

    async def test_a_changed_alert_is_refused(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        payload = codec.encode(an_alert(identifier="a-1", sent=NOW + timedelta(hours=1)))
        await ledger.write(lambda conn: conn.execute(update(tables.alerts).values(payload=payload)))
        with pytest.raises(BadInput, match="MAC"):
            await ledger.read(lambda conn: alerts.get(conn, KEYS, "a-1"))

    async def test_numbers_rise_within_a_year(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0002"
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2027)) == "2027-0001"

    # --- one act, however often it is asked for ---

    async def test_of_all_who_approve_at_once_one_sends_and_the_others_learn_what(
        self, ledger: Ledger
    ) -> None:
        intake = await _intake(ledger)
        draft = await intake.save(a_message(), AUTHOR)
        await intake.submit(draft.id, AUTHOR, seen=1)
        approval = Approval(draft=draft.id, version=2, typed=draft.message.level)
        ends = await asyncio.gather(
            *(intake.accept(approval, APPROVER) for _ in range(5)), return_exceptions=True
        )
        (sent,) = [end for end in ends if isinstance(end, Accepted)]
        told = [end for end in ends if isinstance(end, AlreadySent)]
        assert [each.alert for each in told] == [sent.alert.identifier] * 4
        assert len(await ledger.read(lambda conn: alerts.recent(conn, KEYS))) == 1
        await ledger.read(lambda conn: audit.verify(conn, KEYS))

    async def test_a_stop_and_an_update_at_once_agree_with_the_trail(self, ledger: Ledger) -> None:
        intake = await _intake(ledger)
        alert = await _sent(intake, a_message())
        update = a_message(msg_type=MsgType.UPDATE, references=(alert,))
        ends = await asyncio.gather(
            intake.stop(alert, AUTHOR),
            _sent(intake, update),
            intake.stop(alert, AUTHOR),
            return_exceptions=True,
        )
        errors = [end for end in ends if isinstance(end, BaseException)]
        assert errors
        assert all(isinstance(end, Conflict) for end in errors)
        assert await ledger.read(lambda conn: proof.differences(conn, KEYS)) == []
        assert len(await ledger.read(lambda conn: alerts.active(conn, KEYS, at=NOW))) == 1

    async def test_dead_letters_are_kept_whatever_is_in_them(self, ledger: Ledger) -> None:
        """PostgreSQL takes no NUL in a text, and no more than a column holds."""
        letter = Letter(
            topic="receipts", key="\x00" * 500, reason="\x00 $", value=bytes(range(256)), size=256, at=NOW
        )
        await ledger.write(lambda conn: dead_letters.keep(conn, [letter] * 3))
        newest, *_ = await ledger.read(dead_letters.newest)
        assert (newest.value, newest.at) == (letter.value, NOW)
        assert (
            await ledger.write(partial(dead_letters.mark_seen, actor=AUTHOR, until=newest.id - 1, at=NOW))
            == 2
        )
        assert await ledger.read(dead_letters.unseen) == 1


JA = Variant(Language.JA, Zone("z1"))
AUTHOR = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER}))
APPROVER = Actor(login="tanaka", name="田中", roles=frozenset({Role.APPROVER}))


async def _intake(ledger: Ledger) -> Intake:
    await ledger.write(lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=NOW))
    return Intake(
        ledger=ledger,
        records=RecordCodec(KEYS),
        keys=KEYS,
        stops=Stops(),
        sender="akishima.example",
        clock=lambda: NOW,
        page=lambda *_: None,
        relay=lambda: None,
    )


async def _sent(intake: Intake, message: Message) -> str:
    draft = await intake.save(message, AUTHOR)
    await intake.submit(draft.id, AUTHOR, seen=1)
    approval = Approval(draft=draft.id, version=2, typed=message.level)
    return (await intake.accept(approval, APPROVER)).alert.identifier


def _append(conn: Connection, subject: str) -> None:
    audit.append(conn, KEYS, at=NOW, actor="a", action="b", subject=subject, detail={"n": 1})


async def _register(ledger: Ledger, number: int) -> list[RecipientId]:
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=Language.JA,
            town=Town("t1"),
            zone=Zone("z1"),
            contacts={"mail": f"r{i}@mail.example"},
        )
        for i in range(number)
    ]
    ids = await ledger.write(lambda conn: register.add(conn, KEYS, people, at=NOW))
    await ledger.write(lambda conn: register.rebuild(conn, KEYS))
    return ids


async def _accepted(ledger: Ledger) -> None:
    alert = an_alert(identifier="a-1", sent=NOW)
    await ledger.write(partial(_insert, alert=alert, number="2026-0001"))


def _insert(conn: Connection, alert: Alert, number: str) -> None:
    alerts.insert_alert(
        conn, KEYS, alert, number=number, digest=bytes(32), author="a", approver="b", break_glass=None
    )


async def _planned(ledger: Ledger, *, seq: int = 0, due_at: datetime = NOW) -> Batch:
    if seq == 0:
        await _accepted(ledger)
        await ledger.write(lambda conn: batches.insert_content(conn, HASH, b"{}"))
    alert = an_alert(identifier="a-1", sent=NOW)
    id_ = batch_id("a-1", seq)
    batch = Batch(
        id=id_,
        alert="a-1",
        version=1,
        mode=alert.mode,
        lane=alert.lane,
        channel="mail",
        variant=JA,
        seq=seq,
        members=(RecipientId(1), RecipientId(2), RecipientId(70_000)),
        content_hash=HASH,
        idempotency_key=key_of(id_),
        expires=alert.expires,
    )
    await ledger.write(lambda conn: batches.plan(conn, [Planned(batch, due_at)]))
    return batch


async def _claim(ledger: Ledger, batch: Batch, owner: str) -> list[BatchId]:
    claimed = await ledger.write(lambda conn: batches.claim(conn, [batch.id], owner=owner, lease=LEASE))
    assert all(each == batch for each in claimed)
    return [each.id for each in claimed]


async def _abandoned(ledger: Ledger, **options: Any) -> list[tuple[BatchId, str]]:
    found = await ledger.read(lambda conn: batches.abandoned(conn, **options))
    return [(batch.id, owner) for batch, owner in found]


def _let_lives_end(conn: Connection) -> None:
    conn.execute(update(tables.lives).values(until=now_us() - _us(2 * LIFE)))


def _us(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


async def _record(ledger: Ledger, batch: Batch, owner: str, outcome: Outcome) -> bool:
    return await ledger.write(
        lambda conn: batches.record(
            conn,
            batch,
            owner=owner,
            results={i: Result(member, outcome) for i, member in enumerate(batch.members)},
            children=[],
            moved=[],
            settles_at=None,
            reached_between=(NOW, NOW),
        )
    )
