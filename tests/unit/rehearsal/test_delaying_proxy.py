"""The proxy: later, whole, in order, and never faster than its receiver reads."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from yobikake.rehearsal.delaying_proxy import WINDOW_BYTES, DelayingProxy

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def proxied(
    serve: Serve, round_trip_s: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with DelayingProxy("127.0.0.1", port, round_trip_s=round_trip_s) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            yield reader, writer
            writer.close()
            while proxy.ends:
                await asyncio.sleep(0.01)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello\n")
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_an_answer_takes_no_less_than_the_round_trip() -> None:
    time = asyncio.get_running_loop().time
    began = time()
    async with proxied(echo, 0.2) as (reader, writer):
        assert await reader.readline() == b"hello\n"
        greeted = time()
        assert greeted - began >= 0.4  # TCP's handshake, and the way back
        for _ in range(2):
            asked = time()
            writer.write(b"anyone?\n")
            assert await reader.readline() == b"anyone?\n"
            assert time() - asked >= 0.2


async def test_everything_arrives_in_order_and_the_end_comes_last() -> None:
    sent = b"".join(b"%d\n" % n for n in range(400_000))
    async with proxied(echo, 0.01) as (reader, writer):
        await reader.readline()
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent


async def test_what_is_sent_before_the_server_has_accepted_is_kept() -> None:
    async with proxied(echo, 0.1) as (reader, writer):
        writer.write(b"early\n")
        assert await reader.readline() == b"hello\n"
        assert await reader.readline() == b"early\n"


async def test_who_does_not_read_stops_who_sends() -> None:
    reading = asyncio.Event()
    taken = 0

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reading.wait()
        while data := await reader.read(1 << 20):
            taken += len(data)
        writer.close()

    async with proxied(deaf, 0.0) as (reader, writer):
        size = 4 * WINDOW_BYTES
        writer.write(bytes(size))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 1)
        transport = writer.transport
        assert transport.get_write_buffer_size() > size / 2
        reading.set()
        writer.write_eof()
        assert await reader.read() == b""
        assert taken == size


async def test_a_cut_is_passed_on() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        at_once = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        writer.transport.abort()

    async with proxied(cut, 0.02) as (reader, writer):
        writer.write(b"now\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_a_server_that_is_not_there_ends_the_connection() -> None:
    async with DelayingProxy("127.0.0.1", 1, round_trip_s=0.0) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
