"""Who watches the watchers: probes and canaries that stop are noticed by another process (I15)."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.canary import Canary, Proof, only
from hub.channel import Health
from hub.health import SILENT_AFTER, share
from hub.ledger import Ledger, canaries
from hub.live.memory import MemoryLive
from hub.silence import Silence
from hub.testing.databases import with_schema

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Away(MemoryLive):
    async def get(self, keys: Sequence[str]) -> Any:
        raise ConnectionError("the present is away")


class Watch:
    """Of a channel with a canary every quarter of an hour."""

    def __init__(self, ledger: Ledger, live: MemoryLive, *to: str) -> None:
        self.ledger, self.live, self.now = ledger, live, NOW
        self.pages, self.over = list[str](), list[str]()
        channel: Any = None  # nothing is asked of it
        canary = Canary(
            kind="mail", channel=channel, to=only(*to), proof=Proof.READ_BACK, at=time(10), every=15 * MINUTE,
            wait=10 * MINUTE,
        )  # fmt: skip
        self.silence = Silence(
            {"mail": "メール"}, [canary], ledger=ledger, live=live, clock=lambda: self.now,
            page=lambda topic, _: self.pages.append(topic), recovered=lambda topic, _: self.over.append(topic),
        )  # fmt: skip

    async def after(self, passed: timedelta) -> None:
        self.now += passed
        await self.silence.look()

    async def probe(self) -> None:
        await share(self.live, "mail", Health(ok=True, detail="", checked_at=self.now), missed=0)

    async def canary(self, *, arrived: bool) -> None:
        last = (await self.ledger.read(canaries.known)).get("mail")
        sent_at = last.sent_at if last else None
        await self.ledger.write(lambda conn: canaries.begin(conn, "mail", key="a", last=sent_at, at=self.now))
        if arrived:
            await self.ledger.write(lambda conn: canaries.prove(conn, "mail", key="a", at=self.now))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    yield ledger
    await ledger.close()


async def test_where_nobody_probes_staff_hear_of_it_and_that_somebody_does_again(ledger: Ledger) -> None:
    watch = Watch(ledger, MemoryLive())
    await watch.after(SILENT_AFTER - MINUTE)
    assert watch.pages == [], "a hub that has just started has probed nothing yet"
    await watch.after(MINUTE)
    assert (watch.pages, watch.over) == (["silent mail"], [])
    await watch.probe()
    await watch.after(MINUTE)
    await watch.after(MINUTE)
    assert (watch.pages, watch.over) == (["silent mail"], ["silent mail"])
    await watch.after(SILENT_AFTER)
    assert watch.pages == ["silent mail"] * 2


@pytest.mark.parametrize("arrived", [True, False])
async def test_canaries_that_nobody_sends_or_gives_up_any_more_are_noticed(
    ledger: Ledger, arrived: bool
) -> None:
    watch = Watch(ledger, MemoryLive(), "canary@city.example")
    await watch.canary(arrived=arrived)
    for minutes in (15, 9):
        await watch.probe()
        await watch.after(minutes * MINUTE)
    assert watch.pages == []
    await watch.probe()
    await watch.after(10 * MINUTE)
    assert watch.pages == ["silent mail"]


async def test_where_a_canary_has_nobody_to_go_to_none_is_missed(ledger: Ledger) -> None:
    watch = Watch(ledger, MemoryLive())
    for _ in range(10):
        await watch.probe()
        await watch.after(10 * MINUTE)
    assert watch.pages == []


async def test_what_nobody_can_know_wakes_nobody(ledger: Ledger) -> None:
    watch = Watch(ledger, Away())
    await watch.after(2 * SILENT_AFTER)
    assert (watch.pages, watch.over) == ([], [])
