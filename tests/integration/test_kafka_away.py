"""A hub over Kafka whose processes start while Kafka is away: it sends all the same (I14), and takes to Kafka
once it is there."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hub.alert import Lane
from hub.bus import deliveries
from hub.bus.kafka import administration
from tests.integration.city_hub import city_hub, gateway, received
from tests.servers.absence import absent
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.program import advice, missing

pytestmark = [pytest.mark.kafka, pytest.mark.postgresql]

RECIPIENTS = 60
SPLIT = (("fanout", "sweep"), ("mail",))


async def test_processes_that_start_while_it_is_away_send_all_the_same(
    tmp_path: Path, database_url: str
) -> None:
    if lacking := missing(Kafka.needs()):
        absent(advice(lacking))
    (tmp_path / "kafka").mkdir()
    kafka, log = Kafka(tmp_path / "kafka"), tmp_path / "gateway.jsonl"
    servers = {"ledger": {"url": database_url}, "bus": {"kafka": kafka.address, "prefix": "away."}}
    async with (
        gateway(log) as port,
        city_hub(tmp_path / "hub", port=port, recipients=RECIPIENTS, servers=servers) as hub,
        AsyncExitStack() as stack,
    ):
        for roles in SPLIT:
            await stack.enter_async_context(hub.serving(*roles))
        assert (await hub.done(await hub.send())).accepted == RECIPIENTS
        assert set(received(log).values()) == {1}
        assert not kafka.running, "it was away all the time"
        stack.push_async_callback(kafka.stop)
        await kafka.start()
        await _has(kafka, f"away.{deliveries('mail', Lane.URGENT)}")
        assert (await hub.done(await hub.send())).accepted == RECIPIENTS
        assert set(received(log).values()) == {2}


async def _has(kafka: Kafka, topic: str) -> None:
    async with asyncio.timeout(120), administration(kafka.address) as cluster:
        while topic not in await cluster.topics([topic]):
            await asyncio.sleep(0.2)
