"""What is taken from a gateway's answer: never more than so much, and never a time without end."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import aiohttp
import pytest

from channels._answer import MOST_BYTES, TooLong, Unreadable, reading, retry_after
from channels._session import GatewaySession, unanswered, why
from hub.delivery import Outcome
from hub.errors import Cancelled
from hub.testing.channel_suite import REHEARSAL
from hub.testing.parcels import NOW

MIB = 1024 * 1024


class Server:
    """Gives one answer, head and body as they are."""

    head, body = b"", b""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + self.head
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(self.body) + self.body)
        writer.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def gateway(server: Server) -> AsyncIterator["Gateway"]:
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        session = GatewaySession(
            outbound=REHEARSAL, base_url=url, setting="test", timeout_s=30, connections=1
        )
        await session.open()
        yield Gateway(session, url)
        await session.close()


class Gateway(NamedTuple):
    session: GatewaySession
    url: str

    async def read(self) -> bytes:
        async with self.session.request("GET", self.url) as answer:
            return await answer.read()


async def test_as_much_as_is_taken_is_read_whole_packed_or_not(server: Server, gateway: Gateway) -> None:
    whole = b"x" * MOST_BYTES
    server.body = whole
    assert await gateway.read() == whole
    server.head, server.body = b"Content-Encoding: gzip\r\n", gzip.compress(whole)
    assert await gateway.read() == whole


async def test_a_longer_one_is_not_read_to_its_end(server: Server, gateway: Gateway) -> None:
    server.body = b"x" * (MOST_BYTES + 1)
    with pytest.raises(TooLong):
        await gateway.read()


async def test_a_packed_one_never_fills_the_memory(server: Server, gateway: Gateway) -> None:
    server.head, server.body = b"Content-Encoding: gzip\r\n", gzip.compress(b" " * 100 * MIB)
    tracemalloc.start()
    try:
        with pytest.raises(TooLong):
            await gateway.read()
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 999)[:-9]), ("br", b"x"), ("gzip, gzip", b"x")],
    ids=["wrong", "cut off", "another", "twice"],
)
async def test_what_cannot_be_unpacked_is_unreadable(
    server: Server, gateway: Gateway, encoding: str, body: bytes
) -> None:
    server.head, server.body = f"Content-Encoding: {encoding}\r\n".encode(), body
    with pytest.raises(Unreadable) as caught:
        await gateway.read()
    assert unanswered(caught.value) is Outcome.AMBIGUOUS
    assert why(caught.value) == "unreadable answer"


@pytest.mark.parametrize(
    "stumble", [RecursionError(), TypeError(), KeyError("x"), LookupError(), ValueError()]
)
def test_whatever_a_library_stumbles_over_is_an_answer_that_cannot_be_read(stumble: Exception) -> None:
    with pytest.raises(Unreadable), reading():
        raise stumble


@pytest.mark.parametrize(
    "known", [Cancelled("stop"), TimeoutError(), aiohttp.ServerDisconnectedError(), KeyError()]
)
def test_what_has_a_meaning_keeps_it(known: Exception) -> None:
    with pytest.raises(type(known)), reading(KeyError):
        raise known


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("120", 120),
        (" 120 ", 120),
        ("999999999", 86_400),
        ("9" * 30, 86_400),
        ("9" * 5000, 86_400),
        ("Tue, 08 Sep 2026 12:48:00 GMT", 60),
        ("Tue, 08 Sep 2020 12:48:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Tue, 08 Sep 99999999999999999999 12:48:00 GMT", None),
        ("Tue, 08 Sep 2026 12:48:00 -0000", None),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("²", None),
    ],
)
def test_when_to_come_back(header: str | None, wait_s: int | None) -> None:
    found = retry_after(header, now=NOW)
    assert found == (None if wait_s is None else timedelta(seconds=wait_s))
