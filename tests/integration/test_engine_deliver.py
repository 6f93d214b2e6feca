"""Batches on their way out: claimed first, stopped in time, never twice, whatever fails on the way."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import structlog
from sqlalchemy import delete, insert, select, update

from channels.mail import Mail
from hub import bus, deliver
from hub.alert import AlertInfo, Lane, Mode
from hub.bus import Subscription
from hub.channel import Parcel
from hub.clock import utc_now
from hub.codec import BatchRecord
from hub.deliver import Delivery
from hub.delivery import BatchId, Outcome, ProviderRef, Result
from hub.errors import TemporaryFailure
from hub.gate import Leases, Stops
from hub.hazard import Hazard
from hub.intake import Intake
from hub.language import Language
from hub.ledger import Ledger, batches, register, tables
from hub.ledger.tables import BatchState
from hub.recipient import Targeting, WholeCity, Zone
from hub.shelter_list import ShelterLine, ShelterLines
from hub.slots import SHELTERS_UNKNOWN
from hub.testing.alerts import a_message
from hub.worker import AHEAD
from tests.integration.engine import (
    AUTHOR,
    KEYS,
    SOON_AGAIN,
    Engine,
    PlainSlots,
    engine,
    line,
    line_user,
    mail,
    received,
    residents,
    until,
)
from tests.integration.letters import letters
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.smtp_dialogue import Terms

URGENT = bus.deliveries("mail", Lane.URGENT)
BY_LINE = Targeting(audience=WholeCity(), channels=("line",))


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def retries_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(0))


@pytest.fixture
async def hub(tmp_path: Path, smarthost: SmtpGateway) -> AsyncIterator[Engine]:
    """Batches of 5, over two connections."""
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=5)}
    async with engine(tmp_path, channels=channels) as made:
        yield made


async def everyone_once(hub: Engine, alert: str, smarthost: SmtpGateway) -> None:
    assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
    assert received(smarthost.inbox) == dict.fromkeys(hub.addresses.values(), 1)


async def states(hub: Engine) -> list[int]:
    return list(
        await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.state)).scalars().all())
    )


async def everyone_is_claimed(hub: Engine) -> bool:
    return BatchState.PLANNED not in (known := await states(hub)) and len(known) > 0


# --- the way it should go ---


async def test_everyone_gets_it_once_and_nothing_personal_is_written_anywhere(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(60))
    with structlog.testing.capture_logs() as lines:
        async with hub.running():
            tallies = await hub.done(alert := await hub.send())
    await everyone_once(hub, alert, smarthost)
    assert tallies["mail"].planned == tallies["mail"].accepted == 60
    assert await hub.audited() > 0
    written = [str(line) for line in lines] + [
        str(tuple(row))
        for table in (tables.audit, tables.pages, tables.plans)
        for row in await hub.ledger.read(lambda conn, table=table: conn.execute(select(table)).all())
    ]
    assert written
    assert not any("mail.example" in text for text in written)


async def test_no_topic_carries_an_address(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(10))
    async with hub.running():
        await hub.done(await hub.send())
    for topic in (URGENT, bus.ALERTS):
        async with hub.bus.subscribe(topic, group="reader") as subscription:
            assert not any(b"mail.example" in record.value for record in await subscription.get())


async def test_the_claim_is_durable_before_the_first_byte(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(20))
    smarthost.faults.latency_s = 0.05
    async with hub.running():
        alert = await hub.send()

        async def something_arrived() -> bool:
            return smarthost.transactions > 0

        await until(something_arrived)
        seen = smarthost.transactions
        assert sum(state != BatchState.PLANNED for state in await states(hub)) >= min(seen, 1)
        await hub.done(alert)
    assert smarthost.transactions == len(await states(hub))


async def test_two_workers_send_nothing_twice(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(100))
    async with hub.running("fanout", "sweep", "mail"), hub.running("mail"):
        await hub.done(alert := await hub.send())
    await everyone_once(hub, alert, smarthost)


async def test_no_more_is_claimed_than_the_connections_can_soon_take(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gateway has answered waits for its commit, and no more for a connection."""
    await hub.register(residents(100))
    smarthost.faults.latency_s = 0.02
    most = answered = 0
    attempt = Delivery.attempt

    def counted(delivery: Delivery, batch: BatchId, on_claim: Any, on_answer: Callable[[], None]) -> Any:
        def over() -> None:
            nonlocal answered
            answered += 1
            on_answer()

        return attempt(delivery, batch, on_claim, over)

    monkeypatch.setattr(Delivery, "attempt", counted)
    async with hub.running():
        alert = await hub.send()

        async def over() -> bool:
            nonlocal most
            begun = sum(state != BatchState.PLANNED for state in await states(hub))
            most = max(most, begun - answered)
            assert smarthost.in_flight <= 2
            return all(tally.done for tally in (await hub.tally(alert)).values())

        await until(over)
    assert answered == len(await states(hub))
    assert 0 < most <= 2 * 2


