"""A muster through the engine: each of the staff is sent a link of their own, and answers by it or by a key."""

import email
import email.policy
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select

from channels.voice import Settings, Voice
from hub.alert import Mode
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome
from hub.language import Language
from hub.ledger import alerts, musters, tables
from hub.ledger.register import Registration
from hub.muster import Answer, CalledGroup, Member, Roll, said
from hub.mustering import Mustering
from hub.place import Name
from hub.recipient import Kind, RecipientId
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
from tests.unit.residents.portal_setup import Shelters, Town, served
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.twilio import TwilioGateway

ACCOUNT, TOKEN = f"AC{'7' * 32}", "not-a-token-of-anybody"
LINK = re.compile(r"http://127\.0\.0\.1:\d+(/answer/\S+)")


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioGateway]:
    async with TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN) as gateway:
        yield gateway


@pytest.fixture
async def line_gateway() -> AsyncIterator[LineGateway]:
    async with LineGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(
    tmp_path: Path, smarthost: SmtpGateway, twilio: TwilioGateway, line_gateway: LineGateway
) -> AsyncIterator[Engine]:
    token = tmp_path / "twilio.token"
    token.write_text(TOKEN)
    settings = Settings(
        account_sid=ACCOUNT, auth_token_file=token, from_number="+815012345678", base_url=twilio.url,
        callback_url="http://127.0.0.1:1/callbacks/voice", calls_per_s=30,
    )  # fmt: skip
    channels = {
        "mail": mail(smarthost.port),
        "voice": Voice(settings, outbound=OUTBOUND, clock=utc_now),
        "line": line(line_gateway.url, tmp_path),
    }
    async with engine(tmp_path, channels=channels) as made, served(_pages(made)) as url:
        made.public_url = url
        yield made


def _pages(hub: Engine) -> Town:
    return Town(ledger=hub.ledger, keys=KEYS, shelters=Shelters(), now=hub.clock())


async def staff(hub: Engine, number: int = 3) -> list[RecipientId]:
    people = [
        Registration(
            kind=Kind.STAFF,
            language=Language.JA,
            contacts={
                "mail": f"s{each}@work.example",
                "voice": f"+8190000000{each:02}",
                "line": line_user(each),
            },
        )
        for each in range(number)
    ]
    return await hub.register(people)


def roll(people: list[RecipientId], *channels: str) -> Roll:
    members = tuple(Member(recipient=each, name=f"職員{each}") for each in people)
    group = CalledGroup(code="disaster", name=Name(ja="防災課", en="Disaster"), members=members)
    return Roll(reason="多摩川の水位が上がっているため", channels=channels, groups=(group,))


def mustering(hub: Engine) -> Mustering:
    return Mustering(ledger=hub.ledger, keys=KEYS, intake=hub.intake, clock=hub.clock)


async def newest(hub: Engine, muster: int) -> str:
    calls = await hub.ledger.read(lambda conn: alerts.of_muster(conn, KEYS, muster))
    return calls[0].alert.identifier


async def answers(hub: Engine, muster: int) -> dict[RecipientId, Answer]:
    known = said(await hub.ledger.read(lambda conn: musters.answers(conn, muster)))
    return {recipient: each.answer for recipient, each in known.items()}


def mails(smarthost: SmtpGateway, address: str) -> list[tuple[str, str]]:
    """(subject, text) of what came to somebody."""
    return [(each.subject, each.text) for each in smarthost.inbox.of("mail", address)]


async def tap(hub: Engine, text: str, answer: str) -> None:
    found = LINK.search(text)
    assert found is not None, text
    async with (
        aiohttp.ClientSession() as phone,
        phone.post(hub.public_url + found[1], data={"answer": answer}) as page,
    ):
        assert page.status == 200


