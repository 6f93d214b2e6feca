"""What nothing can be done with ends on the console: kept, shown, never shown as text unless it is ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import select

from hub import bus, consumer
from hub import keys as key_files
from hub.authorise import Actor
from hub.bus.kafka import KafkaBus
from hub.bus.topics import ensure
from hub.codec import ReceiptRecord, RecordCodec
from hub.dead_letter_office import TOPIC, DeadLetterOffice
from hub.dead_letters import MOST_BYTES, DeadLetters, Letter
from hub.delivery import Outcome
from hub.ledger import dead_letters, tables
from hub.ledger.dead_letters import MOST, DeadLetter
from hub.settings import load
from tests.integration.command_line import hub as a_hub
from tests.integration.command_line import run
from tests.integration.engine import Engine, engine, mail, until
from yobikake import initialise

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
STAFF = Actor(login="sato", name="佐藤", roles=frozenset())


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(9)}) as made:
        yield made


@asynccontextmanager
async def office(hub: Engine) -> AsyncIterator[None]:
    made = DeadLetterOffice(
        ledger=hub.ledger, transport=hub.bus, records=hub.records, page=hub.page, clock=hub.clock
    )
    task = asyncio.create_task(made.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()


async def kept(hub: Engine, number: int) -> list[DeadLetter]:
    """Wait for that many; the newest first."""
    found: list[DeadLetter] = []

    async def there() -> bool:
        found[:] = await hub.ledger.read(dead_letters.newest)
        return len(found) >= number

    await until(there)
    assert len(found) == number
    return found


def a_letter(number: int = 0, **changes: object) -> Letter:
    fields = {"topic": "receipts", "key": "k", "reason": f"no {number}", "value": b"v", "size": 1, "at": NOW}
    return Letter(**fields | changes)  # type: ignore[arg-type]


async def test_from_a_forged_record_to_the_ledger_and_to_staff(hub: Engine) -> None:
    async with office(hub), hub.running("receipts"):
        await hub.bus.publish_many(bus.RECEIPTS, [("a", b"forged"), ("a", b"\xff" * 40)])
        letters = await kept(hub, 2)
        assert {(letter.topic, letter.value) for letter in letters} == {
            (bus.RECEIPTS, b"forged"), (bus.RECEIPTS, b"\xff" * 40),
        }  # fmt: skip
        assert all("MAC" in letter.reason for letter in letters)

        async def paged() -> bool:
            return bool(hub.pages)

        await until(paged)
        assert {topic for topic, _ in hub.pages} == {TOPIC}, "one topic: the pager wakes nobody twice"


async def test_a_letter_that_is_none_is_kept_and_makes_no_other(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to the topic cannot make the office go round in circles, nor stop it."""
    monkeypatch.setattr(consumer, "BETWEEN_TRIES_S", 0.01)
    bad = "\x00\x1b[31m" + "k" * 500
    sealed = hub.records.seal(bus.DEAD_LETTERS, bad, a_letter(topic=bad, key=bad, reason=bad))
    async with office(hub):
        await hub.bus.publish_many(bus.DEAD_LETTERS, [("x", b"forged"), (bad, sealed), (bad, sealed[:-1])])
        letters = await kept(hub, 3)
        await hub.bus.publish(bus.DEAD_LETTERS, "x", b"another")
        await kept(hub, 4)
    assert all(text.isprintable() for letter in letters for text in (letter.topic, letter.key, letter.reason))
    assert max(len(letter.key) for letter in letters) == 128


async def test_the_newest_thousand_are_kept(hub: Engine) -> None:
    for start in (0, 700):
        some = [a_letter(number) for number in range(start, start + 700)]
        await hub.ledger.write(lambda conn, some=some: dead_letters.keep(conn, some))
    rows = await hub.ledger.read(
        lambda conn: conn.execute(
            select(tables.dead_letters.c.reason).order_by(tables.dead_letters.c.id)
        ).all()
    )
    assert [row.reason for row in rows] == [f"no {number}" for number in range(400, 1400)]
    assert len(rows) == MOST


