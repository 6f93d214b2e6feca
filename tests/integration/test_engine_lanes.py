"""Urgent work overtakes routine work, also behind our socket; a gateway that takes nothing is left alone."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from channels.voice import Settings as VoiceSettings
from channels.voice import Voice
from hub import claim, outage
from hub.alert import Lane
from hub.breaker import FAILURES, State
from hub.capabilities import ROUTINE_BATCH
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome
from hub.evacuation import Level
from hub.language import Language
from hub.ledger import batches, tables
from hub.live.redis import RedisLive
from hub.recipient import Targeting, Towns, WholeCity, Zone
from hub.window import OUTSTANDING_S
from hub.worker import AHEAD
from tests.integration.engine import (
    AUTHOR,
    OUTBOUND,
    Engine,
    engine,
    line,
    line_user,
    mail,
    received,
    residents,
    until,
)
from tests.integration.test_engine_deliver import NoBus
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.twilio import TwilioGateway

CONNECTIONS = 20
VARIES = timedelta(milliseconds=50)
ROUTINE: dict[str, Any] = {"level": Level.ADVISORY}


@pytest.fixture(autouse=True)
def retries_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(0))


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@asynccontextmanager
async def two_lanes(folder: Path, smarthost: SmtpGateway, **overrides: Any) -> AsyncIterator[Engine]:
    """Mail with connections of each lane's own."""
    urgent, routine = (mail(smarthost.port, connections=CONNECTIONS) for _ in range(2))
    async with engine(folder, channels={"mail": urgent}, routine={"mail": routine}, **overrides) as hub:
        yield hub


@pytest.fixture
async def hub(tmp_path: Path, smarthost: SmtpGateway) -> AsyncIterator[Engine]:
    async with two_lanes(tmp_path, smarthost) as made:
        yield made


async def homogeneous(hub: Engine, number: int, **changes: Any) -> None:
    """So many, all in one variant."""
    await hub.register(residents(number, language=Language.JA, zone=Zone("z0"), **changes))


def times(smarthost: SmtpGateway) -> list[datetime]:
    """When each recipient's mail was taken, by the gateway's clock."""
    assert smarthost.inbox is not None
    inbox = smarthost.inbox
    return sorted(each.at for address in inbox.addresses("mail") for each in inbox.of("mail", address))


# --- routine is paced to what the gateway drains (I4) ---