async def test_each_answers_by_a_link_of_their_own_and_the_silent_are_called_again(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(4))
    people = await staff(hub)
    async with hub.running():
        muster = await mustering(hub).call(roll(people, "mail"), Mode.LIVE, AUTHOR, form="f" * 36)
        tally = (await hub.done(await newest(hub, muster)))["mail"]
        assert (tally.planned, tally.accepted) == (3, 3)
        assert set(smarthost.inbox.addresses("mail")) == {f"s{each}@work.example" for each in range(3)}
        texts = [mails(smarthost, f"s{each}@work.example")[0][1] for each in range(3)]
        assert len({LINK.findall(text)[0] for text in texts}) == 3
        await tap(hub, texts[0], "30")
        await tap(hub, texts[1], "no")
        assert await answers(hub, muster) == {people[0]: Answer.IN_30, people[1]: Answer.NO}
        assert await mustering(hub).again(muster, (), AUTHOR) == 1
        await hub.done(again := await newest(hub, muster))
        assert set(await hub.outcomes(again)) == {people[2]}
        ((_, _), (subject, text)) = mails(smarthost, "s2@work.example")
        assert "再度" in subject
        await tap(hub, text, "now")
        await mustering(hub).cancel(muster, AUTHOR)
        await hub.done(await newest(hub, muster))
    for each in range(3):
        assert "取り消し" in mails(smarthost, f"s{each}@work.example")[-1][0]
    assert not any(smarthost.inbox.of("mail", f"r{each}@mail.example") for each in range(4))
    await hub.audited()


async def test_a_drill_is_marked_and_reaches_the_same_staff_alone(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(4))
    others = await staff(hub)
    async with hub.running():
        chosen = others[:2]
        muster = await mustering(hub).call(roll(chosen, "mail"), Mode.STAFF_DRILL, AUTHOR, form="f" * 36)
        await hub.done(call := await newest(hub, muster))
    assert set(await hub.outcomes(call)) == set(chosen)
    for message in smarthost.messages:
        read = email.message_from_bytes(message, policy=email.policy.default)
        assert read["Subject"].startswith("【訓練】")


async def test_a_line_message_has_a_link_of_its_own_though_a_try_failed(
    hub: Engine, line_gateway: LineGateway
) -> None:
    people = await staff(hub)
    line_gateway.faults.temporary = 0.5
    async with hub.running():
        muster = await mustering(hub).call(roll(people, "line"), Mode.LIVE, AUTHOR, form="f" * 36)
        tally = (await hub.done(await newest(hub, muster)))["line"]
    assert tally.accepted == 3
    texts = [arrival.text for each in range(3) for arrival in line_gateway.inbox.of("line", line_user(each))]
    assert len({LINK.findall(text)[0] for text in texts}) == len(texts) == 3


async def test_who_has_answered_is_not_rung_and_a_key_is_an_answer(
    hub: Engine, smarthost: SmtpGateway, twilio: TwilioGateway
) -> None:
    people = await staff(hub)
    twilio.fates.key = "2"
    muster = await mustering(hub).call(roll(people, "mail", "voice"), Mode.LIVE, AUTHOR, form="f" * 36)
    call = await newest(hub, muster)
    async with hub.running("fanout", "sweep", "mail"):

        async def mailed() -> bool:
            return len(smarthost.messages) == 3

        await until(mailed)
        await tap(hub, mails(smarthost, "s0@work.example")[0][1], "now")
    async with hub.running("fanout", "sweep", "voice"):

        async def both() -> bool:
            return len(await answers(hub, muster)) == 3

        await until(both)
    assert await answers(hub, muster) == {
        people[0]: Answer.NOW, people[1]: Answer.IN_30, people[2]: Answer.IN_30,
    }  # fmt: skip
    assert sorted(each.to for each in twilio.calls) == ["+819000000001", "+819000000002"]
    assert (await hub.outcomes(call, "voice"))[people[0]] is Outcome.ANSWERED


async def test_who_has_answered_says_nothing_of_a_gateway_that_was_not_asked(
    hub: Engine, smarthost: SmtpGateway, twilio: TwilioGateway
) -> None:
    """What an attempt gives is what the breaker hears: it would end an outage that goes on."""
    [who] = await staff(hub, 1)
    muster = await mustering(hub).call(roll([who], "mail", "voice"), Mode.LIVE, AUTHOR, form="f" * 36)
    call = await newest(hub, muster)
    async with hub.running("fanout", "sweep", "mail"):

        async def mailed() -> bool:
            return len(smarthost.messages) == 1

        await until(mailed)
        await tap(hub, mails(smarthost, "s0@work.example")[0][1], "now")
    table = tables.batches.c
    wanted = select(table.id).where(table.alert == call, table.channel == "voice")
    [batch] = await hub.ledger.read(lambda conn: conn.scalars(wanted).all())
    assert await hub.delivery("voice").attempt(BatchId(batch), lambda _: None) == {}
    assert await hub.outcomes(call, "voice") == {who: Outcome.ANSWERED}
    assert not twilio.calls
