"""Sensors that report over MQTT at a steady pace, in a process of their own: `python -m yobikake.bench.readings_paced`.

It reads a `Task`, connects, says `ready`, waits for a line, and sends. Most readings are a person or nobody at a door.
Now and then a group comes in at one of the probed doors; when each of these left is told at the end (`Sent`). A line of
JSON each. Times are of the clock that all processes of a machine share.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, cycle
from time import monotonic
from urllib.parse import urlsplit

import aiomqtt
import msgspec

from hub import typed
from shelters.mqtt import TOPIC

TICK_S = 0.02
PATIENCE_S = 60.0
"""For the broker: what comes later than its turn is late, and that is what is measured."""
READY = "ready"
PASSES = ((1, 0), (0, 0), (0, 1), (0, 0))
"""In and out, of one door after the other: the sites stay as full as they are."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`doors` report `per_s` readings a second for `seconds`; each of `probed` a group of `group` every `every_s`."""

    url: str
    doors: tuple[str, ...]
    probed: tuple[str, ...]
    per_s: float
    seconds: float
    group: int
    every_s: float


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    door: str
    at: float


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """`readings` of all kinds, in `seconds`."""

    readings: int
    seconds: float
    probes: tuple[Probe, ...]


async def send(task: Task) -> Sent:
    address = urlsplit(task.url)
    assert address.hostname  # noqa: S101 - the bench's own broker
    quiet = logging.getLogger("quiet")
    async with aiomqtt.Client(
        address.hostname, address.port or 1883, max_inflight_messages=10_000, logger=quiet
    ) as client:
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return await _paced(client, task)


async def _paced(client: aiomqtt.Client, task: Task) -> Sent:
    ordinary, probes, groups = _ordinary(task), list[Probe](), _groups(task)
    begun_at, sent, due = monotonic(), 0, next(groups)
    while (passed_s := monotonic() - begun_at) < task.seconds:
        batch = [next(ordinary) for _ in range(int(passed_s * task.per_s) - sent)]
        sent += len(batch)
        while due[0] <= passed_s:
            probes.append(Probe(door=due[1], at=monotonic()))
            batch.append(_message(due[1], f"group-{len(probes)}", task.group, 0))
            due = next(groups)
        await asyncio.gather(
            *(client.publish(topic, body, qos=1, timeout=PATIENCE_S) for topic, body in batch)
        )
        await asyncio.sleep(TICK_S)
    return Sent(readings=sent + len(probes), seconds=monotonic() - begun_at, probes=tuple(probes))


def _ordinary(task: Task) -> Iterator[tuple[str, bytes]]:
    passes = [cycle(PASSES) for _ in task.doors]
    for number in count():
        door = number % len(task.doors)
        entered, left = next(passes[door])
        yield _message(task.doors[door], f"bench-{number}", entered, left)


def _groups(task: Task) -> Iterator[tuple[float, str]]:
    """When, and at which door: each in its turn, evenly."""
    apart_s = task.every_s / len(task.probed)
    for number in count():
        yield number * apart_s, task.probed[number % len(task.probed)]


def _message(door: str, id_: str, entered: int, left: int) -> tuple[str, bytes]:
    reading = {"id": id_, "device": door, "at": datetime.now(UTC).isoformat(), "kind": "door_deltas"}
    return TOPIC + door, json.dumps({"readings": [{**reading, "in": entered, "out": left}]}).encode()


def main() -> None:
    logging.getLogger("quiet").setLevel(logging.ERROR)
    task = typed.from_json(sys.stdin.readline(), Task)
    print(msgspec.json.encode(asyncio.run(send(task))).decode(), flush=True)


if __name__ == "__main__":
    main()
