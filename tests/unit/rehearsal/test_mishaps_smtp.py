"""What can happen to a transaction with the simulated smarthost, and what the smarthost then knows of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.unit.rehearsal.smtp_client import MESSAGE, Client, connected
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.mishap import Mishap, Strike
from yobikake.rehearsal.smtp import SmtpGateway

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADDRESSES = [f"r{number}@mail.example" for number in range(4)]
ENVELOPE = ["MAIL FROM:<hub@hub.example>", *(f"RCPT TO:<{each}>" for each in ADDRESSES), "DATA"]


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
async def gateway(seen: list[Exchange]) -> AsyncIterator[SmtpGateway]:
    """Its clock goes on a second with every look."""
    looks = iter(range(1_000_000))
    async with SmtpGateway(clock=lambda: START + timedelta(seconds=next(looks))) as gateway:
        gateway.witness = seen.append
        yield gateway


async def a_mail(client: Client) -> list[str]:
    """The codes of its answers; empty where the server hung up."""
    replies = [(await client.say(command))[0][:3] for command in ENVELOPE]
    if replies[-1] == "354":
        replies += [reply[:3] for reply in await client.say(MESSAGE, ".")]
    return replies


async def test_a_transaction_is_known_from_its_mail_command_to_its_answer(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<hub@hub.example>")
        (exchange,) = seen
        begun_at, taken_before = exchange.begun_at, list(exchange.taken)
        for command in ENVELOPE[1:]:
            await client.say(command)
        await client.say(MESSAGE, ".")
    assert taken_before == []
    assert (exchange.begun_at, exchange.taken, exchange.answered) == (begun_at, ADDRESSES, True)
    assert exchange.taken_at is not None
    assert exchange.taken_at > begun_at
    assert (exchange.key, exchange.text) == ("<one@hub.example>", "避難指示\n全員避難\n")


async def test_what_was_read_while_the_last_message_drained_was_begun_when_it_was_read(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    """RFC 2920: a client may write the next MAIL behind the final dot."""
    gateway.faults.drain_per_s = 100.0
    async with connected(gateway) as client:
        for command in ENVELOPE:
            await client.say(command)
        await client.say(MESSAGE, ".", "MAIL FROM:<hub@hub.example>", replies=2)
    first, second = seen
    assert first.taken_at is not None
    assert second.begun_at < first.taken_at


@pytest.mark.parametrize(
    ("mishap", "codes", "open_for", "taken"),
    [
        (Mishap.DOWN, ["421"], 0, False),
        (Mishap.THROTTLED, ["421"], 0, False),
        (Mishap.CREDENTIALS, ["530"], 0, False),
        (Mishap.DOWN_MIDWAY, ["250", "250", "250", "421"], 0, False),
        (Mishap.ERROR, ["250", "250", "250", "250", "250", "354", "451"], 0, False),
        (Mishap.CUT_BEFORE, ["250", "250", "250", "250", "250", "354", ""], 4, False),
        (Mishap.CUT_AFTER, ["250", "250", "250", "250", "250", "354", ""], 4, True),
    ],
)
async def test_what_hits_one_transaction_spares_the_next(
    gateway: SmtpGateway,
    seen: list[Exchange],
    *,
    mishap: Mishap,
    codes: list[str],
    open_for: int,
    taken: bool,
) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=mishap, most=2)) as strike:
            said = []
            for command in ENVELOPE:
                said += [reply[:3] for reply in await client.say(command)]
                if said[-1] not in ("250", "354"):
                    break
            if said[-1] == "354":
                said += [reply[:3] for reply in await client.say(MESSAGE, ".")]
    assert said == codes
    assert strike.hits == 1
    (exchange,) = seen
    assert (exchange.mishap, exchange.open_for, exchange.answered) == (mishap, open_for, False)
    assert exchange.taken == (ADDRESSES if taken else [])
    assert len(gateway.messages) == taken
    async with connected(gateway) as client:
        assert (await a_mail(client))[-1] == "250"


async def test_after_an_error_at_the_dot_everybody_was_refused_for_now(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.ERROR)):
            await a_mail(client)
    assert [(each.address, each.permanent) for each in seen[0].denied] == [(a, False) for a in ADDRESSES]


async def test_too_many_recipients_are_told_to_come_back_the_others_are_taken(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.TOO_MANY, most=3)):
            assert await a_mail(client) == ["250", "250", "250", "250", "452", "354", "250"]
    assert seen[0].taken == ADDRESSES[:3]
    assert [tuple(each) for each in seen[0].denied] == [(ADDRESSES[3], "4.5.3", False)]


async def test_some_mailboxes_are_disabled_for_now(gateway: SmtpGateway, seen: list[Exchange]) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.MAILBOX, random=Random(3))):
            codes = await a_mail(client)
    refused = [address for address, code in zip(ADDRESSES, codes[1:5], strict=True) if code == "450"]
    assert 0 < len(refused) < len(ADDRESSES)
    assert [(each.address, each.code) for each in seen[0].denied] == [(a, "4.2.1") for a in refused]
    assert sorted([*seen[0].taken, *refused]) == ADDRESSES


async def test_an_unknown_recipient_is_refused_for_good(gateway: SmtpGateway, seen: list[Exchange]) -> None:
    gateway.faults.permanent = 1.0
    async with connected(gateway) as client:
        await client.say("MAIL FROM:<hub@hub.example>")
        await client.say(f"RCPT TO:<{ADDRESSES[0]}>")
    assert [tuple(each) for each in seen[0].denied] == [(ADDRESSES[0], "5.1.1", True)]


async def test_a_late_answer_comes_after_the_message_was_taken(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.SLOW, late_s=0.05)):
            for command in ENVELOPE:
                await client.say(command)
            await client.say(MESSAGE, ".", replies=0)
            while not gateway.messages:
                await asyncio.sleep(0.001)
            before = seen[0].answered, seen[0].open_for
            assert (await client.reply())[:3] == "250"
    assert before == (False, 4)
    assert (seen[0].answered, seen[0].open_for) == (True, 0), "whoever sent it has waited"


async def test_a_late_answer_to_somebody_who_left_tells_nobody(
    gateway: SmtpGateway, seen: list[Exchange]
) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.SLOW, late_s=600)):
        async with connected(gateway) as client:
            for command in ENVELOPE:
                await client.say(command)
            await client.say(MESSAGE, ".", replies=0)
            while not gateway.messages:
                await asyncio.sleep(0.001)
    while gateway.sessions:
        await asyncio.sleep(0.001)
    assert (seen[0].taken, seen[0].answered, seen[0].open_for) == (ADDRESSES, False, 4)


async def test_a_half_open_connection_is_there_and_never_answers_until_it_is_cut(
    gateway: SmtpGateway,
) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.HALF_OPEN)) as strike:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        while not strike.hits:
            await asyncio.sleep(0.001)
        async with connected(gateway, ehlo=False) as other:
            assert (await other.reply())[:3] == "220", "only the first connection hangs"
        assert gateway.in_flight == 1
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("seed", range(8))
async def test_a_half_open_transaction_is_not_carried_out(
    gateway: SmtpGateway, seen: list[Exchange], seed: int
) -> None:
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.HALF_OPEN, random=Random(seed))):
            asking = asyncio.ensure_future(a_mail(client))
            while not gateway.in_flight:
                await asyncio.sleep(0.001)
        codes = await asking
    assert set(codes[:1]) <= {"250", ""}
    assert codes[-1] == ""
    assert gateway.messages == []
    assert seen[0].open_for == (4 if "354" in codes else 0), (
        "a message that was not handed over is not in doubt"
    )


async def test_wrong_credentials_hit_the_login_of_a_new_connection_too(gateway: SmtpGateway) -> None:
    gateway.terms.login = ("hub", "secret")
    async with connected(gateway) as client:
        with gateway.mishaps.armed(Strike(mishap=Mishap.CREDENTIALS)):
            assert (await client.say("AUTH PLAIN AGh1YgBzZWNyZXQ="))[0][:3] == "535"
        assert (await client.say("AUTH PLAIN AGh1YgBzZWNyZXQ="))[0][:3] == "235"


async def test_a_smarthost_that_is_down_says_so_in_its_greeting(gateway: SmtpGateway) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.DOWN)):
        async with connected(gateway, ehlo=False) as client:
            assert (await client.reply())[:3] == "421"
            assert await client.reply() == ""


@pytest.mark.parametrize(("taken_s", "open_for"), [(0.2, 0), (5.0, 4)])
async def test_a_smarthost_that_drains_slowly_is_why_somebody_left(
    gateway: SmtpGateway, seen: list[Exchange], taken_s: float, open_for: int
) -> None:
    now = START
    gateway.clock = lambda: now
    gateway.faults.drain_per_s = 40.0
    async with connected(gateway) as client:
        for command in ENVELOPE:
            await client.say(command)
        await client.say(MESSAGE, ".", replies=0)
        while not gateway.in_flight:
            await asyncio.sleep(0.001)
    now += timedelta(seconds=taken_s)
    while not gateway.messages:
        await asyncio.sleep(0.001)
    assert (seen[0].open_for, seen[0].answered) == (open_for, False)


async def test_it_is_busy_while_something_drains_for_nobody(gateway: SmtpGateway) -> None:
    gateway.faults.drain_per_s = 20.0
    async with connected(gateway) as client:
        for command in ENVELOPE:
            await client.say(command)
        await client.say(MESSAGE, ".", replies=0)
        while not gateway.busy:
            await asyncio.sleep(0.001)
    while gateway.sessions:
        await asyncio.sleep(0.001)
    assert (gateway.in_flight, gateway.busy) == (0, True)
    async with asyncio.timeout(120):
        while gateway.busy:
            await asyncio.sleep(0.001)
    while not gateway.messages:
        await asyncio.sleep(0.001)
