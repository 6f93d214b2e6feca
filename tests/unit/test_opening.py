"""A connector that cannot be opened: who hears of it, when it is tried again, and what keeps the hub from starting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from channels.manual import CAPABILITIES
from hub import outage
from hub.alert import Lane
from hub.capabilities import Capabilities
from hub.channel import Health, Parcel
from hub.clock import utc_now
from hub.delivery import Result
from hub.errors import BadSettings, PermanentFailure, Refused
from hub.live.memory import MemoryLive
from hub.opening import Opening
from hub.reasons import sides

SETTING = BadSettings("[channels.manual]", "is wrong / 誤りがあります")
OTHER_KIND = Refused("a rehearsal gateway / 訓練用です")


@dataclass
class Odd:
    """A connector; each try to open it does the next of `fails`, the last again and again."""

    fails: list[Exception | None]
    capabilities: Capabilities = CAPABILITIES
    did: list[str] = field(default_factory=list)
    hangs: bool = False

    async def open(self) -> None:
        self.did.append("open")
        if self.hangs:
            await asyncio.Event().wait()
        failure = self.fails.pop(0) if len(self.fails) > 1 else self.fails[0]
        if failure is not None:
            raise failure

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        raise AssertionError("nothing is sent")
        yield

    async def probe(self) -> Health:
        assert self.did[-1] == "open", "asked although it is not open"
        return Health(ok=True, detail="ある / there", checked_at=utc_now())

    async def close(self) -> None:
        self.did.append("close")


class Hub:
    """Around one opening."""

    def __init__(self, channel: Odd) -> None:
        self.live = MemoryLive()
        self.pages: list[tuple[str, str]] = []
        self.opening = Opening(
            channel, list(Lane), name="manual", live=self.live, clock=utc_now, page=self._page
        )

    def _page(self, topic: str, text: str) -> None:
        self.pages.append((topic, text))

    async def outages(self) -> set[Lane]:
        return {each.lane for each in await outage.known(self.live, ["manual"], now=utc_now())}

    @asynccontextmanager
    async def trying(self) -> AsyncIterator[asyncio.Task[None]]:
        running = asyncio.create_task(self.opening.run())
        try:
            yield running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.opening.FIRST_S", 0.001)
    monkeypatch.setattr("hub.opening.LONGEST_S", 0.001)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_one_that_opens_is_probed_itself_and_nobody_is_called() -> None:
    hub = Hub(Odd([None]))
    await hub.opening.begin()
    await hub.opening.opened()
    assert (await hub.opening.probe()).ok
    assert (hub.pages, await hub.outages()) == ([], set())


@pytest.mark.parametrize("wrong", [SETTING, OTHER_KIND])
async def test_at_the_start_a_wrong_setting_and_the_other_kind_of_gateway_are_told(wrong: Exception) -> None:
    channel = Odd([wrong])
    with pytest.raises(type(wrong)):
        await Hub(channel).opening.begin()
    assert channel.did == ["open", "close"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("later", [SETTING, OTHER_KIND, TypeError("a bug"), OSError()])
async def test_whatever_goes_wrong_later_ends_nothing(later: Exception) -> None:
    channel = Odd([TypeError("a bug"), later, later, None])
    hub = Hub(channel)
    await hub.opening.begin()
    assert not hub.opening.is_open
    async with hub.trying() as running, asyncio.timeout(60):
        await hub.opening.opened()
        await running
    assert channel.did == ["open", "close"] * 3 + ["open"], "each try begins from nothing"


@pytest.mark.usefixtures("at_once")
async def test_staff_see_it_and_are_called_once_in_both_languages() -> None:
    channel = Odd([TypeError("secret-of-ours")])
    hub = Hub(channel)
    await hub.opening.begin()
    async with hub.trying():
        await until(lambda: channel.did.count("open") > 3)
        assert await hub.outages() == set(Lane)
        health = await hub.opening.probe()
        channel.fails = [None]
        await hub.opening.opened()
    ((topic, text),) = hub.pages
    assert topic == "probe manual"
    for said in (text, health.detail):
        japanese, english = sides(said)
        assert japanese != english
        assert "TypeError" not in said
        assert "secret-of-ours" not in said
    assert not health.ok


@pytest.mark.usefixtures("at_once")
async def test_once_it_is_open_no_outage_is_left() -> None:
    hub = Hub(Odd([OSError(), OSError(), None]))
    await hub.opening.begin()
    async with hub.trying() as running, asyncio.timeout(60):
        await running
    assert await hub.outages() == set()


async def test_what_the_connector_says_itself_is_said_on() -> None:
    hub = Hub(Odd([PermanentFailure("gone", "it has moved / 移転しました")]))
    await hub.opening.begin()
    assert (await hub.opening.probe()).detail == "it has moved / 移転しました"


async def test_one_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.opening.START_WITHIN_S", 0.01)
    channel = Odd([None], hangs=True)
    hub = Hub(channel)
    async with asyncio.timeout(60):
        await hub.opening.begin()
    assert channel.did == ["open", "close"]
    assert "時間内に応答がありません" in (await hub.opening.probe()).detail


@pytest.mark.usefixtures("at_once")
async def test_one_that_is_slow_at_the_start_alone_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.opening.START_WITHIN_S", 0.01)
    channel = Odd([None], hangs=True)
    hub = Hub(channel)
    await hub.opening.begin()
    channel.hangs = False
    async with hub.trying() as running, asyncio.timeout(60):
        await running
    assert hub.pages == []


class Unclosable(Odd):
    async def close(self) -> None:
        raise RuntimeError("cannot be closed either")


async def test_that_it_cannot_be_closed_either_harms_nobody() -> None:
    await Hub(Unclosable([OSError()])).opening.begin()


@pytest.mark.usefixtures("at_once")
async def test_what_remembers_the_present_may_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError

    channel = Odd([OSError(), OSError(), None])
    hub = Hub(channel)
    monkeypatch.setattr(hub.live, "put", away)
    await hub.opening.begin()
    async with hub.trying() as running, asyncio.timeout(60):
        await running
    assert hub.opening.is_open
