"""What every ledger guarantees. SQLite and PostgreSQL both pass it.

A subclass gives `url`, of an empty database that is its own.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub import codec
from hub.delivery import Batch, BatchId, Outcome, Result, Variant
from hub.errors import BadInput, Conflict, Refused
from hub.gate import LEASE
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, alerts, audit, batches, deployment, migrations, plans, register, tables
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import Kind, RecipientId, Town, Zone
from hub.retry import batch_id, key_of
from hub.testing.alerts import an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
HASH = "0" * 64


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
            insert(tables.audit).values(
                seq=4, at=NOW, actor="a", action="b", subject="c", detail="{}", hash=bytes(32)
            ),
        ],
        ids=["changed", "moved in time", "removed", "added"],
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
        await _claim(ledger, batch, "a")
        assert await ledger.read(batches.abandoned) == []
        voided = await ledger.read(lambda conn: batches.abandoned(conn, void_owners_but="b"))
        assert [found.id for found, _ in voided] == [batch.id]
        await ledger.write(
            lambda conn: conn.execute(update(tables.batches).values(lease_until=NOW - timedelta(days=9999)))
        )
        assert [(found.id, owner) for found, owner in await ledger.read(batches.abandoned)] == [
            (batch.id, "a")
        ]

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


JA = Variant(Language.JA, Zone("z1"))


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
    await ledger.write(
        lambda conn: alerts.insert_alert(
            conn,
            KEYS,
            alert,
            number="2026-0001",
            digest=bytes(32),
            author="a",
            approver="b",
            break_glass=None,
        )
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
