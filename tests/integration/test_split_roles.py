"""The same alert through several processes over Kafka, PostgreSQL and Redis: the same counts as embedded."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.progress import Tally
from tests.integration.city_hub import city_hub, gateway, kill, received

pytestmark = [pytest.mark.kafka, pytest.mark.postgresql, pytest.mark.redis]

RECIPIENTS = 2_000
FAULTS = {"permanent": 0.02, "temporary": 0.05, "seed": 7}
SPLIT = (("fanout", "sweep"), ("receipts",), ("mail",), ("mail",))


@pytest.fixture
def servers(database_url: str, kafka_bootstrap: str, redis_url: str) -> dict[str, Any]:
    """A database of this test's own; Kafka and Redis are shared, and claims keep hubs apart."""
    return {
        "ledger": {"url": database_url},
        "bus": {"kafka": kafka_bootstrap},
        "live": {"redis": redis_url, "share": 0.5},
    }


@pytest.mark.alone
async def test_split_over_processes_the_counts_are_those_of_one_process(
    tmp_path: Path, servers: dict[str, Any]
) -> None:
    embedded = await _send_embedded(tmp_path / "embedded")
    split = await _send_split(tmp_path / "split", servers)
    assert (split.planned, split.accepted, split.failed) == (
        embedded.planned,
        embedded.accepted,
        embedded.failed,
    )
    assert split.reasons == embedded.reasons
    assert split.accepted + split.failed == RECIPIENTS


async def test_a_worker_that_is_killed_is_taken_over_by_the_other(
    tmp_path: Path, servers: dict[str, Any]
) -> None:
    log = tmp_path / "gateway.jsonl"
    async with (
        gateway(log, drain_per_s=1_000) as port,
        _hub(tmp_path / "hub", port, servers) as hub,
        AsyncExitStack() as stack,
    ):
        processes = [await stack.enter_async_context(hub.serving(*roles)) for roles in SPLIT]
        alert = await hub.send()
        await hub.until(lambda: received(log).total() > RECIPIENTS // 4)
        kill(processes[-1])
        await processes[-1].wait()
        tally = await hub.done(alert)
        outcomes, resent = await hub.outcomes(alert)
        times_received = received(log)
    assert tally.accepted + tally.ambiguous == RECIPIENTS
    assert times_received.keys() == outcomes.keys() == set(hub.addresses.values())
    assert {address for address, times in times_received.items() if times > 1} <= resent


async def _send_embedded(folder: Path) -> Tally:
    async with (
        gateway(folder.with_suffix(".jsonl"), **FAULTS) as port,
        city_hub(folder, port=port, recipients=RECIPIENTS) as hub,
        hub.serving(),
    ):
        return await hub.done(await hub.send())


async def _send_split(folder: Path, servers: dict[str, Any]) -> Tally:
    async with (
        gateway(folder.with_suffix(".jsonl"), **FAULTS) as port,
        _hub(folder, port, servers) as hub,
        AsyncExitStack() as stack,
    ):
        for roles in SPLIT:
            await stack.enter_async_context(hub.serving(*roles))
        return await hub.done(await hub.send())


def _hub(folder: Path, port: int, servers: dict[str, Any]) -> Any:
    return city_hub(folder, port=port, recipients=RECIPIENTS, servers=servers)
