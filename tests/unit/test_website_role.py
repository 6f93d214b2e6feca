"""The process that keeps the website: it outlives a database that is away, and a folder that cannot be written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from channels.website import FRAGMENT, Settings, Website
from hub.clock import utc_now
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
