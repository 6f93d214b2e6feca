"""Addresses that a provider says are none: held back after two alerts, told to nobody else's cost, and let in again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select, update

from channels.sms import Settings, Sms
from hub import gone
from hub.alert import Lane
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.ledger import bounces, enrolment, held_back, register, tables
from hub.ledger.bounces import MASS_LEAST, Noted
from hub.recipient import RecipientId, Targeting, WholeCity
from tests.integration.engine import (
    AUTHOR,
    KEYS,
    OUTBOUND,
    Engine,
    engine,
    line,
    line_user,
    mail,
    residents,
    until,
)
from yobikake.callbacks import routes
from yobikake.connectors import Configured
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.twilio_handsets import Signal
from yobikake.rehearsal.twilio_messages import TwilioMessages

ACCOUNT = "AC" + "5" * 32
TOKEN = "not-a-token-of-anybody"
ON_LINE = Targeting(audience=WholeCity(), channels=("line",))
BOTH = Targeting(audience=WholeCity(), channels=("line", "mail"))
BY_SMS = Targeting(audience=WholeCity(), channels=("sms",))
RESIDENTS = 60


@pytest.fixture
async def chat() -> AsyncIterator[LineGateway]:
    async with LineGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(tmp_path: Path, chat: LineGateway) -> AsyncIterator[Engine]:
    """Everybody is registered on LINE and for mail."""
    async with SmtpGateway(Inbox()) as smarthost:
        channels = {"line": line(chat.url, tmp_path), "mail": mail(smarthost.port)}
        async with engine(tmp_path, channels=channels) as made:
            people = [
                person
                for n in range(RESIDENTS)
                for person in residents(1, contacts={"line": line_user(n), "mail": f"r{n}@mail.example"})
            ]
            await made.register(people)
            async with made.running():
                yield made


def unknown(hub: Engine, chat: LineGateway, ratio: float) -> set[RecipientId]:
    """From now on LINE knows some ids no more: whose they are."""
    chat.faults.permanent = ratio
    return {who for who, user in hub.addresses.items() if chat.faults.hits(ratio, "permanent", user)}


async def sent(hub: Engine, targeting: Targeting = ON_LINE) -> str:
    await hub.done(alert := await hub.send(targeting=targeting))
    return alert


async def those(hub: Engine, alert: str, channel: str, outcome: Outcome) -> set[RecipientId]:
    return {who for who, said in (await hub.outcomes(alert, channel)).items() if said is outcome}


async def held(hub: Engine, channel: str = "line") -> set[RecipientId]:
    """After everybody was settled."""
    await hub.settling().look()
    return {each.recipient for each in await hub.ledger.read(lambda conn: held_back.listed(conn, [channel]))}


def multicasts(chat: LineGateway) -> int:
    return sum("multicast" in request.target for request in chat.requests)


async def test_an_id_that_line_knows_no_more_costs_two_alerts_and_nobody_their_mail(
    hub: Engine, chat: LineGateway
) -> None:
    lost = unknown(hub, chat, 0.1)
    assert 0 < len(lost) < RESIDENTS / 4
    for number in (1, 2):
        assert await held(hub) == set(), f"{number - 1} alerts"
        alert = await sent(hub, BOTH)
        assert await those(hub, alert, "line", Outcome.PERMANENT) == lost
        assert len(await those(hub, alert, "mail", Outcome.ACCEPTED)) == RESIDENTS
    searched = multicasts(chat)
    assert await held(hub) == lost
    third = await sent(hub, BOTH)
    assert await those(hub, third, "line", Outcome.SUPPRESSED) == lost
    assert len(await those(hub, third, "line", Outcome.ACCEPTED)) == RESIDENTS - len(lost)
    assert len(await those(hub, third, "mail", Outcome.ACCEPTED)) == RESIDENTS
    assert multicasts(chat) - searched == 1, "one variant, and nobody is searched for in it"
    assert await hub.audited() > 0


async def test_who_follows_or_registers_again_or_is_lifted_is_sent_to(hub: Engine, chat: LineGateway) -> None:
    lost = unknown(hub, chat, 0.1)
    for _ in range(2):
        await sent(hub)
    assert await held(hub) == lost
    unknown(hub, chat, 0.0)
    followed, *others = sorted(lost)
    assert others
    user = hub.addresses[followed]
    await hub.ledger.write(lambda conn: enrolment.hold(conn, KEYS, "line", user, suppressed=False))
    assert await held(hub) == set(others), "settling again changes nothing"
    assert await those(hub, await sent(hub), "line", Outcome.SUPPRESSED) == set(others)
    assert await gone.lift(hub.ledger, KEYS, "line", others, by="sato", at=hub.clock()) == len(others)
    assert await those(hub, await sent(hub), "line", Outcome.SUPPRESSED) == set()


async def test_what_came_through_in_between_was_a_passing_trouble(hub: Engine, chat: LineGateway) -> None:
    for ratio in (0.1, 0.0, 0.1):
        lost = unknown(hub, chat, ratio)
        await sent(hub)
    assert lost
    assert await held(hub) == set()
    await sent(hub)
    assert await held(hub) == lost


async def test_a_gateway_that_is_down_holds_nobody_back(hub: Engine, chat: LineGateway) -> None:
    chat.faults.down = True
    for _ in range(3):
        alert = await hub.send(targeting=ON_LINE)
        await until(lambda: _tried(chat))
        await hub.intake.stop(alert, AUTHOR)
        await hub.done(alert)
    chat.faults.down = False
    assert await hub.ledger.read(lambda conn: conn.execute(select(tables.bounces)).all()) == []
    assert await held(hub) == set()


async def _tried(chat: LineGateway) -> bool:
    tried = multicasts(chat) > 0
    if tried:
        chat.requests.clear()
    return tried


async def test_who_left_the_chat_comes_back_by_themselves_alone(hub: Engine, chat: LineGateway) -> None:
    lost = unknown(hub, chat, 0.1)
    who = min(lost)
    user = hub.addresses[who]
    for _ in range(2):
        await sent(hub)
    assert await held(hub) == lost
    await hub.ledger.write(lambda conn: enrolment.hold(conn, KEYS, "line", user, suppressed=True))
    await gone.lift(hub.ledger, KEYS, "line", lost, by="sato", at=hub.clock())
    assert await those(hub, await sent(hub), "line", Outcome.SUPPRESSED) == {who}
    await hub.ledger.write(lambda conn: enrolment.hold(conn, KEYS, "line", user, suppressed=False))
    unknown(hub, chat, 0.0)
    assert await those(hub, await sent(hub), "line", Outcome.SUPPRESSED) == set()


async def test_an_account_that_knows_nobody_blames_nobody_and_wakes_somebody_up(
    hub: Engine, chat: LineGateway
) -> None:
    assert RESIDENTS > MASS_LEAST
    unknown(hub, chat, 1.0)
    for _ in range(2):
        alert = await sent(hub)
        assert len(await those(hub, alert, "line", Outcome.PERMANENT)) == RESIDENTS
    assert await held(hub) == set()
    assert {topic for topic, _ in hub.pages} == {"returned line"}
    assert not any(user in text for _, text in hub.pages for user in hub.addresses.values())


async def test_the_packs_know_it_also_after_they_were_written_anew(hub: Engine, chat: LineGateway) -> None:
    lost = unknown(hub, chat, 0.1)
    for _ in range(2):
        await sent(hub)
    assert await held(hub) == lost
    await hub.ledger.write(lambda conn: register.rebuild(conn, KEYS))
    assert await those(hub, await sent(hub), "line", Outcome.SUPPRESSED) == lost


async def test_a_channel_whose_packs_somebody_changed_keeps_no_other_one_waiting(
    hub: Engine, chat: LineGateway
) -> None:
    who = min(hub.addresses)
    for _ in range(2):
        alert = await sent(hub, BOTH)
        for channel in ("line", "mail"):
            said = [Noted(who, alert, True, False, "none")]
            await hub.ledger.write(lambda conn: bounces.note(conn, channel, said, at=hub.clock()))  # noqa: B023
    changed = update(tables.packs).where(tables.packs.c.channel == "line").values(sealed=b"changed")
    await hub.ledger.write(lambda conn: conn.execute(changed))
    assert await held(hub, "mail") == {who}
    assert await held(hub, "line") == set()


# --- what is reported later ---


@asynccontextmanager
async def messaging_hub(folder: Path, twilio: TwilioMessages) -> AsyncIterator[Engine]:
    token = folder / "twilio.token"
    token.write_text(TOKEN)
    port = free_port()
    settings = Settings(
        account_sid=ACCOUNT, auth_token_file=token, sender="BOUSAI", base_url=twilio.url,
        callback_url=f"http://127.0.0.1:{port}/callbacks/sms", segments_per_s=200,
    )  # fmt: skip
    sms = Sms(settings, outbound=OUTBOUND, clock=utc_now)
    app = web.Application()
    listener = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    async with engine(folder, channels={"sms": sms}) as hub:
        configured = Configured(by_lane=dict.fromkeys(Lane, sms), capabilities=sms.capabilities)
        app.add_routes(routes({"sms": configured}, hub.postbox))
        await listener.setup()
        await web.TCPSite(listener, "127.0.0.1", port).start()
        await hub.register(residents(30, channel="sms", address="+8190{:08}".format))
        try:
            async with hub.running():
                yield hub
        finally:
            await twilio.handsets.stop()
            await listener.cleanup()


@pytest.mark.parametrize(("code", "are_none"), [(30005, True), (30003, False), (30006, False)])
async def test_a_number_that_a_carrier_does_not_know_is_held_back_and_a_handset_that_is_off_is_not(
    tmp_path: Path, code: int, are_none: bool
) -> None:
    signal = Signal(undelivered=0.2, code=code, lasting=True)
    async with TwilioMessages(
        Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, signal=signal
    ) as twilio, messaging_hub(tmp_path, twilio) as hub:  # fmt: skip
        off = {
            who
            for who, number in hub.addresses.items()
            if twilio.faults.hits(signal.undelivered, "undelivered", number)
        }
        assert 0 < len(off) < 15
        for _ in range(2):
            assert await held(hub, "sms") == set()
            alert = await sent(hub, BY_SMS)
            assert await those(hub, alert, "sms", Outcome.PERMANENT) == off
        assert await held(hub, "sms") == (off if are_none else set())
        if are_none:
            third = await sent(hub, BY_SMS)
            assert await those(hub, third, "sms", Outcome.SUPPRESSED) == off
            assert len(await those(hub, third, "sms", Outcome.DELIVERED)) == 30 - len(off)


async def test_a_message_that_arrived_ends_the_counting(tmp_path: Path) -> None:
    signal = Signal(undelivered=0.2, code=30005, lasting=True)
    async with TwilioMessages(
        Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, signal=signal
    ) as twilio, messaging_hub(tmp_path, twilio) as hub:  # fmt: skip
        for share in (0.2, 0.0, 0.2):
            signal.undelivered = share
            await sent(hub, BY_SMS)
        assert await held(hub, "sms") == set()


async def test_a_number_that_twilio_refuses_is_held_back(tmp_path: Path) -> None:
    async with TwilioMessages(
        Inbox(), account_sid=ACCOUNT, auth_token=TOKEN
    ) as twilio, messaging_hub(tmp_path, twilio) as hub:  # fmt: skip
        twilio.faults.permanent = 0.2
        for _ in range(2):
            alert = await sent(hub, BY_SMS)
        lost = await those(hub, alert, "sms", Outcome.PERMANENT)
        assert lost
        assert await held(hub, "sms") == lost
