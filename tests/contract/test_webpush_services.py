"""Two push services behind one channel: what one of them refuses, or never answers, holds up nobody of the other's (I7)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from channels.webpush import Settings, Webpush, vapid
from hub.breaker import FAILURES, HELD, Heard, heard
from hub.delivery import Outcome, Result
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import send
from hub.testing.channel_suite import HELD_S, until
from hub.testing.parcels import NOW, parcel
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.push import PushService

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Two:
    webpush: Webpush
    bad: PushService
    good: PushService
    key: str

    def browsers(self, service: PushService, number: int, *, first: int = 1) -> list[Recipient]:
        return [
            Recipient(id=RecipientId(n), address=service.subscribe(self.key).line)
            for n in range(first, first + number)
        ]

    async def say(self, to: Sequence[Recipient]) -> dict[RecipientId, Result]:
        said = await send(self.webpush, parcel(to))
        return {result.recipient: result for result in said.results}


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """At most `AT_ONCE` requests wait for either."""
    public = vapid.create(tmp_path / "webpush.key")
    async with (
        PushService(Inbox(), clock=lambda: NOW) as bad,
        PushService(Inbox(), clock=lambda: NOW) as good,
    ):
        settings = Settings(
            key_file=tmp_path / "webpush.key", subject="mailto:bosai@city.example",
            services=(bad.url, good.url), at_once=AT_ONCE,
        )  # fmt: skip
        webpush = Webpush(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=lambda: NOW)
        await webpush.open()
        yield Two(webpush, bad, good, public)
        await webpush.close()


async def test_a_service_that_asks_for_time_gets_it_and_the_other_goes_on(two: Two) -> None:
    two.bad.faults.throttle, two.bad.retry_after = 1.0, timedelta(seconds=600)
    bad, good = two.browsers(two.bad, 20), two.browsers(two.good, 20, first=21)
    first = await two.say([each for pair in zip(bad, good, strict=True) for each in pair])
    assert {first[each.id].outcome for each in good} == {Outcome.ACCEPTED}
    assert {first[each.id].outcome for each in bad} == {Outcome.THROTTLE}
    assert len(two.bad.requests) <= AT_ONCE, "after its answer it is left alone"
    assert {result.retry_after for result in first.values()} == {None, timedelta(seconds=600)}

    again = await two.say(bad)
    assert {(result.outcome, result.reason) for result in again.values()} == {(Outcome.THROTTLE, HELD)}
    assert len({result.retry_after for result in again.values()}) == 1, "they come back together"
    assert len(two.bad.requests) <= AT_ONCE
    assert heard(first.values()) is Heard.WORKS, "the channel goes on"
    assert heard(again.values()) is Heard.NOTHING, "nobody was asked"
    health = await two.webpush.probe()
    assert not health.ok
    assert two.bad.url in health.detail
    assert two.good.url not in health.detail


async def test_a_service_that_never_answers_keeps_no_place_of_the_others(two: Two) -> None:
    two.bad.faults.latency_s = HELD_S
    stuck = asyncio.create_task(two.say(two.browsers(two.bad, 5 * AT_ONCE)))
    await until(lambda: two.bad.in_flight == AT_ONCE)
    said = await two.say(two.browsers(two.good, 5 * AT_ONCE, first=100))
    assert {result.outcome for result in said.values()} == {Outcome.ACCEPTED}
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)


async def test_a_service_that_fails_is_tried_with_one_message_and_comes_back(two: Two) -> None:
    two.bad.faults.down = True
    bad = two.browsers(two.bad, 30)
    said = await two.say(bad)
    assert Counter(result.reason for result in said.values()).keys() == {"503", HELD}
    assert FAILURES <= len(two.bad.requests) <= FAILURES - 1 + AT_ONCE
    two.bad.faults.down = False
    accepted = 0
    async with asyncio.timeout(20):
        while not accepted:
            said = await two.say(bad)
            accepted = sum(result.outcome is Outcome.ACCEPTED for result in said.values())
    assert (await two.webpush.probe()).ok


async def test_where_no_service_takes_anything_the_channel_is_what_stops(two: Two) -> None:
    two.bad.faults.down = two.good.faults.down = True
    bad, good = two.browsers(two.bad, 8), two.browsers(two.good, 8, first=100)
    await two.say(bad)
    await two.say(good)
    assert heard((await two.say(bad)).values()) is Heard.FAILED


async def test_one_service_alone_is_the_channels_breakers_affair(two: Two, tmp_path: Path) -> None:
    settings = Settings(
        key_file=tmp_path / "webpush.key", subject="mailto:bosai@city.example", services=(two.bad.url,)
    )
    webpush = Webpush(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=lambda: NOW)
    two.bad.faults.throttle = 1.0
    await webpush.open()
    try:
        said = await send(webpush, parcel(two.browsers(two.bad, 3)))
        assert heard(said.results) is Heard.THROTTLED
    finally:
        await webpush.close()
