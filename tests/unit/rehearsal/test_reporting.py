"""How the simulated Twilio reports what became of its calls: early, late, again and again, in any order."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import Fates, Reporting

ACCOUNT, TOKEN = "AC" + "5" * 32, "not-a-token-of-anybody"
LOGIN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}


class Office:
    """Where reports come in."""

    def __init__(self) -> None:
        self.came: list[Mapping[str, str]] = []
        self.signed: list[bool] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers["X-Twilio-Signature"]
        self.came.append(form)
        self.signed.append(RequestValidator(TOKEN).validate(self.url, form, signature))
        return web.Response(status=204)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office()
    app = web.Application()
    app.add_routes([web.post("/callbacks/voice", office.take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks/voice"
    yield office
    await runner.cleanup()


@pytest.fixture
async def gateway() -> AsyncIterator[TwilioGateway]:
    fates = Fates(ring_s=0.01, talk_s=0.01)
    async with TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, fates=fates) as gateway:
        yield gateway


async def a_call(gateway: TwilioGateway, office: Office, to: str = "+810000001") -> str:
    """Its SID."""
    form = {
        "To": to,
        "From": "+815000000",
        "Twiml": "<Response><Say>避難</Say></Response>",
        "StatusCallback": office.url,
    }
    async with (
        asyncio.timeout(120),
        aiohttp.ClientSession(gateway.url, headers=LOGIN) as client,
        client.post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=form) as answer,
    ):
        return str((await answer.json())["sid"])


async def idle(gateway: TwilioGateway) -> None:
    async with asyncio.timeout(120):
        while gateway.busy:
            await asyncio.sleep(0.001)


async def test_usually_a_call_is_reported_once_after_it_was_answered_for(
    gateway: TwilioGateway, office: Office
) -> None:
    sid = await a_call(gateway, office)
    assert office.came == []
    await idle(gateway)
    assert [(each["CallSid"], each["CallStatus"]) for each in office.came] == [(sid, "completed")]
    assert gateway.phones.reporting.sent == 1


async def test_a_report_may_come_before_the_answer_to_its_request(
    gateway: TwilioGateway, office: Office
) -> None:
    gateway.phones.reporting = Reporting(early=True)
    sid = await a_call(gateway, office)
    assert [each["CallSid"] for each in office.came] == [sid]
    assert office.signed == [True]


async def test_reports_may_come_several_times(gateway: TwilioGateway, office: Office) -> None:
    gateway.phones.reporting = Reporting(copies=3)
    sid = await a_call(gateway, office)
    await idle(gateway)
    assert [each["CallSid"] for each in office.came] == [sid] * 3
    assert office.signed == [True] * 3


async def test_reports_may_come_late(gateway: TwilioGateway, office: Office) -> None:
    gateway.phones.reporting = Reporting(late_s=0.1)
    await a_call(gateway, office)
    (call,) = gateway.calls
    while call.status != "completed":
        await asyncio.sleep(0.001)
    assert office.came == []
    await idle(gateway)
    assert len(office.came) == 1


async def test_reports_may_come_in_the_wrong_order(gateway: TwilioGateway, office: Office) -> None:
    held = Reporting(held=[])
    gateway.phones.reporting = held
    first = await a_call(gateway, office)
    await idle(gateway)
    second = await a_call(gateway, office, "+810000002")
    await idle(gateway)
    assert office.came == []
    await gateway.phones.release(held)
    assert [each["CallSid"] for each in office.came] == [second, first]
    assert (office.signed, held.sent) == ([True, True], 2)


async def test_a_report_that_nobody_takes_is_given_up(gateway: TwilioGateway, office: Office) -> None:
    office.url = "http://127.0.0.1:9/callbacks/voice"
    await a_call(gateway, office)
    await idle(gateway)
    assert gateway.phones.reporting.sent == 0
