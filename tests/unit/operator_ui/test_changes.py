"""One event for everybody: nobody waits for a reader who does not read."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from hub.background import Background
from operator_ui import changes
from operator_ui.changes import Changes
from operator_ui.senders import Senders


class Subject:
    def __init__(self) -> None:
        self.version = "1"
        self.looks = 0

    async def look(self, _subject: str) -> bytes:
        self.looks += 1
        return self.version.encode()


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setattr(changes, "LOOK_S", 0.01)
    return Subject()


class Listener(TestServer):
    """As the hub listens: a handler goes on when its client leaves."""

    async def _make_runner(self, **kwargs: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **(kwargs | {"handler_cancellation": False}))


async def nothing(_request: web.Request) -> None:
    """What comes first in a handler that only streams."""


@asynccontextmanager
async def told(
    subject: Subject,
    *,
    senders: Senders | None = None,
    first: Callable[[web.Request], Awaitable[None]] = nothing,
    answered: list[web.StreamResponse] | None = None,
) -> AsyncIterator[TestServer]:
    """`first`: what the handler waits for before it streams. `answered`: where its answers are kept."""
    background = Background()
    options = {} if senders is None else {"senders": senders}
    watched = Changes(subject.look, background, version=bytes.decode, **options)

    async def handler(request: web.Request) -> web.StreamResponse:
        await first(request)
        answer = await watched.stream(request, "anything")
        if answered is not None:
            answered.append(answer)
        return answer

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_shutdown.append(watched.close)
    async with Listener(app) as server:
        yield server
    await background.finish(1)


async def version(stream: asyncio.StreamReader) -> str:
    while True:
        line = await stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            return line.removeprefix(b"data: ").decode().strip()


async def test_everybody_hears_of_it_by_one_look(subject: Subject) -> None:
    async with told(subject) as server, ClientSession(server.make_url("/")) as session:
        streams = [await session.get("/") for _ in range(20)]
        assert {await version(each.content) for each in streams} == {"1"}
        subject.version = "2"
        assert {await version(each.content) for each in streams} == {"2"}
        looks = subject.looks
        subject.version = "3"
        assert {await version(each.content) for each in streams} == {"3"}
        assert subject.looks - looks < len(streams)
        for each in streams:
            each.close()


async def test_who_comes_back_hears_only_of_what_they_missed(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_S", 0.02)
    async with told(subject) as server, ClientSession(server.make_url("/")) as session:
        async with session.get("/", headers={"Last-Event-ID": "1"}) as stream:
            seen = [await stream.content.readline() for _ in range(5)]
            assert b": still here\n" in seen
            assert not [line for line in seen if line.startswith(b"data")]
            subject.version = "2"
            assert await version(stream.content) == "2"
        async with session.get("/", headers={"Last-Event-ID": "1"}) as stream:
            assert await version(stream.content) == "2"


async def test_a_reader_who_does_not_read_is_dropped_and_holds_nobody_up(subject: Subject) -> None:
    async with told(subject) as server, ClientSession(server.make_url("/")) as session:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((server.host, server.port))
        deaf.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with session.get("/") as stream:
            assert await version(stream.content) == "1"
            for number in range(200):
                subject.version = f"{number}-" + "x" * 2_000
                assert await version(stream.content) == subject.version
        deaf.setblocking(False)
        heard = b""
        with deaf, suppress(ConnectionResetError):
            while more := await asyncio.get_running_loop().sock_recv(deaf, 65_536):
                heard += more
        assert b"data: 1\n" in heard
        assert b"data: 199-" not in heard, "they were dropped on the way"


async def test_who_left_before_the_answer_began_is_no_failure(subject: Subject) -> None:
    asked, answered = asyncio.Event(), list[web.StreamResponse]()

    async def until_they_left(request: web.Request) -> None:
        asked.set()
        async with asyncio.timeout(10):
            while request.transport is not None:
                await asyncio.sleep(0)

    async with told(subject, first=until_they_left, answered=answered) as server:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asked.wait()
        writer.transport.abort()
        async with asyncio.timeout(10):
            while not answered:
                await asyncio.sleep(0)
    assert subject.looks == 0, "nobody watches"


async def test_behind_a_proxy_that_is_named_each_reader_has_their_own_share(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_OF_ONE_ADDRESS", 1)
    async with (
        told(subject, senders=Senders(["127.0.0.1"])) as server,
        ClientSession(server.make_url("/")) as session,
        session.get("/", headers={"X-Forwarded-For": "8.8.8.8"}) as one,
        session.get("/", headers={"X-Forwarded-For": "8.8.8.8"}) as again,
        session.get("/", headers={"X-Forwarded-For": "8.8.8.8, 9.9.9.9"}) as other,
    ):
        assert [each.status for each in (one, again, other)] == [200, 503, 200]