async def test_a_gateway_that_answers_slowly_never_holds_more_than_two_seconds_of_routine(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    """Nobody has said how fast it is. Its twenty connections alone would hold five seconds of it."""
    smarthost.faults.drain_per_s = rate = 100.0
    await homogeneous(hub, 600)
    most = 0.0
    async with hub.running():
        alert = await hub.send(**ROUTINE)

        async def over() -> bool:
            nonlocal most
            most = max(most, smarthost.drain.behind_s)
            return (await hub.tally(alert))["mail"].done

        await until(over)
    assert 2 * ROUTINE_BATCH / rate < most, "more than one batch at a time"
    assert most <= OUTSTANDING_S + ROUTINE_BATCH / rate
    assert set(received(smarthost.inbox).values()) == {1}


async def test_a_gateway_that_queues_never_holds_more_than_two_seconds_of_routine(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """It takes everything at once; only its settings say what it passes on."""
    rate = 200.0
    async with two_lanes(tmp_path, smarthost, drain_per_s=rate) as hub:
        await homogeneous(hub, 600)
        async with hub.running():
            await hub.done(await hub.send(**ROUTINE))
    queue, passed_on_at = 0.0, times(smarthost)[0]
    for at in times(smarthost):
        queue = max(0.0, queue - rate * (at - passed_on_at).total_seconds()) + 1
        passed_on_at = at
        assert queue <= OUTSTANDING_S * rate


async def test_urgent_mail_is_not_paced_to_the_drain(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with two_lanes(tmp_path, smarthost, drain_per_s=0.01) as hub:
        await homogeneous(hub, 300)
        async with hub.running():
            await hub.done(await hub.send())
    assert set(received(smarthost.inbox).values()) == {1}


async def test_urgent_overtakes_a_backlog_of_routine(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the gateway's own record: what it took between the first and the last urgent mail."""
    monkeypatch.setattr("hub.right_of_way.SEEN_S", 0.3)
    smarthost.faults.drain_per_s = rate = 200.0
    await homogeneous(hub, 1_200, towns=("t1",))
    await homogeneous(hub, 100, towns=("t2",), address=lambda i: f"urgent{i}@mail.example")
    async with hub.running():
        routine = await hub.send(**ROUTINE)

        async def under_way() -> bool:
            return sum(received(smarthost.inbox).values()) > 2 * rate

        await until(under_way)
        before = sum(received(smarthost.inbox).values())
        urgent = await hub.send(
            targeting=Targeting(audience=Towns(towns=("t2",)), channels=("mail",)), valid_for_s=3600
        )
        await hub.done(urgent)
        between = sum(received(smarthost.inbox).values()) - before - 100
        assert not (await hub.tally(routine))["mail"].done
        assert between <= OUTSTANDING_S * rate + ROUTINE_BATCH
        await hub.done(routine)
    assert (await hub.tally(routine))["mail"].accepted == 1_300


async def test_routine_begins_nothing_while_urgent_work_is_there(
    tmp_path: Path, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it hangs at its gateway; routine mail has a smarthost of its own, and could go."""
    monkeypatch.setattr("hub.worker.ANNOUNCE_EVERY_S", 0.1)
    async with SmtpGateway(Inbox()) as hangs:
        channels = {"mail": mail(hangs.port)}
        routine = {"mail": mail(smarthost.port)}
        async with engine(tmp_path, channels=channels, routine=routine) as hub:
            await homogeneous(hub, 60)
            hangs.faults.latency_s = 600
            async with hub.running():
                urgent = await hub.send()

                async def asked() -> bool:
                    return hangs.in_flight > 0

                await until(asked)
                waiting = await hub.send(**ROUTINE)
                await hub.planned(waiting)
                for _ in range(20):
                    assert await hub.live.held("urgent:mail")
                    await asyncio.sleep(0.05)
                assert smarthost.transactions == 0
                await hub.intake.stop(urgent, AUTHOR)
                await hub.done(waiting)
    assert set(received(smarthost.inbox).values()) == {1}


async def the_only_batch(hub: Engine) -> BatchId:
    query = select(tables.batches.c.id).where(tables.batches.c.channel == "mail")
    return BatchId(await hub.ledger.read(lambda conn: conn.execute(query).scalar_one()))


async def test_a_batch_that_came_both_ways_while_it_stood_back_is_begun_once(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the bus, and from the sweep: both wait for the right of way, and get it at the same moment."""
    await homogeneous(hub, 5)
    async with hub.running("fanout"):
        await hub.planned(await hub.send(**ROUTINE))
    batch, worker, begun = await the_only_batch(hub), hub.worker("mail", Lane.ROUTINE), 0
    attempt = worker._delivery.attempt

    async def counted(*of: Any) -> Any:
        nonlocal begun
        begun += 1
        return await attempt(*of)

    monkeypatch.setattr(worker._delivery, "attempt", counted)
    worker._window.end(BatchId("earlier"), taken=1_000)  # so fast a gateway has room for more than one
    await hub.live.hold("urgent:mail", 600)
    both = [asyncio.create_task(worker._start(batch)) for _ in range(2)]

    async def wait() -> bool:
        return worker._waiting == 2

    async def over() -> bool:
        return begun > 0 and not worker._busy

    await until(wait)
    monkeypatch.setattr(hub.live, "_held_until", {})
    await asyncio.gather(*both)
    await until(over)
    assert begun == 1
    assert received(smarthost.inbox).total() == 5


async def test_a_batch_that_is_asked_for_twice_at_once_is_claimed_once(hub: Engine) -> None:
    await homogeneous(hub, 5)
    async with hub.running("fanout"):
        await hub.planned(await hub.send(**ROUTINE))
    batch = await the_only_batch(hub)
    first, second = await claim.take(hub.ledger, hub.life, hub.life.leases, [batch, batch])
    assert first is not None
    assert second is None


async def test_routine_does_not_wait_for_ever(
    tmp_path: Path, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.right_of_way.STANDS_BACK_S", 0.3)
    async with SmtpGateway(Inbox()) as hangs:
        channels = {"mail": mail(hangs.port)}
        routine = {"mail": mail(smarthost.port)}
        async with engine(tmp_path, channels=channels, routine=routine) as hub:
            await homogeneous(hub, 60)
            hangs.faults.latency_s = 600
            async with hub.running():
                await hub.send()

                async def asked() -> bool:
                    return hangs.in_flight > 0

                await until(asked)
                await hub.done(await hub.send(**ROUTINE))
                assert hangs.in_flight > 0
    assert set(received(smarthost.inbox).values()) == {1}


# --- the contract's rate ---


@asynccontextmanager
async def calling(folder: Path, *, calls_per_s: int) -> AsyncIterator[tuple[Engine, TwilioGateway]]:
    sid, token = f"AC{'5' * 32}", folder / "twilio.token"
    token.write_text("not-a-token-of-anybody\n")
    async with TwilioGateway(Inbox(), account_sid=sid, auth_token="not-a-token-of-anybody") as twilio:
        settings = VoiceSettings(
            account_sid=sid,
            auth_token_file=token,
            from_number="+815000000000",
            callback_url="http://127.0.0.1:1/callbacks/voice",
            base_url=twilio.url,
            calls_per_s=calls_per_s,
        )
        voices = [Voice(settings, outbound=OUTBOUND, clock=utc_now) for _ in range(2)]
        channels, routine = {"voice": voices[0]}, {"voice": voices[1]}
        async with engine(folder, channels=channels, routine=routine, receipt_wait=timedelta(0)) as hub:
            yield hub, twilio


def phone(number: int) -> str:
    return f"+8190{number:08}"


def by_phone(**changes: Any) -> dict[str, Any]:
    return {"targeting": Targeting(audience=WholeCity(), channels=("voice",))} | changes


def most_in_a_second(gateway: TwilioGateway) -> int:
    """Calls asked for in any one second, by the gateway's clock, less what requests vary on their way to it."""
    recent: deque[datetime] = deque()
    most = 0
    for request in gateway.requests:
        if request.method == "POST":
            recent.append(request.at)
            while recent[0] <= request.at - timedelta(seconds=1) + VARIES:
                recent.popleft()
            most = max(most, len(recent))
    return most


async def test_two_lanes_together_keep_to_the_contract_and_nothing_waits_twice(tmp_path: Path) -> None:
    async with calling(tmp_path, calls_per_s=30) as (hub, twilio):
        await hub.register(residents(60, channel="voice", address=phone))
        async with hub.running():
            routine, urgent = await hub.send(**by_phone(**ROUTINE)), await hub.send(**by_phone())
            await hub.done(urgent)
            await hub.done(routine)
        assert len(twilio.calls) == 120
        assert most_in_a_second(twilio) <= 30


async def test_a_long_queue_is_neither_claimed_nor_read_over_and_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one call a second, forty calls are waiting."""
    monkeypatch.setattr("hub.fanout.SWEEP_GRACE", timedelta(0))
    claims, looks, most = 0, 0, 0
    claim, due = batches.claim, batches.due

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal claims
        claims += 1
        return claim(*args, **options)

    def looked(*args: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        return due(*args, **options)

    monkeypatch.setattr("hub.ledger.batches.claim", counted)
    monkeypatch.setattr("hub.ledger.batches.due", looked)
    async with calling(tmp_path, calls_per_s=1) as (hub, twilio):
        await hub.register(residents(40, channel="voice", address=phone))
        async with hub.running():
            alert = await hub.send(**by_phone())

            async def four_calls() -> bool:
                nonlocal most
                most = max(most, await hub.ledger.read(lambda conn: batches.in_flight(conn, alert, "voice")))
                return len(twilio.calls) >= 4

            await until(four_calls)
            slots = AHEAD * hub.capabilities["voice"].connections
            assert most <= slots
            assert claims <= 3 * (len(twilio.calls) + slots)
            assert most_in_a_second(twilio) == 1


# --- breakers (I7) ---


async def test_a_gateway_that_is_down_is_left_alone_and_costs_the_others_no_try(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.breaker.PAGE_AFTER", timedelta(microseconds=1))
    monkeypatch.setattr("hub.outage.REPEATED_S", 0.05)
    await hub.register(residents(3_000, towns=tuple(f"t{n}" for n in range(3))))
    smarthost.faults.down = True
    async with hub.running():
        alert = await hub.send()
        await hub.planned(alert)

        async def staff_are_called() -> bool:
            return any(topic == "stopped mail" for topic, _ in hub.pages)

        async def said() -> bool:
            return await outage.known(hub.live, ["mail"], now=utc_now()) != []

        await until(staff_are_called)
        await until(said)
        (told,) = await outage.known(hub.live, ["mail"], now=utc_now())
        assert (told.channel, told.lane) == ("mail", Lane.URGENT)
        assert told.state in (State.OPEN, State.TRIAL)
        smarthost.faults.down = False
        await hub.done(alert)

        async def over() -> bool:
            return not await said()

        await until(over)
    assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
    assert set(received(smarthost.inbox).values()) == {1}


async def test_an_outage_uses_up_nobody_s_tries(tmp_path: Path) -> None:
    """Three calls is all that anybody gets; a gateway that is down answers none."""
    async with calling(tmp_path, calls_per_s=30) as (hub, twilio):
        await hub.register(residents(40, channel="voice", address=phone))
        twilio.faults.down = True
        async with hub.running():
            alert = await hub.send(**by_phone())

            async def asked_again_and_again() -> bool:
                questions = [each for each in twilio.requests if each.method == "GET"]
                return len(questions) >= 40

            await until(asked_again_and_again)
            assert await outage.known(hub.live, ["voice"], now=utc_now())
            twilio.faults.down = False
            await hub.done(alert)
        assert set((await hub.outcomes(alert, "voice")).values()) == {Outcome.ACCEPTED}
        assert len(twilio.calls) == 40


async def test_an_open_breaker_claims_nothing(
    tmp_path: Path, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    smarthost.faults.down = True
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=1)}
    async with engine(tmp_path, channels=channels, backoff=(timedelta(hours=1),)) as hub:
        await hub.register(residents(60, language=Language.JA))
        alert = await hub.send()
        await hub.fanout.plan(alert)
        async with hub.running("mail"):

            async def opened_and_tried_again() -> bool:
                rows = await hub.rows(alert)
                return sum(row.attempt > 1 for row in rows) >= FAILURES + 3

            await until(opened_and_tried_again)
        tried = sum(row.attempt > 1 for row in await hub.rows(alert))
        assert tried < 60, "the rest was left alone"
        smarthost.faults.down = False
    async with (
        engine(tmp_path, channels={"mail": mail(smarthost.port)}) as again,
        again.running("mail"),
    ):

        async def the_untried_are_sent() -> bool:
            return sum(received(smarthost.inbox).values()) == 60 - tried

        await until(the_untried_are_sent)


async def test_recipients_who_are_in_trouble_alone_stop_nothing(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """Every mailbox puts the first mail off: that says nothing of the smarthost."""
    smarthost.faults.temporary = 1.0
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=1)}
    async with engine(tmp_path, channels=channels) as hub:
        await hub.register(residents(30))
        with structlog.testing.capture_logs() as lines:
            async with hub.running():
                await hub.done(await hub.send())
    assert lines
    assert not any(line["event"].startswith("breaker") for line in lines)
    assert set(received(smarthost.inbox).values()) == {1}


async def test_a_channel_whose_gateway_is_a_black_hole_delays_no_other(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with LineGateway(Inbox()) as hole:
        channels = {"mail": mail(smarthost.port), "line": line(hole.url, tmp_path)}
        async with engine(tmp_path, channels=channels) as hub:
            await hub.register(residents(500))
            await hub.register(residents(500, channel="line", address=line_user))
            hole.faults.latency_s = 600
            async with hub.running():
                targeting = Targeting(audience=WholeCity(), channels=("line", "mail"))
                alert = await hub.send(targeting=targeting)

                async def mail_is_done() -> bool:
                    return (await hub.tally(alert))["mail"].done

                await until(mail_is_done)
                assert (await hub.tally(alert))["line"].pending == 500
    assert set(received(smarthost.inbox).values()) == {1}


# --- with everything around it away (I14) ---


async def test_without_kafka_and_redis_urgent_alerts_leave_and_keep_to_the_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.planner.QUIET_S", 0.1)
    monkeypatch.setattr("hub.fanout.SWEEP_GRACE", timedelta(0))
    live = RedisLive("redis://127.0.0.1:1/0", share=0.5)
    async with LineGateway(Inbox()) as gateway:
        channels = {"line": line(gateway.url, tmp_path)}
        async with engine(tmp_path, channels=channels, bus=NoBus(), live=live) as hub:
            await hub.register(residents(200, channel="line", address=line_user))
            async with hub.running():
                targeting = Targeting(audience=WholeCity(), channels=("line",))
                await hub.done(await hub.send(targeting=targeting))
        assert set(received(gateway.inbox, "line").values()) == {1}
    await live.close()