async def test_what_comes_by_both_ways_at_once_blocks_no_slot(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sweeper finds every batch as soon as the bus brings it.
    monkeypatch.setattr("hub.fanout.SWEEP_GRACE", timedelta(0))
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.001)
    await hub.register(residents(150))
    smarthost.faults.latency_s = 0.005
    async with hub.running():
        for _ in range(2):
            await hub.done(await hub.send())
    assert set(received(smarthost.inbox).values()) == {2}


async def test_a_batch_begun_twice_while_all_slots_are_taken_costs_no_slot(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(60))
    await hub.fanout.plan(alert := await hub.send())
    ids = [
        BatchId(id_)
        for id_ in await hub.ledger.read(
            lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all()
        )
    ]
    smarthost.faults.latency_s = 0.05
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    worker = hub.worker("mail")
    async with asyncio.timeout(120):
        begun = [await worker._start(id_) for id_ in ids[:4]]
        waiting = [asyncio.create_task(worker._start(id_)) for id_ in [ids[4]] * 8 + ids[5:]]
        for decided in begun + list(await asyncio.gather(*waiting)):
            await decided
        await hub.done(alert)
    assert errors == []
    await everyone_once(hub, alert, smarthost)


# --- stopping (I5) ---


async def stop_elsewhere(hub: Engine, alert: str) -> None:
    """As another process does it: this one is not told."""
    elsewhere = Intake(
        ledger=hub.ledger, records=hub.records, keys=KEYS, stops=Stops(), sender="akishima.example",
        clock=utc_now, page=hub.page, relay=lambda: None,
    )  # fmt: skip
    await elsewhere.stop(alert, AUTHOR)


@pytest.mark.parametrize("here", [True, False], ids=["in this process", "in another process"])
async def test_after_a_stop_nothing_starts_and_what_was_under_way_is_ambiguous(
    hub: Engine, smarthost: SmtpGateway, here: bool
) -> None:
    await hub.register(residents(60))
    smarthost.faults.drain_per_s = 0.01  # the first message is taken only after minutes
    async with hub.running("fanout", "mail"):  # no sweeper in this process
        await hub.sweeper._relay()
        alert = await hub.send()
        await hub.sweeper._relay()
        await hub.planned(alert)

        async def both_connections_wait() -> bool:
            return len(smarthost.messages) + smarthost.in_flight >= 2

        await until(both_connections_wait)
        under_way = smarthost.transactions
        await (hub.intake.stop(alert, AUTHOR) if here else stop_elsewhere(hub, alert))
        tally = (await hub.done(alert))["mail"]
    assert smarthost.transactions == under_way, "a request began after the stop"
    assert tally.planned == 60
    assert under_way == 2
    assert 0 < tally.ambiguous <= 5 * under_way, "what only waited for a connection was not sent"
    assert tally.reasons == {"cancelled": 60 - tally.ambiguous}
    assert set(await hub.outcomes(alert)) == set(hub.addresses)


async def test_a_stop_before_anything_was_sent_sends_nothing(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(20))
    alert = await hub.send()
    await hub.fanout.plan(alert)
    assert await hub.intake.stop(alert, AUTHOR) == len(await states(hub))
    async with hub.running():
        assert (await hub.done(alert))["mail"].reasons == {"cancelled": 20}
    assert smarthost.transactions == 0


async def test_a_retry_that_a_stop_did_not_see_is_never_planned(hub: Engine, smarthost: SmtpGateway) -> None:
    # The stop commits while the gateway is being asked; this process has not heard of it yet.
    await hub.register(residents(5, zone="z0", language=Language.JA))
    smarthost.faults.down = True
    alert = await hub.send()
    await hub.fanout.plan(alert)
    (batch,) = await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all())
    delivery = hub.delivery("mail")
    claimed = asyncio.Event()
    smarthost.faults.latency_s = 0.2
    attempt = asyncio.create_task(delivery.attempt(BatchId(batch), lambda _: claimed.set()))
    await claimed.wait()
    await stop_elsewhere(hub, alert)
    await attempt
    assert await states(hub) == [BatchState.RECORDED]
    assert set((await hub.outcomes(alert)).values()) == {Outcome.CANCELLED}


# --- expiry and mode (I6, I8) ---


