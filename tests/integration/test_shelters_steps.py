"""Steps of a shelter as events: with the step or not at all, in order, harmless twice, and nobody's name in them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hub.bus import DEAD_LETTERS, SHELTER_STEPS, Bus
from hub.bus.embedded import EmbeddedBus
from hub.bus.kafka import KafkaBus
from hub.bus.topics import ensure
from hub.codec import RecordCodec
from hub.consumer import Consumer
from hub.errors import Conflict
from hub.gate import Stops
from hub.ledger import Ledger, tables
from hub.life import Life
from hub.sweep import Sweeper
from hub.testing.databases import with_schema
from shelters import record
from shelters.shelter import OPENING_ORDER, Stage, Step
from shelters.site import SiteCode
from shelters.step_record import StepRecord, newest
from tests.integration.engine import ALONE, KEYS

NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)
RECORDS = RecordCodec(KEYS)
TOPICS = Path(__file__).parents[2] / "config" / "topics.toml"
PATIENCE_S = 120.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = Ledger(with_schema(tmp_path / "ledger.db"))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bus]:
    made: Bus
    if request.param == "embedded":
        made = EmbeddedBus(tmp_path / "bus.db")
    else:
        server, prefix = request.getfixturevalue("kafka_bootstrap"), f"steps-{uuid4().hex[:8]}."
        await ensure(server, [], path=TOPICS, prefix=prefix)
        made = KafkaBus(server, client_id=f"test-{uuid4()}", prefix=prefix)
    await made.open()
    yield made
    await made.close()


def step(site: SiteCode, number: int, stage: Stage) -> Step:
    return Step(
        site=site, number=number, stage=stage, at=NOON, by="tanaka", opens_at=NOON + timedelta(hours=1), note="鍵は佐藤さん",
    )  # fmt: skip


async def take(ledger: Ledger, taken: Step) -> bool:
    return await ledger.write(lambda conn: record.take_step(conn, RECORDS, taken, people=0, recorded_at=NOON))


async def waiting(ledger: Ledger) -> Sequence[bytes]:
    rows = await ledger.read(
        lambda conn: conn.execute(tables.outbox.select().order_by(tables.outbox.c.id)).all()
    )
    return [row.value for row in rows]


async def test_a_step_is_announced_with_its_commit_or_not_at_all(ledger: Ledger) -> None:
    site = SiteCode("E1")
    assert await take(ledger, step(site, 1, Stage.PREPARING))
    assert not await take(ledger, step(site, 1, Stage.PREPARING))
    with pytest.raises(Conflict):
        await take(ledger, step(site, 3, Stage.STAFF_ARRIVED))

    def undone(conn: object) -> None:
        record.take_step(conn, RECORDS, step(site, 2, Stage.STAFF_ARRIVED), people=0, recorded_at=NOON)  # type: ignore[arg-type]
        raise Conflict("the power went")

    with pytest.raises(Conflict, match="power"):
        await ledger.write(undone)
    (value,) = await waiting(ledger)
    said = RECORDS.unseal(StepRecord, SHELTER_STEPS, site, value)
    assert (said.site, said.number, said.stage, said.opens_at) == (
        site,
        1,
        Stage.PREPARING,
        NOON + timedelta(hours=1),
    )
    assert b"tanaka" not in value
    assert "佐藤".encode() not in value


async def test_whoever_follows_knows_where_each_site_stands_however_often_it_comes(
    ledger: Ledger, bus: Bus
) -> None:
    sites = [SiteCode("E1"), SiteCode("E2")]
    for site in sites:
        for number, stage in enumerate((*OPENING_ORDER, Stage.CLOSED), 1):
            await take(ledger, step(site, number, stage))
    replayed = [(site, value) for site in sites for value in await waiting(ledger)]
    sweeper = Sweeper(
        ledger=ledger, transport=bus, stops=Stops(), capabilities={}, life=Life(ledger, name="test", leases=ALONE),
        only_process=True, clock=lambda: NOON,
    )  # fmt: skip
    stands: dict[SiteCode, StepRecord] = {}
    seen: list[tuple[SiteCode, int]] = []

    async def follow(told: Sequence[StepRecord]) -> None:
        for each in told:
            stands[each.site] = newest(stands.get(each.site), each)
            seen.append((each.site, each.number))

    consumer = Consumer(transport=bus, records=RECORDS, topic=SHELTER_STEPS, group="test", kind=StepRecord)
    running = [asyncio.create_task(work) for work in (sweeper.relay(), consumer.run(follow))]
    async with asyncio.timeout(PATIENCE_S):
        while len(seen) < 12:
            await asyncio.sleep(0.01)
        for site in sites:
            assert [number for at, number in seen if at == site] == [1, 2, 3, 4, 5, 6]
        closed = {site: stands[site].stage for site in sites}
        # An old record again, under its own site and under the other's; one of nobody's.
        await bus.publish_many(SHELTER_STEPS, [*replayed, ("E1", bytes(32) + b'{"site":"E1","number":99}')])
        async with bus.subscribe(DEAD_LETTERS, group="test") as letters:
            refused = 0
            while refused < 13:
                got = await letters.get()
                refused += len(got)
                await letters.commit(got)
        while len(seen) < 24 or await waiting(ledger):
            await asyncio.sleep(0.01)
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert {site: stands[site].stage for site in sites} == closed == dict.fromkeys(sites, Stage.CLOSED)
