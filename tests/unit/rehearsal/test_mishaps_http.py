"""What can happen to a request to a simulated HTTP gateway, and what the gateway then knows of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.http import EXCHANGE, HttpGateway
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.mishap import Mishap, Strike
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.x import XGateway

KEY = "11111111-2222-3333-4444-555555555555"
USERS = [f"U{number:032x}" for number in range(4)]
ACCOUNT, TOKEN = "AC" + "5" * 32, "not-a-token-of-anybody"
LOGIN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}


class Pigeons(HttpGateway):
    """A gateway of one route."""

    channel = "pigeon"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/send", self._send)]

    def error(self, status: int, request: web.Request) -> web.Response:
        return web.Response(status=status)

    def describe(self, exchange: Exchange, request: web.Request, body: bytes) -> None:
        exchange.to, exchange.text = ["loft"], body.decode()

    async def _send(self, request: web.Request) -> web.Response:
        self.arrive(address="loft", text=await request.text(), key="1")
        exchange = request[EXCHANGE]
        exchange.take(self._clock(), to=exchange.to)
        return web.Response()


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
async def gateway(seen: list[Exchange]) -> AsyncIterator[Pigeons]:
    async with Pigeons(Inbox()) as gateway:
        gateway.witness = seen.append
        yield gateway


@pytest.fixture
async def client(gateway: Pigeons) -> AsyncIterator[aiohttp.ClientSession]:
    async with asyncio.timeout(120), aiohttp.ClientSession(gateway.url) as client:
        yield client


async def test_a_request_is_known_before_it_is_carried_out_and_when_it_is_answered(
    gateway: Pigeons, client: aiohttp.ClientSession, seen: list[Exchange]
) -> None:
    gateway.faults.drain_per_s = 20.0
    await client.post("/send", data="逃げて")
    asking = asyncio.ensure_future(client.post("/send", data="逃げて"))
    while len(seen) < 2:
        await asyncio.sleep(0.001)
    before = list(seen[1].taken)
    await asking
    assert before == []
    assert (seen[1].taken, seen[1].text, seen[1].answered) == (["loft"], "逃げて", True)
    assert seen[1].taken_at is not None
    assert seen[1].begun_at < seen[1].taken_at


@pytest.mark.parametrize(
    ("mishap", "status", "open_for", "taken"),
    [
        (Mishap.DOWN, 503, 0, 0),
        (Mishap.THROTTLED, 429, 0, 0),
        (Mishap.CREDENTIALS, 401, 0, 0),
        (Mishap.ERROR, 500, 1, 0),
        (Mishap.ERROR_AFTER, 500, 1, 1),
        (Mishap.CUT_BEFORE, None, 1, 0),
        (Mishap.CUT_AFTER, None, 1, 1),
    ],
)
async def test_what_hits_one_request_spares_the_next(
    gateway: Pigeons,
    client: aiohttp.ClientSession,
    seen: list[Exchange],
    *,
    mishap: Mishap,
    status: int | None,
    open_for: int,
    taken: int,
) -> None:
    with gateway.mishaps.armed(Strike(mishap=mishap)) as strike:
        try:
            async with client.post("/send") as answer:
                assert answer.status == status
        except aiohttp.ClientError:
            assert status is None
        async with client.post("/send") as answer:
            assert answer.status == 200
    assert strike.hits == 1
    assert (seen[0].mishap, seen[0].open_for, seen[0].answered) == (mishap, open_for, False)
    assert len(seen[0].taken) == taken
    assert bool(seen[0].denied) == (status is not None and not taken)
    assert gateway.inbox.count["pigeon"] == taken + 1


async def test_a_half_open_connection_is_cut_when_it_is_over(
    gateway: Pigeons, client: aiohttp.ClientSession, seen: list[Exchange]
) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.HALF_OPEN)) as strike:
        asking = asyncio.ensure_future(client.post("/send"))
        while not strike.hits:
            await asyncio.sleep(0.001)
        assert (gateway.in_flight, gateway.busy) == (1, True)
    with pytest.raises(aiohttp.ClientError):
        await asking
    assert (seen[0].taken, seen[0].open_for) == ([], 1)


async def test_a_late_answer_leaves_nothing_open_to_whoever_waits(
    gateway: Pigeons, client: aiohttp.ClientSession, seen: list[Exchange]
) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.SLOW, late_s=0.05)):
        async with client.post("/send") as answer:
            assert answer.status == 200
    assert (seen[0].answered, seen[0].open_for) == (True, 0)


async def test_a_late_answer_finds_nobody_who_gave_up(
    gateway: Pigeons, client: aiohttp.ClientSession, seen: list[Exchange]
) -> None:
    with gateway.mishaps.armed(Strike(mishap=Mishap.SLOW, late_s=0.2)):
        asking = asyncio.ensure_future(client.post("/send"))
        while not gateway.inbox.count["pigeon"]:
            await asyncio.sleep(0.001)
        asking.cancel()
        while gateway.busy:
            await asyncio.sleep(0.001)
    assert (seen[0].taken, seen[0].answered, seen[0].open_for) == (["loft"], False, 1)


@pytest.mark.parametrize(("taken_s", "open_for"), [(0.2, 0), (5.0, 1)])
async def test_a_gateway_that_is_slow_by_itself_is_why_somebody_left(
    seen: list[Exchange], taken_s: float, open_for: int
) -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    async with Pigeons(Inbox(), clock=lambda: now) as gateway, aiohttp.ClientSession(gateway.url) as client:
        gateway.witness = seen.append
        gateway.faults.latency_s = 0.1
        asking = asyncio.ensure_future(client.post("/send"))
        while not gateway.inbox.count["pigeon"]:
            await asyncio.sleep(0.001)
        asking.cancel()
        now += timedelta(seconds=taken_s)
        while gateway.busy:
            await asyncio.sleep(0.001)
    assert (seen[0].open_for, seen[0].answered) == (open_for, False)


async def multicast(client: aiohttp.ClientSession, to: list[str], *, key: str = KEY) -> int:
    headers = {"Authorization": "Bearer token", "X-Line-Retry-Key": key}
    body = {"to": to, "messages": [{"type": "text", "text": "全員避難"}]}
    async with client.post("/v2/bot/message/multicast", json=body, headers=headers) as answer:
        return answer.status


async def test_line_a_repeat_tells_of_what_was_taken_before(seen: list[Exchange]) -> None:
    async with LineGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url) as client:
        gateway.witness = seen.append
        with gateway.mishaps.armed(Strike(mishap=Mishap.CUT_AFTER)), pytest.raises(aiohttp.ClientError):
            await multicast(client, USERS)
        untold = seen[0].answered
        assert await multicast(client, USERS) == 409
    assert (untold, seen[0].answered) == (False, True)
    assert (seen[0].taken, seen[1].taken, seen[1].denied) == (USERS, [], [])
    assert (seen[0].key, seen[0].text) == (KEY, "全員避難")


async def test_line_an_unknown_id_is_refused_for_good_only_when_it_stands_alone(seen: list[Exchange]) -> None:
    async with LineGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url) as client:
        gateway.witness = seen.append
        gateway.faults.permanent = 1.0
        assert await multicast(client, USERS) == 400
        assert await multicast(client, USERS[:1], key=KEY.replace("1", "9")) == 400
    assert [each.permanent for each in seen[0].denied] == [False] * 4
    assert [each.permanent for each in seen[1].denied] == [True]


async def test_line_what_keeps_a_part_from_being_finished_leaves_the_whole_open(
    seen: list[Exchange],
) -> None:
    async with LineGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url) as client:
        gateway.witness = seen.append
        gateway.faults.permanent = 1.0
        await multicast(client, USERS)
        with gateway.mishaps.armed(Strike(mishap=Mishap.THROTTLED, left=2)):
            assert await multicast(client, USERS[:2], key=KEY.replace("1", "8")) == 429
            assert await multicast(client, [f"U{99:032x}"], key=KEY.replace("1", "7")) == 429
    assert [each.open_for for each in seen] == [0, 4, 1]


@pytest.mark.parametrize("wait", [None, timedelta(seconds=3)])
async def test_line_says_when_to_come_back_where_it_is_told_to(wait: timedelta | None) -> None:
    async with LineGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url) as client:
        gateway.retry_after = wait
        with gateway.mishaps.armed(Strike(mishap=Mishap.THROTTLED)):
            async with client.post("/v2/bot/message/multicast") as answer:
                assert (answer.status, answer.headers.get("Retry-After")) == (429, "3" if wait else None)


OAUTH = {"Authorization": 'OAuth oauth_consumer_key="k", oauth_token="77-t", oauth_signature="s"'}


async def test_x_the_timeline_tells_of_what_was_posted_before(seen: list[Exchange]) -> None:
    async with XGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url, headers=OAUTH) as client:
        gateway.witness = seen.append
        with gateway.mishaps.armed(Strike(mishap=Mishap.ERROR_AFTER)):
            async with client.post("/2/tweets", json={"text": "全員避難"}) as answer:
                assert answer.status == 500
        untold = seen[0].answered
        async with client.get("/2/users/77/tweets") as answer:
            assert len((await answer.json())["data"]) == 1
    assert (seen[0].taken, untold, seen[0].answered) == (["post:77"], False, True)


async def test_x_the_same_text_again_is_no_refusal_of_the_first(seen: list[Exchange]) -> None:
    async with XGateway(Inbox()) as gateway, aiohttp.ClientSession(gateway.url, headers=OAUTH) as client:
        gateway.witness = seen.append
        for status in (201, 403):
            async with client.post("/2/tweets", json={"text": "全員避難"}) as answer:
                assert answer.status == status
    assert [bool(each.taken) for each in seen] == [True, False]
    assert seen[1].denied == []


async def test_twilio_the_list_tells_of_calls_made_before(seen: list[Exchange]) -> None:
    gateway = TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN)
    async with gateway, aiohttp.ClientSession(gateway.url, headers=LOGIN) as client:
        gateway.witness = seen.append
        calls = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
        form = {"To": "+810000001", "From": "+815000000", "Twiml": "<Response><Say>避難</Say></Response>"}
        with gateway.mishaps.armed(Strike(mishap=Mishap.ERROR_AFTER)):
            async with client.post(calls, data=form) as answer:
                assert (answer.status, (await answer.json())["code"]) == (500, 20500)
        untold = seen[0].answered
        async with client.get(calls, params={"To": "+810000001"}) as answer:
            assert len((await answer.json())["calls"]) == 1
    assert (seen[0].taken, seen[0].text) == (["+810000001"], "避難")
    assert (untold, seen[0].answered) == (False, True)


async def test_twilio_a_call_nobody_picks_up_was_carried_out_and_reached_nobody(seen: list[Exchange]) -> None:
    gateway = TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN)
    gateway.fates.no_answer = 1.0
    async with gateway, aiohttp.ClientSession(gateway.url, headers=LOGIN) as client:
        gateway.witness = seen.append
        form = {"To": "+810000001", "From": "+815000000", "Twiml": "<Response><Say>避難</Say></Response>"}
        await client.post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=form)
    assert (seen[0].taken, seen[0].reached, seen[0].answered) == (["+810000001"], False, True)
