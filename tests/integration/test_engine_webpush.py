"""Notifications through the engine: an update takes the place of its alert, and who is gone leaves the register."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from channels.webpush import Settings, Webpush, vapid
from channels.webpush.blame import FEW
from hub.cap import MsgType
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.ledger import held_back, packs
from hub.recipient import Targeting, WholeCity
from hub.testing.alerts import a_message
from hub.testing.channel_suite import until
from tests.integration.engine import OUTBOUND, Engine, engine, residents
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.push import PushService

ORDER = a_message(targeting=Targeting(audience=WholeCity(), channels=("webpush",)))


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with PushService(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(tmp_path: Path, service: PushService) -> AsyncIterator[Engine]:
    """Twenty-one browsers."""
    key = tmp_path / "webpush.key"
    public = vapid.create(key)
    settings = Settings(key_file=key, subject="mailto:bosai@city.example", services=(service.url,))
    webpush = Webpush(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(tmp_path, channels={"webpush": webpush}) as made:
        await made.register(
            residents(21, channel="webpush", address=lambda _: service.subscribe(public).line)
        )
        yield made


async def registered(hub: Engine) -> int:
    return len(await hub.ledger.read(lambda conn: packs.everyone(conn, "webpush")))


async def test_an_update_of_an_update_has_the_topic_of_the_first(hub: Engine, service: PushService) -> None:
    sent: list[str] = []
    async with hub.running():
        for _ in range(3):
            update = replace(ORDER, msg_type=MsgType.UPDATE, references=tuple(sent[-1:]))
            sent.append(await hub.send(update if sent else ORDER))
            await hub.done(sent[-1])
        other = await hub.send(ORDER)
        await hub.done(other)
    inbox = service.inbox
    topics = {line: [each.key for each in inbox.of("webpush", line)] for line in inbox.addresses("webpush")}
    assert len(topics) == 21
    for first, second, third, fourth in topics.values():
        assert first == second == third != fourth


async def test_a_browser_that_gave_its_subscription_up_leaves_the_register(
    hub: Engine, service: PushService
) -> None:
    gone = [service.browsers.popitem()[1].subscription.line for _ in range(2)]
    async with hub.running():
        tallies = await hub.done(first := await hub.send(ORDER))
        assert (tallies["webpush"].accepted, tallies["webpush"].failed) == (19, 2)
        tallies = await hub.done(await hub.send(ORDER))
    assert (tallies["webpush"].planned, tallies["webpush"].accepted) == (19, 19)
    assert await registered(hub) == 19
    lost = {id_ for id_, address in hub.addresses.items() if address in gone}
    outcomes = await hub.outcomes(first, "webpush")
    assert {id_ for id_, outcome in outcomes.items() if outcome is Outcome.PERMANENT} == lost
    assert await hub.audited() > 0
    since = hub.clock() - timedelta(hours=1)
    assert await hub.ledger.read(lambda conn: held_back.ended(conn, "webpush", since=since)) == 2
    assert await hub.ledger.read(lambda conn: held_back.ended(conn, "webpush", since=hub.clock())) == 0


async def test_a_service_that_calls_everybody_gone_takes_few_out(hub: Engine, service: PushService) -> None:
    assert len(service.browsers) > FEW
    service.browsers.clear()
    async with hub.running():
        tallies = await hub.done(await hub.send(ORDER))
    assert tallies["webpush"].failed == 21
    assert await registered(hub) == 21 - FEW


async def test_a_key_that_is_refused_for_a_while_costs_nobody_the_alert(
    hub: Engine, service: PushService
) -> None:
    async with hub.running():
        await hub.done(await hub.send(ORDER))
        service.faults.credentials = True
        alert = await hub.send(ORDER)
        await until(lambda: bool(hub.pages))
        service.faults.credentials = False
        tallies = await hub.done(alert)
    assert {topic for topic, _ in hub.pages} <= {"credentials webpush", "stopped webpush"}
    assert (tallies["webpush"].planned, tallies["webpush"].accepted) == (21, 21)


async def test_a_service_that_asks_for_time_keeps_nobody_of_another_waiting(
    tmp_path: Path, service: PushService
) -> None:
    service.faults.throttle, service.retry_after = 1.0, timedelta(hours=1)
    async with PushService(Inbox()) as other:
        key = tmp_path / "webpush.key"
        public = vapid.create(key)
        settings = Settings(
            key_file=key, subject="mailto:bosai@city.example", services=(service.url, other.url)
        )
        webpush = Webpush(settings, outbound=OUTBOUND, clock=utc_now)
        async with engine(tmp_path, channels={"webpush": webpush}) as hub:
            await hub.register(
                residents(
                    1200, channel="webpush",
                    address=lambda n: (service if n % 2 else other).subscribe(public).line,
                )
            )  # fmt: skip
            async with hub.running():
                await hub.send(ORDER)
                await until(lambda: len(list(other.inbox.addresses("webpush"))) == 600)
    assert not list(service.inbox.addresses("webpush"))
