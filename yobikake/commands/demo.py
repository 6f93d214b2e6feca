"""`yobikake demo`: a whole evening in a city that does not exist, on the embedded default."""

import asyncio
import logging
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Group
from rich.live import Live as LiveView
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from hub import codec, settings
from hub.delivery import Outcome
from hub.ledger.alerts import Accepted
from hub.progress import Tally, progress
from shelters.board import Board
from shelters.crowding import JAPANESE
from shelters.shelter import Stage
from yobikake import roles
from yobikake.assembly import Assembly, assemble
from yobikake.commands.output import err
from yobikake.rehearsal import answers, evening, inbox_page
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city
from yobikake.rehearsal.evening import Clerk, Stream

CHANNELS = ("mail", "line", "x", "voice", "sms", "fax", "webpush", "wifi", "webhook", "loudspeaker")
"""What the demo counts; the website and the manual sheets are in the console."""

GIVE_UP_S = 300.0
"""An alert that is not done by then is reported as it stands, and the demo ends with 1."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What one demo holds while it runs."""

    assembly: Assembly
    town: RehearsalCity
    stream: Stream
    accepted: Accepted
    submitted_at: datetime


def demo(
    residents: Annotated[
        int, typer.Option(min=100, max=500_000, help="How many residents to invent.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same people.")] = 1,
    whole_city: Annotated[
        bool, typer.Option("--whole-city", help="Send to everyone instead of the river's flood area.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="End when the alert is done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Send one level-4 flood alert on every channel while shelters fill up. Nobody real is reached.

    Everything runs in this process and in a fresh folder, which is removed at the end. Without --once
    it stays up until Ctrl-C: sign in at the console, look at what residents received.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    done = asyncio.run(_demo(residents, seed, whole_city=whole_city, once=once, as_json=as_json))
    if not done:
        raise typer.Exit(1)


async def _demo(number: int, seed: int, *, whole_city: bool, once: bool, as_json: bool) -> bool:
    staff_port, residents_port, inbox_port = _ports(8080, 8081, 8082)
    people = evening.clerks()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yobikake-")))
        town = await stack.enter_async_context(
            rehearsal_city(
                folder,
                residents_port=residents_port,
                staff_port=staff_port,
                conditions=Conditions(card=True),
                seed=seed,
            )
        )
        personas = await _set_up(town, people, number, seed)
        assembly = await stack.enter_async_context(assemble(settings.load(folder / "yobikake.toml")))
        running = await stack.enter_async_context(_running(assembly))
        await stack.enter_async_context(
            inbox_page.serve(
                assembly.ledger,
                town.inbox,
                personas,
                assembly.capabilities,
                port=inbox_port,
                towns={code: known.name.ja for code, known in assembly.city.towns.items()},
            )
        )
        _introduce(assembly, people, inbox_port)
        await evening.open_shelters(assembly)
        stream = Stream(town, assembly.settings.residents.url)
        stack.push_async_callback(_stop, asyncio.create_task(stream.run()))
        grounds = await evening.warn(assembly)
        await evening.until_counted(assembly)
        accepted, submitted_at = await evening.alert(
            assembly, *people, grounds=grounds, whole_city=whole_city
        )
        run = Run(assembly=assembly, town=town, stream=stream, accepted=accepted, submitted_at=submitted_at)
        done = await _follow(run, running)
        err.print(f"\nphone-in line: {await answers.told(town, assembly.settings.residents.url)}")
        if as_json:
            sys.stdout.write(codec.encode(await _summary(run)).decode() + "\n")
        if not once:
            err.print("\nThe city stays up. Ctrl-C ends it. / Ctrl-C で終わります。")
            await _until_interrupted(running)
    return done


def _ports(*preferred: int) -> list[int]:
    """The preferred ports, or free ones where they are taken."""
    return [port if _free(port) else _free_port() for port in preferred]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _set_up(town: RehearsalCity, people: Sequence[Clerk], number: int, seed: int) -> list[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=number)
        personas = await evening.set_up(
            town,
            people,
            number=number,
            seed=seed,
            progress=lambda what, done, total: bar.update(
                task, description=what, completed=done, total=total
            ),
        )
    await evening.list_staff(town, personas, people[0].actor)
    return personas


@asynccontextmanager
async def _running(assembly: Assembly) -> AsyncIterator[asyncio.Task[None]]:
    """All roles in this process, up when this is entered."""
    ready = asyncio.Event()
    running = asyncio.create_task(roles.run(assembly, roles.names(assembly), ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
    try:
        yield running
    finally:
        await _stop(running)


async def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _introduce(assembly: Assembly, people: Sequence[Clerk], inbox_port: int) -> None:
    found = assembly.settings
    err.print(
        "\n[bold]Yobikake 呼びかけ[/]  a rehearsal city: nobody here is real / 訓練用の町（実在の人はいません）\n"
    )
    err.print(f"  staff console / 職員の画面        {found.staff.url}")
    err.print(f"  residents' pages / 住民のページ    {found.residents.url}")
    err.print(f"  what residents received / 受信箱   http://127.0.0.1:{inbox_port}\n")
    for clerk in people:
        err.print(f"  sign in as {clerk.login:7} {clerk.password}   {clerk.name}", markup=False)
    err.print()


async def _follow(run: Run, running: asyncio.Task[None]) -> bool:
    """Show the table until the alert is done. False: it was not done in time."""
    with LiveView(console=err, refresh_per_second=8) as view:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                while True:
                    tallies = await _tallies(run)
                    view.update(await _picture(run, tallies))
                    if all(tallies[channel].done for channel in CHANNELS):
                        return True
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.2)
        except TimeoutError:
            return False


async def _tallies(run: Run) -> dict[str, Tally]:
    assembly, identifier = run.assembly, run.accepted.alert.identifier
    return await assembly.ledger.read(
        lambda conn: progress(conn, identifier, assembly.capabilities, now=assembly.clock())
    )


async def _picture(run: Run, tallies: dict[str, Tally]) -> Group:
    alert = run.accepted.alert
    heading_line = f"{run.accepted.number}  警戒レベル{alert.level} 避難指示  {alert.area.description}"
    table = Table(box=None, pad_edge=False)
    for heading in ("channel", "planned", "accepted", "delivered", "failed", "pending", "first", "last"):
        table.add_column(heading, justify="left" if heading == "channel" else "right")
    for channel in CHANNELS:
        counted = _counted(tallies[channel], run.submitted_at)
        numbers = (counted[key] for key in ("planned", "accepted", "delivered", "failed", "pending"))
        times = (counted["first_ms"], counted["last_ms"])
        table.add_row(channel, *(f"{number:,}" for number in numbers), *map(_ms, times))
    shelters = _shelters(await run.assembly.board.now(), run.stream.taken)
    words = "  ".join(f"{word} {number}" for word, number in shelters["crowding"].items())
    replied = await answers.replied(run.assembly.ledger, alert.identifier)
    return Group(
        Text(heading_line),
        table,
        Text(f"shelters: {shelters['receiving']} receiving  {words}  ({shelters['readings']:,} readings)"),
        Text(f"keys of the telephone: {'  '.join(f'{said} {number}' for said, number in replied.items())}"),
    )


def _ms(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


async def _summary(run: Run) -> dict[str, Any]:
    tallies = await _tallies(run)
    alert = run.accepted.alert
    return {
        "alert": {"identifier": alert.identifier, "mode": alert.mode},
        "channels": {channel: _counted(tallies[channel], run.submitted_at) for channel in CHANNELS},
        "shelters": _shelters(await run.assembly.board.now(), run.stream.taken),
        "replies": await answers.replied(run.assembly.ledger, alert.identifier),
    }


def _counted(tally: Tally, submitted_at: datetime) -> dict[str, Any]:
    """planned = accepted + delivered + failed + pending: each once, in the furthest state."""
    reasons = Counter(tally.reasons)
    if tally.ambiguous:
        reasons[Outcome.AMBIGUOUS.name.lower()] = tally.ambiguous
    return {
        "planned": tally.planned,
        "accepted": tally.accepted,
        "delivered": tally.delivered + tally.answered,
        "failed": tally.failed + tally.ambiguous,
        "pending": tally.pending,
        "reasons": dict(reasons),
        "first_ms": _since(submitted_at, tally.first_at),
        "last_ms": _since(submitted_at, tally.last_at),
    }


def _since(start: datetime, moment: datetime | None) -> float | None:
    return None if moment is None else round((moment - start).total_seconds() * 1000, 1)


def _shelters(board: Board, readings: int) -> dict[str, Any]:
    receiving = [row for row in board.rows if row.step.stage is Stage.RECEIVING]
    crowding = Counter("不明" if row.crowding is None else JAPANESE[row.crowding] for row in receiving)
    return {"receiving": len(receiving), "readings": readings, "crowding": dict(crowding)}


async def _until_interrupted(running: asyncio.Task[None]) -> None:
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    waiting = asyncio.create_task(interrupted.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
