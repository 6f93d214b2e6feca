"""The process that keeps the website: it outlives a database that is away, and a folder that cannot be written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from channels.website import Settings, Website
from channels.website.folder import FRAGMENT
from channels.website.place import Failed, InForce
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.testing.channel_suite import REHEARSAL
from yobikake import website_role

HANG_S = 60
AWAY = [OperationalError("select", {}, Exception("server closed the connection")), NoConnection("pool")]


@dataclass
class Ledger:
    """Empty, and away while it has something to raise."""

    away: SQLAlchemyError | None = None
    asked: int = 0
    waited: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, _work: Callable[[Any], Any]) -> list[Any]:
        self.asked += 1
        if self.asked > 2:
            self.waited.set()
        if self.away is not None:
            raise self.away
        return []


@pytest.fixture
async def website(tmp_path: Path) -> AsyncIterator[Website]:
    settings = Settings(directory=tmp_path / "site", title="よびかけ市", link="https://city.example/")
    website = Website(settings, outbound=REHEARSAL, clock=utc_now)
    yield website
    await website.close()


@pytest.fixture(autouse=True)
def it_looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(website_role, "EVERY_S", 0.01)


async def running(website: Website, ledger: Ledger) -> asyncio.Task[None]:
    channels = {"website": SimpleNamespace(channel=website)}
    return asyncio.create_task(
        website_role.run(SimpleNamespace(channels=channels, ledger=ledger, clock=utc_now, keys=None))
    )


@pytest.mark.parametrize("away", AWAY, ids=["away", "no connection"])
async def test_a_database_that_is_away_ends_no_role(
    website: Website, tmp_path: Path, away: SQLAlchemyError
) -> None:
    (tmp_path / "site").mkdir()
    ledger = Ledger(away)
    role = await running(website, ledger)
    async with asyncio.timeout(HANG_S):
        await ledger.waited.wait()
        assert not (tmp_path / "site" / FRAGMENT).exists(), "not knowing is not the same as nothing in force"
        ledger.away = None
        while not (tmp_path / "site" / FRAGMENT).exists():
            assert not role.done(), role.exception()
            await asyncio.sleep(0.01)
    role.cancel()


@pytest.mark.parametrize(
    ("failed", "waits_s"),
    [
        (Failed(Outcome.TEMPORARY, "503"), [5, 10, 20, 40, 60, 60]),
        (Failed(Outcome.CREDENTIALS, "401"), [5, 10, 20, 40, 80, 160, 300, 300]),
        (Failed(Outcome.THROTTLE, "429", timedelta(seconds=90)), [90, 90]),
        (Failed(Outcome.THROTTLE, "429", timedelta(days=1)), [300, 300]),
    ],
    ids=["down", "refused", "asks for time", "asks for a day"],
)
async def test_a_place_that_fails_is_asked_less_and_less(
    monkeypatch: pytest.MonkeyPatch, failed: Failed, waits_s: list[int]
) -> None:
    """Who is refused and asks every few seconds is locked out."""
    monkeypatch.setattr(website_role, "EVERY_S", 5)
    clock = SimpleNamespace(s=0.0)
    monkeypatch.setattr(website_role, "_now_s", lambda: clock.s)
    asked: list[float] = []

    async def keep(_in_force: InForce) -> None:
        asked.append(clock.s)
        raise failed

    assembly = SimpleNamespace(ledger=Ledger(), clock=utc_now, keys=None)
    keeper = website_role._Keeper(assembly, "wordpress", SimpleNamespace(keep=keep))
    while len(asked) <= len(waits_s):
        await keeper.look()
        clock.s += 5
    assert [after - before for before, after in pairwise(asked)] == waits_s


async def test_a_folder_that_is_not_there_is_tried_again(website: Website, tmp_path: Path) -> None:
    ledger = Ledger()
    role = await running(website, ledger)
    async with asyncio.timeout(HANG_S):
        await ledger.waited.wait()
        (tmp_path / "site").mkdir()
        while not (tmp_path / "site" / FRAGMENT).exists():
            assert not role.done(), role.exception()
            await asyncio.sleep(0.01)
    role.cancel()
