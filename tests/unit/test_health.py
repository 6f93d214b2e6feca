"""Proof of life: two misses page, and a probe that breaks breaks nothing else."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.mail import Mail, Settings
from channels.mail.settings import Security
from hub.channel import Channel, Health
from hub.clock import utc_now
from hub.health import Prober, known
from hub.live.memory import MemoryLive
from hub.outbound import Deployment, Outbound
from hub.reasons import sides
from yobikake.rehearsal.smtp import SmtpGateway


@pytest.fixture(autouse=True)
def probes_come_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.health.EVERY", timedelta(milliseconds=10))


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway() as gateway:
        yield gateway


@pytest.fixture
async def mail(smarthost: SmtpGateway) -> AsyncIterator[Mail]:
    settings = Settings(
        host="127.0.0.1", port=smarthost.port, security=Security.NONE, sender="bousai@city.example",
        warm_connections=0,
    )  # fmt: skip
    mail = Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=utc_now)
    yield mail
    await mail.close()


class Rounds:
    """A prober at work."""

    def __init__(self, channels: Mapping[str, Channel], live: MemoryLive) -> None:
        self.pages: list[str] = []
        self.recovered: list[str] = []
        self.texts: list[str] = []
        self.live = live
        self.channels = channels

    def page(self, topic: str, text: str) -> None:
        self.pages.append(topic)
        self.texts.append(text)

    def over(self, topic: str, text: str) -> None:
        self.recovered.append(topic)

    async def until(self, *, pages: int = 0, ok: bool | None = None) -> None:
        prober = Prober(
            channels=self.channels, live=self.live, clock=utc_now, page=self.page, recovered=self.over
        )
        running = asyncio.create_task(prober.run())
        try:
            async with asyncio.timeout(120):
                while not await self._seen(pages, ok):
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.005)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _seen(self, pages: int, ok: bool | None) -> bool:
        health = (await known(self.live, ["mail"])).get("mail")
        return len(self.pages) >= pages and (ok is None or (health is not None and health.ok is ok))


async def test_a_living_channel_is_known_to_live(mail: Mail) -> None:
    rounds = Rounds({"mail": mail}, MemoryLive())
    await rounds.until(ok=True)
    assert rounds.pages == []


async def test_staff_are_paged_after_two_misses_in_a_row(mail: Mail, smarthost: SmtpGateway) -> None:
    smarthost.faults.down = True
    rounds = Rounds({"mail": mail}, MemoryLive())
    await rounds.until(pages=1, ok=False)
    assert set(rounds.pages) == {"probe mail"}
    failing = (await known(rounds.live, ["mail"]))["mail"]
    assert failing.failing_since is not None
    assert failing.failing_since < failing.checked_at, "since the first of them"
    smarthost.faults.down = False
    await rounds.until(ok=True)
    assert (await known(rounds.live, ["mail"]))["mail"].failing_since is None


class BrokenLive(MemoryLive):
    async def put(self, values: Mapping[str, tuple[int, bytes]]) -> None:
        raise ConnectionError("the present is away")


async def test_what_remembers_the_present_may_be_away(mail: Mail, smarthost: SmtpGateway) -> None:
    smarthost.faults.down = True
    await Rounds({"mail": mail}, BrokenLive()).until(pages=1)


class Unforeseen(Mail):
    async def probe(self) -> Health:
        raise RuntimeError("a bug")


async def test_a_probe_that_breaks_is_a_miss_and_stops_no_other(smarthost: SmtpGateway, mail: Mail) -> None:
    broken = object.__new__(Unforeseen)
    rounds = Rounds({"broken": broken, "mail": mail}, MemoryLive())
    await rounds.until(pages=1, ok=True)
    assert set(rounds.pages) == {"probe broken"}
    japanese, english = sides(rounds.texts[0])
    assert "想定外の誤り" in japanese
    assert "see the log" in english
    assert "RuntimeError" not in rounds.texts[0], "a name in a program is no sentence"


class Hanging(Mail):
    async def probe(self) -> Health:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_probe_without_an_answer_is_said_in_words() -> None:
    hanging = object.__new__(Hanging)
    hanging.capabilities = replace(Mail.capabilities, request_deadline=timedelta(milliseconds=1))
    rounds = Rounds({"hanging": hanging}, MemoryLive())
    await rounds.until(pages=1)
    japanese, english = sides(rounds.texts[0])
    assert "時間内に応答がありません" in japanese
    assert "no answer in time" in english


async def test_what_nobody_has_probed_yet_is_not_known() -> None:
    kinds: Sequence[str] = ["mail"]
    assert await known(MemoryLive(), list(kinds)) == {}


async def test_who_was_paged_hears_that_it_answers_again(mail: Mail, smarthost: SmtpGateway) -> None:
    """Also of what an earlier process paged: whether anybody was called, the pager knows."""
    rounds = Rounds({"mail": mail}, MemoryLive())
    await rounds.until(ok=True)
    assert rounds.recovered == ["probe mail"]
    smarthost.faults.down = True
    running = rounds.until(pages=1, ok=False)
    await running
    smarthost.faults.down = False
    await rounds.until(ok=True)
    assert rounds.recovered == ["probe mail"] * 2
