"""What the tests of a ledger begin with: rows like those that the hub writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Connection, update

from hub import receipts
from hub.alert import Alert
from hub.authorise import Actor, Role
from hub.capabilities import Capabilities
from hub.channel import Receipt
from hub.codec import RecordCodec
from hub.delivery import Batch, BatchId, Outcome, ProviderRef, Result, Variant
from hub.draft import Message
from hub.gate import LEASE, LIFE, Stops
from hub.intake import Approval, Intake
from hub.keys import Keys
from hub.language import Language
from hub.ledger import (
    Ledger,
    accounts,
    alerts,
    audit,
    batches,
    bounces,
    deployment,
    envelopes,
    register,
    tables,
)
from hub.ledger.batches import Planned
from hub.ledger.bounces import Noted
from hub.ledger.columns import now_us
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import Kind, RecipientId, Town, Zone
from hub.retry import batch_id, key_of
from hub.testing.alerts import an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
HASH = "0" * 64
RANDOM = Random(0)  # noqa: S311 - jitter
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100, receipt_wait=timedelta(minutes=5))

JA = Variant(Language.JA, Zone("z1"))
AUTHOR = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER}))
APPROVER = Actor(login="tanaka", name="田中", roles=frozenset({Role.APPROVER}))


async def an_intake(ledger: Ledger) -> Intake:
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


async def sent_message(intake: Intake, message: Message) -> str:
    draft = await intake.save(message, AUTHOR)
    await intake.submit(draft.id, AUTHOR, seen=1)
    approval = Approval(draft=draft.id, version=2, typed=message.level)
    return (await intake.accept(approval, APPROVER)).alert.identifier


def append_entry(conn: Connection, subject: str) -> None:
    audit.append(conn, KEYS, at=NOW, actor="a", action="b", subject=subject, detail={"n": 1})


async def registered(ledger: Ledger, number: int) -> list[RecipientId]:
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


async def accepted_alert(ledger: Ledger) -> None:
    alert = an_alert(identifier="a-1", sent=NOW)
    await ledger.write(partial(insert_alert, alert=alert, number="2026-0001"))


def insert_alert(conn: Connection, alert: Alert, number: str) -> None:
    alerts.insert_alert(
        conn, KEYS, alert, number=number, digest=bytes(32), author="a", approver="b", break_glass=None
    )


async def planned_batch(ledger: Ledger, *, seq: int = 0, due_at: datetime = NOW) -> Batch:
    if seq == 0:
        await accepted_alert(ledger)
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


def ref_of(batch: Batch, position: int) -> ProviderRef:
    return envelopes.ref(batch.idempotency_key, batch.members[position])


def by_envelope(batch: Batch, *, position: int, outcome: Outcome) -> Receipt:
    return Receipt(ref=ref_of(batch, position), outcome=outcome, at=NOW, reason="userunknown 5.1.1")


async def fold(ledger: Ledger, *said: Receipt) -> int:
    return await ledger.write(
        lambda conn: receipts.apply(conn, "mail", said, BY_ENVELOPE, now=NOW, random=RANDOM)
    )


async def people_with_mailboxes(ledger: Ledger, number: int) -> list[RecipientId]:
    people = [
        Registration(kind=Kind.RESIDENT, language=Language.JA, contacts={"mail": f"p{i}@example.jp"})
        for i in range(number)
    ]
    return await ledger.write(lambda conn: register.add(conn, KEYS, people, at=NOW))


async def accepted_alerts(ledger: Ledger, *identifiers: str) -> None:
    for number, identifier in enumerate(identifiers, 1):
        alert = an_alert(identifier=identifier, sent=NOW)
        await ledger.write(partial(insert_alert, alert=alert, number=f"2026-{number:04}"))


async def note(ledger: Ledger, *noted: Noted) -> None:
    await ledger.write(lambda conn: bounces.note(conn, "mail", noted, at=NOW))


async def claim_batch(ledger: Ledger, batch: Batch, owner: str) -> list[BatchId]:
    claimed = await ledger.write(lambda conn: batches.claim(conn, [batch.id], owner=owner, lease=LEASE))
    assert all(each == batch for each in claimed)
    return [each.id for each in claimed]


async def abandoned_batches(ledger: Ledger, **options: Any) -> list[tuple[BatchId, str]]:
    found = await ledger.read(lambda conn: batches.abandoned(conn, **options))
    return [(batch.id, owner) for batch, owner in found]


def let_lives_end(conn: Connection) -> None:
    conn.execute(update(tables.lives).values(until=now_us() - microseconds(2 * LIFE)))


def microseconds(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


async def record_batch(ledger: Ledger, batch: Batch, owner: str, outcome: Outcome) -> bool:
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


ADMIN = Actor(login="kanri", name="管理", roles=frozenset({Role.ADMIN}))


def add_account(conn: Connection, actor: Actor) -> None:
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