async def test_nothing_starts_after_expiry(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(20))
    alert = await hub.send(valid_for_s=1)
    await hub.fanout.plan(alert)

    async def expired() -> bool:
        return utc_now() >= (await hub.delivery("mail").approved.alert(alert)).alert.expires

    await until(expired)
    async with hub.running("mail"):
        assert (await hub.done(alert))["mail"].reasons == {"expired": 20}
    assert smarthost.transactions == 0


async def test_what_nobody_sends_ends_at_expiry(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(20))
    smarthost.faults.down = True
    async with hub.running("fanout", "mail"):
        await hub.sweeper._relay()
        alert = await hub.send(valid_for_s=1)
        await hub.sweeper._relay()
        await hub.planned(alert)

        async def expired() -> bool:
            return utc_now() >= (await hub.delivery("mail").approved.alert(alert)).alert.expires

        await until(expired)
    async with hub.running("sweep", "mail"):
        tally = (await hub.done(alert))["mail"]
    assert tally.failed == 20
    assert smarthost.inbox is not None
    assert smarthost.inbox.count["mail"] == 0


@pytest.mark.parametrize("asked", [True, False], ids=["by a stage", "by the gate before each request"])
async def test_a_batch_of_another_mode_than_its_alert_is_not_sent(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    if not asked:
        skipped = (deliver.superseded, deliver.mode, deliver.pace)
        monkeypatch.setattr(deliver, "STAGES", tuple(each for each in deliver.STAGES if each not in skipped))
    await hub.register(residents(5))
    alert = await hub.send()
    await hub.fanout.plan(alert)
    await hub.ledger.write(lambda conn: conn.execute(update(tables.batches).values(mode=Mode.STAFF_DRILL)))
    async with hub.running("mail"):
        assert (await hub.done(alert))["mail"].reasons == {"unsupported": 5}
    assert smarthost.transactions == 0


async def test_a_text_that_is_not_the_approved_one_is_not_sent(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(4))
    alert = await hub.send()
    await hub.fanout.plan(alert)

    def tamper(conn: Any) -> None:
        for row in conn.execute(select(tables.contents)).all():
            body = row.body.replace("多摩川".encode(), "荒川".encode()).replace(b"Tama", b"Ara")
            conn.execute(update(tables.contents).where(tables.contents.c.hash == row.hash).values(body=body))

    await hub.ledger.write(tamper)
    async with hub.running("mail"):

        async def staff_are_called() -> bool:
            return any(topic == "refused mail" for topic, _ in hub.pages)

        await until(staff_are_called)
    assert smarthost.transactions == 0
    assert not any("荒川" in text for _, text in hub.pages)


async def test_a_slot_filled_by_somebody_else_is_not_sent(hub: Engine, smarthost: SmtpGateway) -> None:
    """It fits its grammar, and the fixed text is the approved one; but it is not what was frozen."""
    await hub.register(residents(4))
    alert = await hub.send(infos=(with_the_city(),))
    await hub.fanout.plan(alert)

    def tamper(conn: Any) -> None:
        for row in conn.execute(select(tables.contents)).all():
            body = row.body.replace("昭島市".encode(), "立川市".encode())
            assert body != row.body
            conn.execute(update(tables.contents).where(tables.contents.c.hash == row.hash).values(body=body))

    await hub.ledger.write(tamper)
    await refused_unsent(hub, smarthost)


async def test_traits_changed_beside_the_sealed_addresses_send_nothing(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    """Staff made residents, or a suppressed address made good, would otherwise be sent to."""
    await hub.register(residents(4))
    alert = await hub.send()
    packs = tables.packs.c

    def tamper(conn: Any) -> None:
        for row in conn.execute(select(packs.id, packs.traits)).all():
            traits = row.traits.replace("t1", "t2")
            assert traits != row.traits
            conn.execute(update(tables.packs).where(packs.id == row.id).values(traits=traits))

    await hub.ledger.write(tamper)
    await hub.fanout.plan(alert)
    await refused_unsent(hub, smarthost)
    await hub.ledger.write(lambda conn: register.rebuild(conn, KEYS))
    async with hub.running("mail"):
        await hub.done(alert)
    await everyone_once(hub, alert, smarthost)


async def test_what_cannot_be_prepared_calls_staff_once_and_holds_up_nobody(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = timedelta(0)
    monkeypatch.setattr(deliver, "PUT_OFF", (at_once, at_once, timedelta(hours=1)))
    await hub.register(residents(5, language=Language.JA, zone=Zone("z0")))
    broken, sound = await hub.send(), await hub.send()
    for alert in (broken, sound):
        await hub.fanout.plan(alert)
    alerts = tables.alerts.c
    row = select(alerts.mac).where(alerts.identifier == broken)
    mac = await hub.ledger.read(lambda conn: conn.execute(row).scalar_one())
    change = update(tables.alerts).where(alerts.identifier == broken)
    await hub.ledger.write(lambda conn: conn.execute(change.values(mac=bytes(32))))
    async with hub.running("mail"):
        await hub.done(sound)

        async def staff_are_called() -> bool:
            return bool(hub.pages) and BatchState.CLAIMED not in await states(hub)

        await until(staff_are_called)
        assert [topic for topic, _ in hub.pages] == ["unprepared mail"]
        (waiting,) = await hub.rows(broken)
        assert waiting.due_at > utc_now() + timedelta(minutes=50)
        await hub.ledger.write(lambda conn: conn.execute(change.values(mac=mac)))
        due = update(tables.batches).values(due_at=utc_now())
        await hub.ledger.write(lambda conn: conn.execute(due))
        await hub.done(broken)
    assert len(hub.pages) == 1
    assert set((await hub.outcomes(broken)).values()) == {Outcome.ACCEPTED}


def with_the_city() -> AlertInfo:
    (info, *_) = a_message().infos
    return msgspec.structs.replace(info, headline="{city} 避難指示")


async def refused_unsent(hub: Engine, smarthost: SmtpGateway) -> None:
    async with hub.running("mail"):

        async def staff_are_called() -> bool:
            return any(topic == "refused mail" for topic, _ in hub.pages)

        await until(staff_are_called)
    assert smarthost.transactions == 0
    assert {topic for topic, _ in hub.pages} == {"refused mail"}


# --- gateways that fail ---


async def test_a_gateway_that_comes_back_gets_everything(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(40))
    smarthost.faults.down = True
    async with hub.running():
        alert = await hub.send()
        await hub.planned(alert)

        async def all_are_retried() -> bool:
            return (await hub.tally(alert))["mail"].retrying == 40

        await until(all_are_retried)
        smarthost.faults.down = False
        await hub.done(alert)
    await everyone_once(hub, alert, smarthost)


async def test_whom_a_transaction_has_no_room_for_is_sent_to_at_once(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """And the limit is learned: what follows is cut to it beforehand."""
    smarthost.terms.recipients_max = 4
    channels = {"mail": mail(smarthost.port, connections=1)}
    async with engine(tmp_path, channels=channels, backoff=(timedelta(hours=1),)) as hub:
        await hub.register(residents(30, language=Language.JA, zone=Zone("z0")))
        async with hub.running():
            await hub.done(alert := await hub.send())
        await everyone_once(hub, alert, smarthost)
        assert [row.attempt for row in await hub.rows(alert)] == [1, 2], (
            "the second is cut up, not turned away"
        )


async def test_a_mixed_evening_ends_with_an_outcome_for_everybody(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(120))
    faults = smarthost.faults
    faults.permanent = faults.temporary = faults.throttle = faults.silent = 0.15
    async with hub.running():
        tally = (await hub.done(alert := await hub.send()))["mail"]
    outcomes = await hub.outcomes(alert)
    assert outcomes.keys() == hub.addresses.keys()
    assert tally.failed > 0
    assert tally.accepted > 0
    times = received(smarthost.inbox)
    resent = {hub.addresses[member] for row in await hub.rows(alert) if row.resend for member in row.members}
    assert max(times.values()) <= 2
    assert {address for address, number in times.items() if number > 1} <= resent
    for member, outcome in outcomes.items():
        if outcome is Outcome.ACCEPTED:
            assert times[hub.addresses[member]] >= 1
        if outcome is Outcome.PERMANENT:
            assert times[hub.addresses[member]] == 0


async def test_a_gateway_that_never_answers_is_asked_twice_and_no_more(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(10))
    smarthost.faults.silent = 1.0
    async with hub.running():
        tally = (await hub.done(alert := await hub.send()))["mail"]
    assert tally.ambiguous == 10
    assert set(received(smarthost.inbox).values()) == {2}
    assert sum(len(row.members) for row in await hub.rows(alert) if row.resend) == 10


async def test_a_request_that_lasts_as_long_as_its_claim_is_cut_off_and_said_to_be_ambiguous(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """By its holder, while that still has the word: nobody takes it over."""
    brief = Leases(lease=timedelta(seconds=2), life=timedelta(seconds=2))
    smarthost.faults.drain_per_s = 0.01  # the message is taken only after minutes
    channels = {"mail": mail(smarthost.port)}
    async with engine(tmp_path, channels=channels, leases=brief, resends_ambiguous=False) as hub:
        await hub.register(residents(5, language=Language.JA, zone=Zone("z0")))
        await hub.fanout.plan(alert := await hub.send())
        async with hub.running("mail", "sweep"):
            await hub.done(alert)
        assert set((await hub.outcomes(alert)).values()) == {Outcome.AMBIGUOUS}
        (row,) = await hub.rows(alert)
        assert set(json.loads(row.reasons).values()) == {"cut-off"}

        async def its_connection_is_closed() -> bool:
            return smarthost.in_flight == 0

        await until(its_connection_is_closed)


async def test_what_waited_for_its_turn_until_its_claim_ran_out_is_given_back_and_costs_no_try(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    brief = Leases(lease=timedelta(seconds=2), life=timedelta(seconds=2))
    channels = {"mail": mail(smarthost.port, connections=1)}
    smarthost.faults.drain_per_s = 0.01  # the only connection waits for minutes
    async with engine(tmp_path, channels=channels, leases=brief, resends_ambiguous=False) as hub:
        for zone in ("z0", "z1"):
            people = residents(
                5, language=Language.JA, zone=Zone(zone), address=f"{zone}-{{}}@mail.example".format
            )
            await hub.register(people)
        await hub.fanout.plan(alert := await hub.send())
        async with hub.running("mail", "sweep"):

            async def one_message_drains() -> bool:
                return smarthost.drain.behind_s > 0

            await until(one_message_drains)
            smarthost.faults.drain_per_s = None
            await hub.done(alert)
        rows = await hub.rows(alert)
        assert [row.attempt for row in rows] == [1, 1]
        ends = [set(row.handover) for row in rows]
        assert {Outcome.AMBIGUOUS} in ends
        assert {Outcome.ACCEPTED} in ends


async def test_wrong_credentials_cost_nobody_a_try(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    async with SmtpGateway(Inbox(), terms=Terms(login=("hub", "secret"))) as smarthost:
        smarthost.faults.credentials = True
        channels = {"mail": mail(smarthost.port, username="hub", password_file=password)}
        async with engine(tmp_path, channels=channels, max_attempts=1) as hub:
            await hub.register(residents(12))
            async with hub.running():
                alert = await hub.send()

                async def tried_again() -> bool:
                    return len(hub.pages) > 3

                await until(tried_again)
                smarthost.faults.credentials = False
                await hub.done(alert)
            topics = {topic for topic, _ in hub.pages}
            assert "credentials mail" in topics
            assert topics <= {"credentials mail", "stopped mail"}, "it may also have lasted"
            assert {row.attempt for row in await hub.rows(alert)} == {1}
            await everyone_once(hub, alert, smarthost)


async def test_a_gateway_that_refuses_our_credentials_is_not_asked_with_every_batch(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    async with SmtpGateway(Inbox(), terms=Terms(login=("hub", "secret"))) as smarthost:
        smarthost.faults.credentials = True
        channels = {
            "mail": mail(smarthost.port, username="hub", password_file=password, recipients_per_transaction=1)
        }
        async with engine(tmp_path, channels=channels) as hub:
            await hub.register(residents(40))
            alert = await hub.send()
            await hub.fanout.plan(alert)
            once = replace(SOON_AGAIN, credentials=timedelta(hours=1))
            async with asyncio.TaskGroup() as group:
                running = group.create_task(hub.worker("mail", waits=once).run())

                async def refused_and_idle() -> bool:
                    return bool(hub.pages) and BatchState.CLAIMED not in await states(hub)

                await until(refused_and_idle)
                running.cancel()
            assert len(hub.pages) <= AHEAD * channels["mail"].capabilities.connections
            smarthost.faults.credentials = False
            async with hub.running("mail"):
                await hub.done(alert)
            await everyone_once(hub, alert, smarthost)


async def test_a_smarthost_that_does_not_relay_costs_nobody_the_alert(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(30))
    smarthost.terms.relays = False
    async with hub.running():
        alert = await hub.send()

        async def staff_are_called() -> bool:
            return len(hub.pages) > 0

        await until(staff_are_called)
        smarthost.terms.relays = True
        await hub.done(alert)
    topic, text = hub.pages[0]
    assert topic == "credentials mail"
    assert "中継が許可されているか" in text
    assert "whether it still relays" in text
    await everyone_once(hub, alert, smarthost)


@pytest.mark.parametrize(("closed", "called"), [(4, []), (6, ["refused by policy mail"])])
async def test_refusals_for_what_we_are_beside_others_who_are_taken_call_staff_once_they_are_many(
    tmp_path: Path, smarthost: SmtpGateway, closed: int, called: list[str]
) -> None:
    smarthost.terms.relays, smarthost.terms.local = False, "mail.example"
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}) as hub:
        await hub.register(residents(60) + residents(closed, address=lambda i: f"r{i}@closed.example"))
        async with hub.running():
            tallies = await hub.done(await hub.send())
            assert (tallies["mail"].accepted, tallies["mail"].failed) == (60, closed)
        assert [topic for topic, _ in hub.pages][:1] == called


async def test_a_message_refused_for_good_as_a_whole_calls_staff(tmp_path: Path) -> None:
    async with LineGateway(Inbox()) as gateway:
        gateway.faults.instead = "400"
        async with engine(tmp_path, channels={"line": line(gateway.url, tmp_path)}) as hub:
            await hub.register(residents(7, channel="line", address=line_user))
            async with hub.running():
                tallies = await hub.done(await hub.send(targeting=BY_LINE))
            assert tallies["line"].failed == 7
            assert [topic for topic, _ in hub.pages] == ["rejected line"]


async def test_ids_that_line_does_not_know_call_nobody(tmp_path: Path) -> None:
    async with LineGateway(Inbox()) as gateway:
        gateway.faults.permanent = 1.0
        async with engine(tmp_path, channels={"line": line(gateway.url, tmp_path)}) as hub:
            await hub.register(residents(3, channel="line", address=line_user))
            async with hub.running():
                tallies = await hub.done(await hub.send(targeting=BY_LINE))
            assert tallies["line"].failed == 3
            assert hub.pages == []


async def test_who_has_no_address_or_a_suppressed_one_is_not_sent_to(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    ids = await hub.register(residents(10))
    alert = await hub.send()
    await hub.fanout.plan(alert)

    def change(conn: Any) -> None:
        contact = tables.contacts.c
        conn.execute(delete(tables.contacts).where(contact.recipient == ids[0]))
        conn.execute(update(tables.contacts).where(contact.recipient == ids[1]).values(suppressed=True))
        register.rebuild(conn, KEYS)

    await hub.ledger.write(change)
    async with hub.running("mail"):
        await hub.done(alert)
    outcomes = await hub.outcomes(alert)
    assert (outcomes[ids[0]], outcomes[ids[1]]) == (Outcome.NO_ADDRESS, Outcome.SUPPRESSED)
    assert set(received(smarthost.inbox)) == {hub.addresses[id_] for id_ in ids[2:]}


async def test_a_parcel_names_its_whole_batch_also_who_has_left_the_register(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    parcels: list[Parcel] = []

    class Seen(Mail):
        async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
            parcels.append(parcel)
            async for result in super().send(parcel):
                yield result

    async with engine(tmp_path, channels={"mail": mail(smarthost.port, made=Seen)}) as hub:
        ids = await hub.register(residents(3, language=Language.JA, zone=Zone("z0")))
        await hub.fanout.plan(await hub.send())

        def leave(conn: Any) -> None:
            conn.execute(delete(tables.contacts).where(tables.contacts.c.recipient == ids[1]))
            register.rebuild(conn, KEYS)

        await hub.ledger.write(leave)
        async with hub.running("mail"):
            await until(lambda: all_recorded(hub))
    [parcel] = parcels
    assert list(parcel.members) == list(ids)
    assert [each.id for each in parcel.to] == [ids[0], ids[2]]


async def test_an_acceptance_under_the_id_of_another_send_reaches_nobody(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """A connector that looks for an earlier try may find what somebody else did."""

    class Named(Mail):
        """Gives what it accepts an id, as a provider of calls does."""

        async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
            async for result in super().send(parcel):
                ref = ProviderRef(f"{parcel.idempotency_key.hex}/{result.recipient}")
                yield msgspec.structs.replace(result, ref=ref)

    overrides = {"receipt_wait": timedelta(minutes=5), "resends_ambiguous": False}
    async with engine(tmp_path, channels={"mail": mail(smarthost.port, made=Named)}, **overrides) as hub:
        ids = await hub.register(residents(3, language=Language.JA, zone=Zone("z0")))
        await hub.fanout.plan(earlier := await hub.send())
        async with hub.running("mail"):
            await until(lambda: all_recorded(hub))
        await hub.fanout.plan(alert := await hub.send())

        def taken(conn: Any) -> None:
            """By the earlier alert's batch, under the id that the smarthost is about to give."""
            columns = tables.batches.c
            ours = conn.execute(select(columns).where(columns.alert == alert)).one()
            theirs = conn.execute(select(columns.id).where(columns.alert == earlier)).scalar_one()
            ref = f"{UUID(ours.idempotency_key).hex}/{ids[1]}"
            row = {"channel": "mail", "ref": ref, "batch": theirs, "position": 1}
            conn.execute(insert(tables.provider_refs), [row])

        await hub.ledger.write(taken)
        async with hub.running("mail"):
            await until(lambda: all_recorded(hub))
        outcomes = await hub.outcomes(alert)
        assert [outcomes[id_] for id_ in ids] == [Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.ACCEPTED]


async def all_recorded(hub: Engine) -> bool:
    return set(await states(hub)) == {BatchState.RECORDED}


async def test_one_channel_that_hangs_delays_no_other(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with LineGateway(Inbox()) as slow:
        channels = {"mail": mail(smarthost.port), "line": line(slow.url, tmp_path)}
        async with engine(tmp_path, channels=channels) as hub:
            await hub.register(residents(30))
            await hub.register(residents(30, channel="line", address=line_user))
            slow.faults.latency_s = 60
            async with hub.running():
                targeting = Targeting(audience=WholeCity(), channels=("line", "mail"))
                alert = await hub.send(targeting=targeting)

                async def mail_is_done() -> bool:
                    return (await hub.tally(alert))["mail"].done

                await until(mail_is_done)
                assert (await hub.tally(alert))["line"].pending == 30
                assert sum(received(smarthost.inbox).values()) == 30
                await hub.intake.stop(alert, AUTHOR)
                await hub.done(alert)


async def test_a_line_batch_is_repeated_whole_under_its_key(tmp_path: Path) -> None:
    async with (
        LineGateway(Inbox()) as gateway,
        engine(tmp_path, channels={"line": line(gateway.url, tmp_path)}) as hub,
    ):
        await hub.register(residents(30, channel="line", address=line_user))
        gateway.faults.temporary = 1.0
        gateway.faults.silent = 0.5
        async with hub.running():
            alert = await hub.send(targeting=BY_LINE)
            assert (await hub.done(alert))["line"].accepted == 30
        assert received(gateway.inbox, "line") == dict.fromkeys(hub.addresses.values(), 1)
        multicasts = [request for request in gateway.requests if request.method == "POST"]
        bodies = {(each.headers["X-Line-Retry-Key"], each.body) for each in multicasts}
        assert len(bodies) == 4 < len(multicasts), "one body and one key for each of the four variants"


# --- this process ends ---


async def test_what_only_waits_for_its_turn_is_given_back_at_the_end(tmp_path: Path) -> None:
    async with SmtpGateway(Inbox()) as smarthost:
        channels = {"mail": mail(smarthost.port)}
        async with engine(tmp_path, channels=channels, requests_per_s=0.2) as hub:
            await hub.register(residents(10))
            alert = await hub.send()
            await hub.fanout.plan(alert)
            async with hub.running("mail"):

                async def one_sent_and_the_rest_waits() -> bool:
                    return await everyone_is_claimed(hub) and BatchState.RECORDED in await states(hub)

                await until(one_sent_and_the_rest_waits)
            # Nothing was sent of the others: to call them ambiguous would be wrong.
            assert sorted(await states(hub)) == [BatchState.PLANNED] * 3 + [BatchState.RECORDED]
            assert (await hub.tally(alert))["mail"].ambiguous == 0


async def test_what_the_gateway_answered_is_recorded_also_by_one_who_is_told_to_end(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.register(residents(5, language=Language.JA, zone=Zone("z0")))
    await hub.fanout.plan(alert := await hub.send())
    (batch,) = await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all())
    smarthost.faults.latency_s = 0.05
    disk, busy = threading.Event(), threading.Event()
    claimed = asyncio.Event()
    asked_for: list[str] = []

    def write(work: Any) -> Awaitable[Any]:
        asked_for.append(getattr(work, "__qualname__", ""))
        return Ledger.write(hub.ledger, work)

    def hold(_conn: Any) -> None:
        busy.set()
        disk.wait(120)

    monkeypatch.setattr(hub.ledger, "write", write)
    attempt = asyncio.create_task(hub.delivery("mail").attempt(BatchId(batch), lambda _: claimed.set()))
    await claimed.wait()
    slow = asyncio.create_task(hub.ledger.write(hold))
    await asyncio.to_thread(busy.wait, 120)

    async def the_record_waits_for_the_disk() -> bool:
        return any("_record_all" in name for name in asked_for)

    await until(the_record_waits_for_the_disk)
    attempt.cancel()
    await asyncio.sleep(0)
    disk.set()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    await slow
    await everyone_once(hub, alert, smarthost)


async def test_a_hub_that_died_is_taken_over_and_its_claims_are_ambiguous(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=5)}
    async with engine(tmp_path, channels=channels, owner="before") as hub:
        await hub.register(residents(20))
        alert = await hub.send()
        await hub.fanout.plan(alert)
        ids = await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all())
        died_with = ids[: len(ids) // 2]
        await hub.ledger.write(
            lambda conn: batches.claim(conn, died_with, owner="before", lease=timedelta(minutes=5))
        )
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=5)}
    async with engine(tmp_path, channels=channels, owner="after") as again:
        again.addresses = hub.addresses
        async with again.running():
            await again.done(alert)
        await everyone_once(again, alert, smarthost)
        resent = [row for row in await again.rows(alert) if row.resend]
        assert len(resent) == len(died_with)


# --- the bus (I14) ---


async def test_forged_and_replayed_records_change_nothing(hub: Engine, smarthost: SmtpGateway) -> None:
    await hub.register(residents(20))
    async with hub.running():
        alert = await hub.send()
        await hub.done(alert)
        (some, *_) = await hub.ledger.read(
            lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all()
        )
        record = BatchRecord(batch=some, version=1, mode=Mode.LIVE)
        sealed = hub.records.seal(URGENT, some, record)
        elsewhere = hub.records.seal(bus.deliveries("line", Lane.URGENT), some, record)
        unknown = hub.records.seal(URGENT, "none", BatchRecord(batch="none", version=1, mode=Mode.LIVE))
        forged = [b"", b"\xff" * 40, sealed[:-1], bytes(32) + sealed[32:], elsewhere]
        await hub.bus.publish_many(URGENT, [(some, sealed)] * 3 + [("none", unknown)])
        await hub.bus.publish_many(URGENT, [(some, each) for each in forged])
        dead = await letters(hub.bus, hub.records, len(forged))
        assert sorted(each.value for each in dead) == sorted(forged)
        await hub.done(await hub.send())
    assert set(received(smarthost.inbox).values()) == {2}


class NoBus:
    """A bus that is away: nothing is taken, nothing comes."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        raise TemporaryFailure("away", "the bus is away")

    async def publish_many(self, topic: str, records: Any) -> None:
        raise TemporaryFailure("away", "the bus is away")

    def subscribe(self, topic: str, *, group: str) -> AbstractAsyncContextManager[Subscription]:
        raise TemporaryFailure("away", "the bus is away")


async def test_without_a_bus_everyone_is_reached_from_the_ledger(
    tmp_path: Path, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.planner.QUIET_S", 0.1)
    monkeypatch.setattr("hub.fanout.SWEEP_GRACE", timedelta(0))
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}, bus=NoBus()) as hub:
        await hub.register(residents(100))
        async with hub.running():
            alert = await hub.send()
            await hub.done(alert)
        await everyone_once(hub, alert, smarthost)


async def test_the_outbox_is_kept_until_the_bus_has_it(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}, bus=NoBus()) as hub:
        await hub.send()
        with pytest.raises(TemporaryFailure):
            await hub.sweeper._relay()
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}) as hub:
        await hub.sweeper._relay()
        left = await hub.ledger.read(lambda conn: conn.execute(select(tables.outbox)).all())
        assert left == []
        async with hub.bus.subscribe(bus.ALERTS, group="reader") as subscription:
            assert len(await subscription.get()) == 1


async def test_a_list_of_sites_that_grew_old_while_it_waited_is_not_sent(
    smarthost: SmtpGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned while a site received; sent forty minutes later, as the last of many calls would be, or when it is paused."""
    late, receiving = [timedelta(0)], {"つつじ小学校"}

    async def naming(_: Hazard) -> set[str]:
        return receiving

    open_now = ShelterLines(lines=(ShelterLine(name="つつじ小学校", people=86),), as_of=utc_now())
    monkeypatch.setattr(PlainSlots, "shelters", lambda *_: open_now)
    monkeypatch.setattr(PlainSlots, "official", lambda *_: True)
    listing = tuple(msgspec.structs.replace(info, instruction="{shelters}") for info in a_message().infos)
    channels = {"mail": mail(smarthost.port)}
    async with engine(tmp_path, channels=channels, clock=lambda: utc_now() + late[0]) as hub:
        await hub.register(residents(1))
        alerts = [await hub.send(infos=listing) for _ in range(3)]
        for alert in alerts:
            await hub.fanout.plan(alert)
        for alert, wait in zip(alerts, (timedelta(0), timedelta(0), timedelta(minutes=40)), strict=True):
            late[0] = wait
            receiving = set() if alert is alerts[1] else {"つつじ小学校"}
            wanted = select(tables.batches.c.id).where(tables.batches.c.alert == alert)
            for batch in await hub.ledger.read(lambda conn, wanted=wanted: conn.scalars(wanted).all()):
                delivery = hub.delivery("mail")
                delivery.naming = naming
                await delivery.attempt(BatchId(batch), lambda _: None)
    first, *others = (letter.text for letter in smarthost.inbox.of("mail", "r0@mail.example"))
    assert "つつじ小学校：いま86人" in first
    assert len(others) == 2
    for without in others:
        assert "つつじ小学校" not in without
        assert SHELTERS_UNKNOWN[Language.JA] in without
