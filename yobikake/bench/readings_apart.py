"""Whoever sends readings to a hub that is measured, in a process of its own: by HTTP or by MQTT.

`python -m yobikake.bench.readings_apart` reads a `Task`, connects, says `ready`, waits for a line, sends
as fast as it is answered, and tells what came of it (`Sent`): a line of JSON each. It writes HTTP by itself,
and every request beforehand: it must cost less than what it measures.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

import aiomqtt
import msgspec

from hub import typed
from hub.blocks import blocks
from shelters.gateway import PATH
from shelters.mqtt import TOPIC

BLOCK = 50
"""Readings of one source that follow each other, however many of them go together."""

Go = Callable[[], Awaitable[int]]
"""Sends everything; how many messages were answered otherwise than «all of it taken»."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The doors that report with one key."""

    token: str
    doors: tuple[str, ...]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """So many `readings`, each of one person who came in, from number `first` on.

    `url`: the hub's (http) or the broker's (mqtt). `together`: in one request, or under way at once to the
    broker, each in a message of its own. `connections`: of HTTP, each with one request at a time.
    """

    url: str
    sources: tuple[Source, ...]
    first: int
    readings: int
    together: int
    connections: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds of the machine's monotonic clock."""

    begun_at: float
    ended_at: float
    refused: int


class Part(NamedTuple):
    """Readings that go together."""

    token: str
    readings: list[dict[str, object]]


def parts(task: Task, at: datetime) -> Iterator[Part]:
    """The same readings in the same order, however many of them go together."""
    for numbers in blocks(range(task.readings), task.together):
        source = task.sources[numbers[0] // BLOCK % len(task.sources)]
        yield Part(source.token, [_reading(source, task.first + number, at) for number in numbers])


async def send(task: Task) -> Sent:
    by_http = urlsplit(task.url).scheme == "http"
    async with (_http if by_http else _mqtt)(task, list(parts(task, datetime.now(UTC)))) as go:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        begun_at = monotonic()
        refused = await go()
        return Sent(begun_at=begun_at, ended_at=monotonic(), refused=refused)


def _reading(source: Source, number: int, at: datetime) -> dict[str, object]:
    door = source.doors[number % len(source.doors)]
    return {
        "id": f"bench-{number}", "device": door, "at": at.isoformat(), "kind": "door_deltas", "in": 1, "out": 0,
    }  # fmt: skip


def _body(readings: Sequence[dict[str, object]]) -> bytes:
    return json.dumps({"readings": readings}).encode()


@asynccontextmanager
async def _http(task: Task, prepared: Sequence[Part]) -> AsyncIterator[Go]:
    address = urlsplit(task.url)
    requests = iter([(_request(address.netloc, part), len(part.readings)) for part in prepared])
    opened = [await asyncio.open_connection(address.hostname, address.port) for _ in range(task.connections)]

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        refused = 0
        for request, readings in requests:
            writer.write(request)
            refused += await _taken(reader) != readings
        return refused

    async def go() -> int:
        return sum(await asyncio.gather(*(one(*streams) for streams in opened)))

    try:
        yield go
    finally:
        for _, writer in opened:
            writer.close()


def _request(host: str, part: Part) -> bytes:
    body = _body(part.readings)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {part.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _taken(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(json.loads(await reader.readexactly(int(length)))["taken"])


@asynccontextmanager
async def _mqtt(task: Task, prepared: Sequence[Part]) -> AsyncIterator[Go]:
    address = urlsplit(task.url)
    assert address.hostname  # noqa: S101 - the bench's own broker
    bursts = [
        [(f"{TOPIC}{reading['device']}", _body([reading])) for reading in part.readings] for part in prepared
    ]
    client = aiomqtt.Client(
        address.hostname,
        address.port or 1883,
        max_inflight_messages=task.together,
        logger=logging.getLogger("quiet"),
    )
    async with client:

        async def go() -> int:
            for burst in bursts:
                await asyncio.gather(*(client.publish(topic, body, qos=1) for topic, body in burst))
            return 0

        yield go


def main() -> None:
    logging.getLogger("quiet").setLevel(logging.ERROR)
    task = typed.from_json(sys.stdin.readline(), Task)
    print(msgspec.json.encode(asyncio.run(send(task))).decode(), flush=True)


if __name__ == "__main__":
    main()