async def test_they_are_seen_once_and_later_ones_are_not(hub: Engine) -> None:
    await hub.ledger.write(lambda conn: dead_letters.keep(conn, [a_letter(1), a_letter(2)]))
    newest, _ = await hub.ledger.read(dead_letters.newest)
    await hub.ledger.write(lambda conn: dead_letters.keep(conn, [a_letter(3)]))

    def seen(conn: object) -> int:
        return dead_letters.mark_seen(conn, STAFF, until=newest.id, at=NOW)  # type: ignore[arg-type]

    assert (await hub.ledger.write(seen), await hub.ledger.write(seen)) == (2, 0)
    assert await hub.ledger.read(dead_letters.unseen) == 1


async def test_nothing_is_lost_while_the_ledger_is_away(hub: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "AGAIN_S", 0.01)
    await hub.ledger.write(lambda conn: conn.exec_driver_sql("ALTER TABLE dead_letters RENAME TO elsewhere"))
    async with office(hub):
        await DeadLetters(hub.bus, hub.records).post([a_letter()])
        await asyncio.sleep(0.1)
        await hub.ledger.write(
            lambda conn: conn.exec_driver_sql("ALTER TABLE elsewhere RENAME TO dead_letters")
        )
        await kept(hub, 1)


@pytest.mark.kafka
async def test_over_kafka_a_foreign_record_of_any_kind_becomes_a_letter(
    tmp_path: Path, kafka_bootstrap: str
) -> None:
    """Nearly as large as Kafka takes, without a key, with one that is no text: a letter fits its topic."""
    prefix = f"test-{uuid4()}."
    topics = Path(__file__).parents[2] / "config" / "topics.toml"
    await ensure(kafka_bootstrap, ["mail"], path=topics, prefix=prefix)
    carrier = KafkaBus(kafka_bootstrap, client_id=prefix, prefix=prefix)
    async with (
        engine(tmp_path, channels={"mail": mail(9)}, bus=carrier) as hub,
        office(hub),
        hub.running("receipts"),
    ):
        foreign = [(b"\xff\xfe", bytes(900_000)), (None, b"{}"), (b"k" * 1_000, None)]
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        for key, value in foreign:
            await producer.send_and_wait(prefix + bus.RECEIPTS, value, key)
        await producer.stop()
        letters = await kept(hub, len(foreign))
    assert {letter.topic for letter in letters} == {bus.RECEIPTS}
    assert sorted(len(letter.value) for letter in letters) == [0, 2, MOST_BYTES]


def test_the_command_prints_what_is_ours_and_no_other_bytes(tmp_path: Path) -> None:
    settings = a_hub(tmp_path / "city")
    said = run("dead-letters", "-s", settings)
    assert (said.code, said.out) == (0, "There is none / ありません\n")
    records = RecordCodec(key_files.load(load(settings).keys))
    receipt = ReceiptRecord(channel="mail", ref="r", outcome=int(Outcome.DELIVERED), at=NOW)
    ours = records.seal(bus.RECEIPTS, "r", receipt)
    reason = "$.channel: 手段がありません / there is no such channel"
    letters = [
        a_letter(1, topic=bus.RECEIPTS, key="r", value=ours, reason=reason),
        a_letter(2, value=b"<script>[bold]secret"),
    ]
    asyncio.run(_keep(settings, letters))
    newest, oldest = json.loads(run("dead-letters", "-s", settings, "--json").out)
    assert oldest["record"]["ref"] == "r"
    assert (newest["record"], newest["bytes"], newest["seen_at"]) == (None, 20, None)
    shown = run("dead-letters", "-s", settings)
    assert "no such channel" in shown.out
    assert "secret" not in shown.out


async def _keep(settings: Path, letters: list[Letter]) -> None:
    async with initialise.opened(load(settings)) as ledger:
        await ledger.write(lambda conn: dead_letters.keep(conn, letters))
