"""What all simulated HTTP gateways share."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import aiohttp
import pytest
from aiohttp import web

from hub.outbound import REHEARSAL_HEADER
from yobikake.rehearsal.faults import CUT_ANSWER, NO_ANSWER
from yobikake.rehearsal.http import STATUSES, HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

INSTEAD = ["400", "403", "409", "413", "500"]


class Pigeons(HttpGateway):
    """A gateway of one route."""

    channel = "pigeon"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/send", self._send)]

    def error(self, status: int, request: web.Request) -> web.Response:
        return web.Response(status=status, text=self.words(status, request))

    async def _send(self, request: web.Request) -> web.Response:
        self.arrive(address="loft", text=await request.text(), key="1")
        return web.Response()


@pytest.fixture
async def gateway() -> AsyncIterator[Pigeons]:
    async with Pigeons(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: Pigeons) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(gateway.url) as client:
        yield client


@pytest.mark.parametrize("path", ["/send", "/nowhere"])
async def test_every_answer_says_that_it_is_a_rehearsal(
    gateway: Pigeons, client: aiohttp.ClientSession, path: str
) -> None:
    async with client.post(path) as answer:
        assert answer.headers[REHEARSAL_HEADER] == "1"


async def test_requests_and_arrivals_are_kept(gateway: Pigeons, client: aiohttp.ClientSession) -> None:
    async with client.post("/send?way=home", data="逃げて", headers={"Key": "7"}) as answer:
        assert answer.status == 200
    (request,) = gateway.requests
    assert (request.method, request.target, request.body) == ("POST", "/send?way=home", "逃げて".encode())
    assert request.headers["key"] == "7"
    (arrival,) = gateway.inbox.of("pigeon", "loft")
    assert arrival.text == "逃げて"


@pytest.mark.parametrize("refusal", Refusal)
async def test_a_refused_request_is_seen_and_not_carried_out(
    gateway: Pigeons, client: aiohttp.ClientSession, refusal: Refusal
) -> None:
    setattr(gateway.faults, refusal, 1.0)
    async with client.post("/send") as answer:
        assert answer.status == STATUSES[refusal]
        assert answer.headers[REHEARSAL_HEADER] == "1"
    assert len(gateway.requests) == 1
    assert gateway.inbox.count["pigeon"] == 0


@pytest.mark.parametrize("status", INSTEAD)
async def test_what_is_said_instead_is_said_and_nothing_is_done(
    gateway: Pigeons, client: aiohttp.ClientSession, status: str
) -> None:
    gateway.faults.instead, gateway.faults.echo = status, True
    async with client.post("/send", data="逃げて", headers={"Key": "7"}) as answer:
        said = await answer.text()
    assert answer.status == int(status)
    assert "逃げて" in said
    assert "'Key': '7'" in said
    assert gateway.inbox.count["pigeon"] == 0


async def test_half_an_answer_comes_of_what_was_done(gateway: Pigeons, client: aiohttp.ClientSession) -> None:
    gateway.faults.instead = CUT_ANSWER
    with pytest.raises(aiohttp.ClientPayloadError):
        async with client.post("/send") as answer:
            await answer.read()
    assert gateway.inbox.count["pigeon"] == 1


async def test_what_is_never_answered_was_done(gateway: Pigeons, client: aiohttp.ClientSession) -> None:
    gateway.faults.instead = NO_ANSWER
    asking = asyncio.ensure_future(client.post("/send"))
    async with asyncio.timeout(120):
        while gateway.inbox.count["pigeon"] != 1:
            await asyncio.sleep(0.001)
    assert not asking.done()
    asking.cancel()


async def test_a_silent_gateway_has_carried_it_out(gateway: Pigeons, client: aiohttp.ClientSession) -> None:
    gateway.faults.silent = 1.0
    with pytest.raises(aiohttp.ClientError):
        await client.post("/send")
    assert gateway.inbox.count["pigeon"] == 1


async def test_in_flight_until_the_client_goes(gateway: Pigeons, client: aiohttp.ClientSession) -> None:
    gateway.faults.latency_s = 600
    asking = asyncio.ensure_future(client.post("/send"))
    async with asyncio.timeout(120):
        while gateway.in_flight != 1:
            await asyncio.sleep(0.001)
        asking.cancel()
        while gateway.in_flight != 0:
            await asyncio.sleep(0.001)
    assert gateway.inbox.count["pigeon"] == 1
