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

import msgspec
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
from hub.hazard import Hazard
from hub.intake import Approval, Intake
from hub.keys import Keys
from hub.language import Language
from hub.ledger import (
    Ledger,
    accounts,
    alerts,
    answers,
    audit,
    batches,
    bounces,
    calls,
    dead_letters,
    deployment,
    drafts,
    envelopes,
    lives,
    migrations,
    musters,
    packs,
    plans,
    proof,
    register,
    reports,
    revisions,
    tables,
    tempo,
    ticks,
)
from hub.ledger.alerts import Accepted
from hub.ledger.answers import Answer
from hub.ledger.batches import Planned
from hub.ledger.bounces import Noted
from hub.ledger.columns import now_us
from hub.ledger.plans import Cursor
from hub.ledger.register import Registration
from hub.ledger.revisions import Revision
from hub.ledger.tables import BatchState
from hub.muster import Answer as Coming
from hub.muster import CalledGroup, Given, Member, Roll
from hub.mustering import Mustering
from hub.outbound import Deployment
from hub.place import Name
from hub.recipient import Kind, Reached, RecipientId, Targeting, Town, Zone
from hub.retry import batch_id, judge, key_of
from hub.testing.alerts import a_message, an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
HASH = "0" * 64
RANDOM = Random(0)  # noqa: S311 - jitter
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100, receipt_wait=timedelta(minutes=5))


