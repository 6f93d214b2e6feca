"""From the second person's click to the last acknowledgement: one alert by mail to a whole city.

The hub is `yobikake serve` in processes of its own, with its ledger, its sealed addresses, and a text for each
language and shelter zone. The click is an HTTP request of this process; the smarthost is a third one, which
counts distinct recipients and notes when it acknowledged the first and the last.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub import typed
from hub.draft import Draft
from hub.ledger import Ledger, batches, plans
from yobikake.bench.distance import distant
from yobikake.bench.figures import Machine, Say, machine, median_of, used_s
from yobikake.bench.hub_apart import Desk, Prepared, Shape, ledger_of, only_mail, prepared, running
from yobikake.bench.sink import Counted
from yobikake.chaos.city import City
from yobikake.rehearsal.servers.folder import temporary

LOOK_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Milliseconds from the submit of one alert."""

    answer_ms: float
    """The click was answered: the alert is durable."""
    first_ms: float
    """The smarthost acknowledged the first message."""
    last_ms: float
    durable_ms: float
    """Every recipient's outcome stood in the ledger, as another process reads it."""
    distinct: int
    transactions: int
    cpu_s: Mapping[str, float]
    """Processor time of each of the hub's processes, by its roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Medians of the rounds; `distinct` is the same in each, or it fails."""

    residents: int
    shape: Shape
    delay_ms: float
    answer_ms: float
    first_ms: float
    last_ms: float
    durable_ms: float
    distinct: int
    rounds: Sequence[Round]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    runs: Sequence[Run]
    machine: Machine


class Lost(Exception):
    """Somebody was not reached, or twice."""


async def measure(
    residents: Sequence[int], *, delays_ms: Sequence[float], shape: Shape, rounds: int, say: Say
) -> Measured:
    """Raises `Lost` if the smarthost did not hear of each resident exactly once."""
    found = machine("aiohttp", "sqlalchemy", "aiokafka")
    runs: list[Run] = []
    for number in residents:
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(temporary("yobikake-bench-"))
            servers = await stack.enter_async_context(_servers(shape, folder / "servers"))
            (folder / "hub").mkdir()
            warm_up = len(delays_ms)
            hub = await stack.enter_async_context(
                prepared(
                    folder / "hub",
                    residents=number,
                    alerts=len(delays_ms) * rounds + warm_up,
                    servers=servers,
                    say=say,
                )
            )
            drafts = iter(hub.drafts)
            for delay_ms in delays_ms:
                say(f"{number:,} residents, {shape}, {delay_ms:g} ms there and back")
                mine = [next(drafts) for _ in range(rounds + 1)]
                runs.append(await _run(hub, shape, delay_ms, mine, residents=number))
    return Measured(runs=runs, machine=found)


async def _run(
    hub: Prepared, shape: Shape, delay_ms: float, drafts: Sequence[Draft], *, residents: int
) -> Run:
    """After one alert that warms up what a hub that has run for a while has warm; that one is not counted."""
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(sink_apart())
        port = await stack.enter_async_context(distant(sink.port, round_trip_ms=delay_ms))
        only_mail(hub.path, port)
        processes = await stack.enter_async_context(running(hub.path, shape))
        ledger = await stack.enter_async_context(ledger_of(hub.found))
        desk = Desk(hub.found, hub.approver)
        stack.push_async_callback(desk.close)
        await desk.sign_in()
        done = [
            await _round(desk, ledger, sink, draft, residents=residents, processes=processes)
            for draft in drafts
        ][1:]
    return Run(
        residents=residents,
        shape=shape,
        delay_ms=delay_ms,
        answer_ms=median_of(done, "answer_ms"),
        first_ms=median_of(done, "first_ms"),
        last_ms=median_of(done, "last_ms"),
        durable_ms=median_of(done, "durable_ms"),
        distinct=residents,
        rounds=done,
    )


async def _round(
    desk: Desk,
    ledger: Ledger,
    sink: "SinkApart",
    draft: Draft,
    *,
    residents: int,
    processes: Mapping[str, int],
) -> Round:
    form = await desk.read(draft)
    await sink.counted()
    used = {roles: used_s(pid) for roles, pid in processes.items()}
    submitted_at = time.time()
    alert = await desk.approve(draft, form)
    answered_at = time.time()
    durable_at = await _durable(ledger, alert)
    told = await sink.counted()
    if (told.distinct, told.accepted) != (residents, residents):
        raise Lost(
            f"{told.distinct:,} of {residents:,} residents were reached, by {told.accepted:,} acceptances"
        )

    def since(moment: float) -> float:
        return 1000 * (moment - submitted_at)

    return Round(
        answer_ms=since(answered_at),
        first_ms=since(told.first_at),
        last_ms=since(told.last_at),
        durable_ms=since(durable_at),
        distinct=told.distinct,
        transactions=told.transactions,
        cpu_s={roles: used_s(pid) - used[roles] for roles, pid in processes.items()},
    )


async def _durable(ledger: Ledger, alert: str) -> float:
    """When all of it was planned and recorded."""

    def over(conn: Any) -> bool:
        completion = plans.completion(conn, alert)
        planned = bool(completion) and all(complete for _, complete in completion.values())
        return planned and not batches.unfinished(conn, alert, "mail")

    while not await ledger.read(over):  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(LOOK_S)
    return time.time()


class SinkApart:
    """The counting smarthost, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def counted(self) -> Counted:
        """What it took since this was asked last."""
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(b"\n")
        return typed.from_json(await self._process.stdout.readline(), Counted)


@asynccontextmanager
async def sink_apart() -> AsyncIterator[SinkApart]:
    async with _child("yobikake.bench.sink", stdin=asyncio.subprocess.PIPE) as (process, line):
        yield SinkApart(process, int(line))


@asynccontextmanager
async def _child(
    module: str, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A module of ours, and the first line it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=stdin, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield process, (await process.stdout.readline()).decode()
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _servers(shape: Shape, folder: Path) -> AsyncIterator[Mapping[str, Any]]:
    """The stanzas that name them."""
    if shape is Shape.EMBEDDED:
        yield {}
        return
    city = City(durable=True)
    folder.mkdir()  # noqa: ASYNC240 - once, in a measurement
    try:
        await city.start(folder)
        yield await city.empty()
    finally:
        await city.close()