ROLL = Roll(
    reason="川の水位が上がっているため",
    channels=("mail",),
    groups=(
        CalledGroup(
            code="disaster",
            name=Name(ja="防災課", en="Disaster"),
            members=tuple(Member(recipient=RecipientId(each), name=f"職員{each}") for each in (1, 2)),
        ),
    ),
)


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

    # --- accounts ---

    async def test_an_account_keeps_its_department_and_limits(self, ledger: Ledger) -> None:
        given = Actor(
            login="mizuno",
            name="水野",
            roles=frozenset({Role.COMPOSER, Role.ADMIN}),
            department="water",
            hazards=frozenset({Hazard.WATER, Hazard.HEAT}),
        )
        await ledger.write(lambda conn: _add_account(conn, given))
        assert (await ledger.read(lambda conn: accounts.get(conn, "mizuno"))).actor == given
        changed = msgspec.structs.replace(given, name="水野 学", hazards=frozenset(), department="")
        await ledger.write(lambda conn: accounts.change(conn, changed))
        assert (await ledger.read(lambda conn: accounts.get(conn, "mizuno"))).actor == changed

    async def test_a_link_to_choose_a_password_is_over_when_used_replaced_late_or_locked(
        self, ledger: Ledger
    ) -> None:
        await ledger.write(lambda conn: _add_account(conn, _ADMIN))

        async def offer(token: bytes) -> None:
            await ledger.write(
                lambda conn: accounts.offer_link(conn, "kanri", token, until=NOW + timedelta(hours=1))
            )

        async def holder(token: bytes, at: datetime = NOW) -> str | None:
            found = await ledger.read(lambda conn: accounts.by_link(conn, token, at=at))
            return found and found.actor.login

        await offer(b"1" * 32)
        assert await holder(b"1" * 32) == "kanri"
        assert await holder(b"1" * 32, NOW + timedelta(hours=1)) is None
        await offer(b"2" * 32)
        assert [await holder(b"1" * 32), await holder(b"2" * 32)] == [None, "kanri"]
        await ledger.write(lambda conn: accounts.set_password(conn, "kanri", "hash"))
        assert await holder(b"2" * 32) is None
        await offer(b"3" * 32)
        await ledger.write(lambda conn: accounts.disable(conn, "kanri", at=NOW))
        assert await holder(b"3" * 32) is None
        with pytest.raises(Refused, match="locked"):
            await offer(b"4" * 32)
        await ledger.write(lambda conn: accounts.enable(conn, "kanri"))
        assert await holder(b"3" * 32) is None

    async def test_an_administrator_always_remains(self, ledger: Ledger) -> None:
        await ledger.write(lambda conn: _add_account(conn, _ADMIN))
        await ledger.read(accounts.keep_an_admin)

        def lock(conn: Connection) -> None:
            accounts.disable(conn, "kanri", at=NOW)
            accounts.keep_an_admin(conn)

        with pytest.raises(Refused, match="Nobody would be left"):
            await ledger.write(lock)
        assert (await ledger.read(lambda conn: accounts.get(conn, "kanri"))).disabled_at is None

    # --- what staff set ---

    async def test_the_newest_revision_is_in_force_and_all_are_kept(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            for seen, value in enumerate((b"one", b"two")):
                revisions.add(conn, KEYS, "subject", value, seen=seen, at=NOW, by="sato", detail={"n": seen})

        await ledger.write(add)
        latest = await ledger.read(lambda conn: revisions.latest(conn, KEYS, "subject"))
        assert latest == Revision(number=2, at=NOW, by="sato", value=b"two")
        history = await ledger.read(lambda conn: revisions.history(conn, KEYS, "subject"))
        assert [each.value for each in history] == [b"two", b"one"]
        assert await ledger.read(lambda conn: revisions.number(conn, "subject")) == 2
        assert await ledger.read(lambda conn: revisions.number(conn, "another")) == 0
        assert await ledger.read(lambda conn: revisions.latest(conn, KEYS, "another")) is None
        entries = await ledger.read(lambda conn: audit.about(conn, ["subject"]))
        assert [(each.action, each.actor, each.detail) for each in entries] == [
            ("subject.set", "sato", {"number": 2, "n": 1}),
            ("subject.set", "sato", {"number": 1, "n": 0}),
        ]

    async def test_of_two_who_saw_the_same_revision_one_is_told(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            revisions.add(conn, KEYS, "subject", b"mine", seen=0, at=NOW, by="sato")

        answers = await asyncio.gather(ledger.write(add), ledger.write(add), return_exceptions=True)
        assert [type(each) for each in answers if each is not None] == [Conflict]
        assert await ledger.read(lambda conn: revisions.number(conn, "subject")) == 1

    async def test_a_revision_is_sealed_and_bound_to_its_place(self, ledger: Ledger) -> None:
        def add(conn: Connection) -> None:
            revisions.add(conn, KEYS, "subject", b"090-0000-0000", seen=0, at=NOW, by="sato")

        await ledger.write(add)
        row = await ledger.read(lambda conn: conn.execute(select(tables.revisions)).one())
        assert b"090" not in row.sealed
        await ledger.write(lambda conn: conn.execute(update(tables.revisions).values(subject="another")))
        with pytest.raises(BadInput, match="does not open"):
            await ledger.read(lambda conn: revisions.latest(conn, KEYS, "another"))

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
        assert len(await ledger.read(lambda conn: packs.some(conn, "mail", JA, after=0, limit=9))) == 3
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", JA, ids[450:550]))
        assert [found.addresses[id_] for id_ in ids[450:550]] == [
            f"r{i}@mail.example" for i in range(450, 550)
        ]
        sealed = await ledger.read(lambda conn: conn.execute(select(tables.packs.c.sealed)).scalars().all())
        assert not any(b"mail.example" in block for block in sealed)

    async def test_a_pack_of_an_earlier_version_is_planned_from_and_opened(self, ledger: Ledger) -> None:
        """It had a trait for each member."""
        ids = await _register(ledger, 3)
        plain = [f"r{i}@mail.example" for i in range(3)]
        clear = codec.encode([["t1", "resident", False, i == 1] for i in range(3)]).decode()

        def as_before(conn: Connection) -> None:
            place = packs._place("mail", JA.language, JA.zone or "", ids, clear)
            sealed = KEYS.seal(codec.encode(plain), bound_to=place)
            conn.execute(update(tables.packs).values(traits=clear, sealed=sealed))

        await ledger.write(as_before)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", JA, ids))
        assert (found.addresses, found.suppressed) == (dict(zip(ids, plain, strict=True)), {ids[1]})
        (pack,) = await ledger.read(lambda conn: packs.some(conn, "mail", JA, after=0, limit=9))
        assert [pack.traits.kinds[kind].suppressed for kind in pack.traits.of] == [False, True, False]

    async def test_one_who_moved_to_another_variant_is_still_found(self, ledger: Ledger) -> None:
        ids = await _register(ledger, 3)
        english = Variant(Language.EN, None)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", english, ids[:1]))
        assert found.addresses[ids[0]] == "r0@mail.example"

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
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=verdict.final, children=verdict.children,
                moved=verdict.moved, settles_at=None, reached_between=None,
            )])  # fmt: skip

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
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, children=[], moved=[], settles_at=None,
                reached_between=None, keep_refs=True,
            )])  # fmt: skip
            receipts.unpark(conn, "mail", [said.ref], MAIL, now=NOW, random=RANDOM)

        def report(conn: Connection) -> None:
            receipts.apply(conn, "mail", [said], MAIL, now=NOW, random=RANDOM)

        await asyncio.gather(ledger.write(record), ledger.write(report))
        await ledger.write(lambda conn: receipts.fold_parked(conn, {"mail": MAIL}, now=NOW, random=RANDOM))
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert row.receipt[0] == Outcome.DELIVERED

    async def test_a_receipt_by_envelope_finds_its_send_without_a_stored_reference(
        self, ledger: Ledger
    ) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        said = _by_envelope(batch, position=2, outcome=Outcome.PERMANENT)
        assert await _fold(ledger, said) == 0, "its send is not recorded: it waits"
        assert await _record(ledger, batch, "a", Outcome.ACCEPTED)
        await ledger.write(
            lambda conn: receipts.fold_parked(conn, {"mail": BY_ENVELOPE}, now=NOW, random=RANDOM)
        )
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert tally(row.handover, row.receipt) == {Outcome.ACCEPTED: 2, Outcome.PERMANENT: 1}
        assert row.receipt[2] == Outcome.PERMANENT
        assert await _fold(ledger, said) == 1, "what comes twice"
        (again,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert (again.receipt, again.reasons) == (row.receipt, row.reasons)

    async def test_a_receipt_by_envelope_finds_the_retry_that_its_recipient_moved_to(
        self, ledger: Ledger
    ) -> None:
        """A retry keeps the key."""
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        results = {i: Result(member, Outcome.ACCEPTED) for i, member in enumerate(batch.members)}
        results[1] = Result(batch.members[1], Outcome.TEMPORARY)
        verdict = judge(batch, results, BY_ENVELOPE, now=NOW, random=RANDOM)
        await ledger.write(
            lambda conn: batches.record(
                conn,
                [
                    batches.Record(
                        batch=batch,
                        owner="a",
                        results=verdict.final,
                        children=verdict.children,
                        moved=verdict.moved,
                        reached_between=(NOW, NOW),
                    )
                ],
            )
        )
        (retry,) = [planned.batch for planned in verdict.children]
        said = _by_envelope(retry, position=0, outcome=Outcome.PERMANENT)
        assert await _fold(ledger, said) == 0, "the retry is not sent yet"
        await _claim(ledger, retry, "b")
        assert await _record(ledger, retry, "b", Outcome.ACCEPTED)
        assert await _fold(ledger, said) == 1
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        merged = Counter[Outcome]()
        for row in rows:
            merged += tally(row.handover, row.receipt)
        assert merged == {Outcome.ACCEPTED: 2, Outcome.PERMANENT: 1}

    async def test_an_envelope_that_is_not_ours_is_nobodys(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        assert await _record(ledger, batch, "a", Outcome.ACCEPTED)
        strange = [ProviderRef(f"{'0' * 32}/1"), ProviderRef("no/key"), ProviderRef("")]
        stranger = ProviderRef(f"{batch.idempotency_key.hex}/9999")
        found = await ledger.read(lambda conn: envelopes.places(conn, "mail", [*strange, stranger]))
        assert found == {}
        assert await ledger.read(lambda conn: envelopes.places(conn, "voice", [_ref(batch, 0)])) == {}
        assert await ledger.read(lambda conn: set(envelopes.places(conn, "mail", [_ref(batch, 0)]))) == {
            _ref(batch, 0)
        }

    # --- bounces ---

    async def test_two_alerts_that_came_back_hard_hold_a_contact_back_and_one_does_not(
        self, ledger: Ledger
    ) -> None:
        once, twice, soft = await _mailboxes(ledger, 3)
        await _alerts(ledger, "a-1", "a-2", "a-3")
        await _note(ledger, Noted(once, "a-1", True, False, "userunknown"))
        await _note(ledger, Noted(once, "a-1", True, False, "userunknown"))
        await _note(ledger, *(Noted(twice, alert, True, False, "userunknown") for alert in ("a-1", "a-3")))
        await _note(
            ledger, *(Noted(soft, alert, False, False, "mailboxfull") for alert in ("a-1", "a-2", "a-3"))
        )
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == 1
        (held,) = await ledger.read(lambda conn: bounces.suppressed(conn, "mail"))
        assert (held.recipient, held.alerts, held.reasons) == (twice, 2, ("userunknown",))
        await ledger.write(lambda conn: register.rebuild(conn, KEYS, ["mail"]))
        nowhere = Variant(Language.JA, None)
        opened = await ledger.read(
            lambda conn: register.open_addresses(conn, KEYS, "mail", nowhere, [once, twice, soft])
        )
        assert (set(opened.addresses), opened.suppressed) == ({once, twice, soft}, {twice})
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == 0, "nothing is new"

    async def test_what_is_hard_counts_for_an_alert_that_was_soft_before_and_not_the_other_way(
        self, ledger: Ledger
    ) -> None:
        (who,) = await _mailboxes(ledger, 1)
        await _alerts(ledger, "a-1", "a-2")
        for alert in ("a-1", "a-2"):
            await _note(ledger, Noted(who, alert, False, True, "blocked"))
            await _note(ledger, Noted(who, alert, True, False, "userunknown"))
            await _note(ledger, Noted(who, alert, False, True, "blocked"))
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == 1

    async def test_who_was_reached_or_is_lifted_or_registers_anew_is_held_back_no_more(
        self, ledger: Ledger
    ) -> None:
        lifted, anew = await _mailboxes(ledger, 2)
        await _alerts(ledger, "a-1", "a-2")
        for who in (lifted, anew):
            await _note(ledger, *(Noted(who, alert, True, False, "hasmoved") for alert in ("a-1", "a-2")))
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == 2
        assert await ledger.write(lambda conn: bounces.forget(conn, "mail", [lifted])) == 1
        await ledger.write(lambda conn: register.remove(conn, [anew]))
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == 1
        assert await ledger.read(lambda conn: bounces.suppressed(conn, "mail")) == []

    async def test_an_alert_of_which_too_much_came_back_blames_no_address(self, ledger: Ledger) -> None:
        people = await _mailboxes(ledger, bounces.MASS_LEAST)
        await _alerts(ledger, "a-1", "a-2")
        for alert in ("a-1", "a-2"):
            await _note(ledger, *(Noted(who, alert, True, False, "userunknown") for who in people[:-1]))
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == len(people) - 1
        await _note(ledger, Noted(people[-1], "a-2", True, False, "userunknown"))
        assert await ledger.write(lambda conn: bounces.settle(conn, "mail")) == len(people) - 1
        assert await ledger.read(lambda conn: bounces.suppressed(conn, "mail")) == [], (
            "it was a carrier's fault"
        )

    @pytest.mark.parametrize("stopped", [False, True])
    async def test_a_proof_of_arrival_counts_though_another_try_was_planned(
        self, ledger: Ledger, stopped: bool
    ) -> None:
        """Providers keep no order: busy may come before delivered, and a retry stands by then."""
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        refs = [ProviderRef(f"sid {member}") for member in batch.members]
        results = {i: Result(member, Outcome.ACCEPTED, refs[i]) for i, member in enumerate(batch.members)}

        def hear(conn: Connection, outcome: Outcome, *whose: ProviderRef) -> None:
            said = [Receipt(ref=ref, outcome=outcome, at=NOW) for ref in whose]
            receipts.apply(conn, "mail", said, MAIL, now=NOW, random=RANDOM)

        def record(conn: Connection) -> None:
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, keep_refs=True)])
            hear(conn, Outcome.TEMPORARY, *refs)
            if stopped:
                batches.settle_unsent(conn, batch.alert, Outcome.CANCELLED)

        await ledger.write(record)
        for _ in range(2):
            await ledger.write(lambda conn: hear(conn, Outcome.DELIVERED, refs[1]))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        counted = sum((tally(row.handover, row.receipt) for row in rows), Counter())
        waiting = Outcome.CANCELLED if stopped else Outcome.PENDING
        assert counted == {Outcome.DELIVERED: 1, waiting: len(batch.members) - 1}
        went = await ledger.read(lambda conn: tempo.tempo(conn, "a-1"))
        assert went.arrived == [("mail", NOW.replace(microsecond=0), 1)], "once, on whatever try it came"

    async def test_when_how_many_were_taken_and_arrived_is_known_to_the_second(self, ledger: Ledger) -> None:
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        said = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.PERMANENT)
        ref, at = ProviderRef("sid"), NOW + timedelta(seconds=1)
        results = {
            i: Result(member, said[i], ref if i == 0 else None) for i, member in enumerate(batch.members)
        }
        record = batches.Record(
            batch=batch, owner="a", results=results, reached_between=(NOW, at), keep_refs=True
        )
        await ledger.write(lambda conn: batches.record(conn, [record]))
        late = at + timedelta(minutes=3)
        heard = [Receipt(ref=ref, outcome=Outcome.DELIVERED, at=late)]
        for _ in range(2):
            await ledger.write(
                lambda conn: receipts.apply(conn, "mail", heard, MAIL, now=late, random=RANDOM)
            )
        went = await ledger.read(lambda conn: tempo.tempo(conn, "a-1"))
        assert went.accepted == [("mail", at, 2)]
        assert went.arrived == [("mail", at, 1), ("mail", late.replace(microsecond=0), 1)]

    @pytest.mark.parametrize("name", ["s" * 5_000, "s\x00id", "\ud800"])
    async def test_whatever_a_provider_calls_a_send_its_receipt_finds_it(
        self, ledger: Ledger, name: str
    ) -> None:
        """PostgreSQL takes no NUL in a text, and no more than a column holds."""
        batch = await _planned(ledger)
        await _claim(ledger, batch, "a")
        said = [
            Receipt(ref=ProviderRef(name + last), outcome=outcome, at=NOW, reason="busy\x00" * 100)
            for last, outcome in (("1", Outcome.PERMANENT), ("2", Outcome.DELIVERED))
        ]
        results = {
            i: Result(member, Outcome.ACCEPTED, said[i].ref if i < len(said) else None)
            for i, member in enumerate(batch.members)
        }

        def late(conn: Connection) -> None:
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, keep_refs=True)])
            receipts.fold_parked(conn, {"mail": MAIL}, now=NOW, random=RANDOM)

        await ledger.write(lambda conn: receipts.apply(conn, "mail", said, MAIL, now=NOW, random=RANDOM))
        await ledger.write(late)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert list(row.receipt[:2]) == [Outcome.PERMANENT, Outcome.DELIVERED]

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
                [
                    batches.Record(
                        batch=batch,
                        owner="a",
                        results=results,
                        children=[],
                        moved=[],
                        settles_at=None,
                        reached_between=None,
                        keep_refs=True,
                    )
                ],
            )
        )
        asked = partial(batches.recorded_refs, refs=[ref, other])
        assert await ledger.read(partial(asked, channel="mail")) == {ref}
        assert await ledger.read(partial(asked, channel="voice")) == set()

    async def test_another_alerts_try_is_in_doubt_while_it_is_held_and_when_nobody_knows_how_it_ended(
        self, ledger: Ledger
    ) -> None:
        batch = await _planned(ledger)
        asked = partial(batches.in_doubt, recipient=batch.members[0], since=NOW)

        async def doubted(**changes: Any) -> bool:
            return await ledger.read(
                partial(asked, **{"channel": batch.channel, "besides": "another"} | changes)
            )

        assert not await doubted(), "nobody has begun it"
        await _claim(ledger, batch, "a")
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

    # --- sheets ---

    async def test_a_sheet_is_ticked_by_one(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        staff = Actor(login="sato", name="佐藤", roles=frozenset())
        ends = await asyncio.gather(
            *(ledger.write(lambda conn: ticks.tick(conn, "a-1", "radio", staff, at=NOW)) for _ in range(5)),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["NoneType"]

    # --- the telephone desk ---

    async def test_of_all_who_change_an_answer_at_once_one_does_and_all_versions_stay(
        self, ledger: Ledger
    ) -> None:
        first = Answer("q-1", 1, "水は？", "拝島会館です。", Hazard.FLOOD, withdrawn=False, at=NOW, by="sato")
        await ledger.write(lambda conn: answers.write(conn, first))
        nexts = [
            first._replace(version=2, reply=f"{number}階です。", at=NOW + timedelta(minutes=1))
            for number in range(5)
        ]
        ends = await asyncio.gather(
            *(ledger.write(partial(answers.write, answer=each)) for each in nexts), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["NoneType"]
        newest, oldest = await ledger.read(lambda conn: answers.versions(conn, "q-1"))
        assert (newest in nexts, oldest) == (True, first)
        later = first._replace(id="a-2", at=NOW + timedelta(hours=1))
        await ledger.write(lambda conn: answers.write(conn, later))
        assert await ledger.read(answers.current) == [newest, later]

    async def test_a_call_counts_once_and_not_when_it_is_taken_back(self, ledger: Ledger) -> None:
        at = NOW.replace(minute=59, second=59)
        calling = [("c-1", "q-1", at), ("c-2", "q-1", at), ("c-3", "", at + timedelta(seconds=1))]
        for call, answer, when in calling * 2:
            await ledger.write(lambda conn: calls.count(conn, call, answer, AUTHOR, at=when))  # noqa: B023
        hour = NOW.replace(minute=0, second=0, microsecond=0)
        assert await ledger.read(partial(calls.by_hour, since=hour)) == {
            hour: {"q-1": 2},
            hour + timedelta(hours=1): {"": 1},
        }
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: calls.undo(conn, "c-1", APPROVER, at=at))
        await ledger.write(lambda conn: calls.undo(conn, "c-1", AUTHOR, at=at))
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: calls.undo(conn, "c-1", AUTHOR, at=at))
        assert (await ledger.read(partial(calls.by_hour, since=hour)))[hour] == {"q-1": 1}
        assert await ledger.read(partial(calls.by_hour, since=at + timedelta(hours=1))) == {}

    # --- staff who are called together ---

    async def test_forms_and_rules_call_once_however_many_send_them_at_once(self, ledger: Ledger) -> None:
        mustering = Mustering(ledger=ledger, keys=KEYS, intake=await _intake(ledger), clock=lambda: NOW)
        forms = [f"form-{which}" for which in (1, 2, 1, 2)]
        numbers = await asyncio.gather(
            *(mustering.call(ROLL, Mode.LIVE, AUTHOR, form=form) for form in forms)
        )
        assert {*zip(forms, numbers, strict=True)} in (
            {("form-1", 1), ("form-2", 2)},
            {("form-1", 2), ("form-2", 1)},
        )
        called = await asyncio.gather(*(mustering.by_rule("r", "e", ROLL, Mode.LIVE) for _ in range(3)))
        assert sorted(called, key=str) == [3, None, None]
        found = await ledger.read(lambda conn: [each.muster for each in musters.firings(conn)])
        assert found == [3], "forms are no rules"
        await ledger.read(lambda conn: audit.verify(conn, KEYS))
        assert await ledger.read(lambda conn: proof.differences(conn, KEYS)) == []

    async def test_of_answers_the_last_counts_and_all_are_kept(self, ledger: Ledger) -> None:
        muster = await ledger.write(
            partial(musters.begin, keys=KEYS, mode=Mode.LIVE, roll=ROLL, by="sato", rule="", at=NOW)
        )
        given = [
            Given(RecipientId(1), says, NOW + timedelta(seconds=second), "")
            for second, says in enumerate((Coming.IN_30, Coming.IN_30, Coming.NO))
        ]
        kept = [await ledger.write(partial(musters.answer, number=muster.id, given=each)) for each in given]
        assert kept == [True, False, True]
        assert await ledger.read(partial(musters.answers, number=muster.id)) == [given[0], given[2]]
        people = [RecipientId(1), RecipientId(2)]
        assert await ledger.read(partial(musters.answered, number=muster.id, people=people)) == {1}
        assert await ledger.read(lambda conn: musters.get(conn, KEYS, muster.id)) == muster
        end = partial(musters.end, number=muster.id, by="sato", at=NOW, cancelled=True)
        assert [await ledger.write(end), await ledger.write(end)] == [True, False]
        assert await ledger.read(lambda conn: musters.running(conn, KEYS)) == []

    async def test_a_call_of_staff_is_in_no_list_and_nothing_public_refers_to_it(
        self, ledger: Ledger
    ) -> None:
        intake = await _intake(ledger)
        mustering = Mustering(ledger=ledger, keys=KEYS, intake=intake, clock=lambda: NOW)
        number = await mustering.call(ROLL, Mode.LIVE, AUTHOR, form="form-1")
        (call,) = await ledger.read(lambda conn: alerts.of_muster(conn, KEYS, number))
        assert await ledger.read(lambda conn: alerts.active(conn, KEYS, at=NOW)) == []
        assert await ledger.read(lambda conn: alerts.recent(conn, KEYS)) == []
        assert (await ledger.read(partial(alerts.search, keys=KEYS, matches=lambda _: True)))[0] == 0
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0001"
        identifier = call.alert.identifier
        correction = an_alert(
            identifier="a-2", sent=NOW, msg_type=MsgType.UPDATE, sequence=2, references=(identifier,),
            targeting=Targeting(audience=Reached(identifier=identifier), channels=("mail",)),
        )  # fmt: skip
        with pytest.raises(BadInput, match="never mixed"):
            await ledger.write(partial(_insert, alert=correction, number="2026-0001"))

    # --- what was submitted, searched, reported ---

    async def test_every_version_that_was_submitted_is_kept(self, ledger: Ledger) -> None:
        intake = await _intake(ledger)
        draft = await intake.save(a_message(), AUTHOR)
        await intake.submit(draft.id, AUTHOR, seen=1)
        await intake.send_back(draft.id, APPROVER, seen=2, reason="時刻を直してください")
        await intake.save(a_message(valid_for_s=3600), AUTHOR, draft=draft.id, seen=3)
        await intake.submit(draft.id, AUTHOR, seen=4)
        kept = await ledger.read(lambda conn: drafts.submitted(conn, draft.id))
        assert [(each.version, each.message.valid_for_s) for each in kept] == [(5, 3600), (2, 6 * 3600)]

    async def test_alerts_are_searched_page_by_page(self, ledger: Ledger) -> None:
        for number in range(1, 6):
            alert = an_alert(identifier=f"s-{number}", sent=NOW + timedelta(hours=number))
            await ledger.write(partial(_insert, alert=alert, number=f"2026-{number:04d}"))
        found = partial(alerts.search, keys=KEYS, matches=lambda each: each.number != "2026-0003")
        total, page = await ledger.read(partial(found, offset=1, limit=2))
        assert (total, [each.number for each in page]) == (4, ["2026-0004", "2026-0002"])
        total, page = await ledger.read(
            partial(found, since=NOW + timedelta(hours=2), before=NOW + timedelta(hours=4))
        )
        assert (total, [each.number for each in page]) == (1, ["2026-0002"])
        assert await ledger.read(partial(found, modes=(Mode.STAFF_DRILL,))) == (0, [])

    async def test_a_report_is_locked_once_and_only_added_to(self, ledger: Ledger) -> None:
        await _accepted(ledger)
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: reports.add(conn, "a-1", "早い", AUTHOR, at=NOW))
        ends = await asyncio.gather(
            *(
                ledger.write(partial(reports.lock, alert="a-1", payload=b"%d" % each, actor=AUTHOR, at=NOW))
                for each in range(5)
            ),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["Locked"]
        assert await ledger.read(lambda conn: reports.find(conn, "a-1")) in ends
        await asyncio.gather(
            *(
                ledger.write(partial(reports.add, alert="a-1", text="訂正", actor=AUTHOR, at=NOW))
                for _ in range(3)
            )
        )
        notes = await ledger.read(lambda conn: reports.notes(conn, "a-1"))
        assert [each.number for each in notes] == [1, 2, 3]
        await ledger.write(lambda conn: conn.execute(update(tables.reports).values(payload=b"other")))
        with pytest.raises(BadInput, match="SHA-256"):
            await ledger.read(lambda conn: reports.find(conn, "a-1"))

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
        assert (newest.topic, newest.key[:100], "…" in newest.key) == ("receipts", "�" * 100, True)
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


BY_ENVELOPE = replace(MAIL, receipt_wait=timedelta(0), receipts_by_envelope=True)


def _ref(batch: Batch, position: int) -> ProviderRef:
    return envelopes.ref(batch.idempotency_key, batch.members[position])


def _by_envelope(batch: Batch, *, position: int, outcome: Outcome) -> Receipt:
    return Receipt(ref=_ref(batch, position), outcome=outcome, at=NOW, reason="userunknown 5.1.1")


async def _fold(ledger: Ledger, *said: Receipt) -> int:
    return await ledger.write(
        lambda conn: receipts.apply(conn, "mail", said, BY_ENVELOPE, now=NOW, random=RANDOM)
    )


async def _mailboxes(ledger: Ledger, number: int) -> list[RecipientId]:
    people = [
        Registration(kind=Kind.RESIDENT, language=Language.JA, contacts={"mail": f"p{i}@example.jp"})
        for i in range(number)
    ]
    return await ledger.write(lambda conn: register.add(conn, KEYS, people, at=NOW))


async def _alerts(ledger: Ledger, *identifiers: str) -> None:
    for number, identifier in enumerate(identifiers, 1):
        alert = an_alert(identifier=identifier, sent=NOW)
        await ledger.write(partial(_insert, alert=alert, number=f"2026-{number:04}"))


async def _note(ledger: Ledger, *noted: Noted) -> None:
    await ledger.write(lambda conn: bounces.note(conn, "mail", noted, at=NOW))


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
    written = await ledger.write(
        lambda conn: batches.record(
            conn,
            [
                batches.Record(
                    batch=batch,
                    owner=owner,
                    results={i: Result(member, outcome) for i, member in enumerate(batch.members)},
                    children=[],
                    moved=[],
                    settles_at=None,
                    reached_between=(NOW, NOW),
                )
            ],
        )
    )
    return batch.id in written


_ADMIN = Actor(login="kanri", name="管理", roles=frozenset({Role.ADMIN}))


def _add_account(conn: Connection, actor: Actor) -> None:
    accounts.add(
        conn,
        login=actor.login,
        name=actor.name,
        password_hash=accounts.NO_PASSWORD,
        roles=actor.roles,
        department=actor.department,
        hazards=actor.hazards,
        at=NOW,
    )
