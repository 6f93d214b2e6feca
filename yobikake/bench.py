"""How fast one alert leaves by mail, through the whole hub, beside a peer in the same run.

The gateway is the rehearsal's, in a process of its own, without faults or latency. The peer is
aiosmtplib as its documentation shows it: one connection, one message a recipient.
"""

import asyncio
import json
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import tomli_w

from hub import keys as key_files
from hub import settings
from hub.blocks import blocks
from hub.clock import utc_now
from hub.language import Language
from hub.ledger import register
from hub.ledger.register import Registration
from hub.progress import Tally, progress
from hub.recipient import Kind, Zone
from yobikake import initialise, roles
from yobikake.assembly import Assembly, assemble
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city

PEER_MESSAGES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Times from submit, in seconds; rates in recipients a second."""

    recipients: int
    variants: int
    planned_s: float
    first_s: float
    last_s: float
    rate: float
    peer_rate: float

    @property
    def ratio(self) -> float:
        return self.rate / self.peer_rate


async def measure(recipients: int, *, say: Callable[[str], None]) -> Measured:
    """One alert to `recipients` by mail, embedded; then the peer against the same gateway."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yobikake-bench-")))
        port = await stack.enter_async_context(smarthost_apart())
        town = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=0, staff_port=0, conditions=Conditions())
        )
        only_mail(folder / "yobikake.toml", port)
        say(f"registering {recipients:,} recipients")
        people = evening.clerks()
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        found = settings.load(folder / "yobikake.toml")
        variants = await _register(found, town, recipients)
        assembly = await stack.enter_async_context(assemble(found))
        wanted = ["fanout", "sweep", "mail"]
        ready = asyncio.Event()
        running = asyncio.create_task(roles.run(assembly, wanted, ready=ready.set))
        stack.push_async_callback(_stop, running)
        await ready.wait()
        say("sending")
        accepted, submitted_at = await evening.alert(assembly, *people, grounds="bench", whole_city=True)
        tally, planned_at = await finished(assembly, accepted.alert.identifier)
        say(f"the peer: {PEER_MESSAGES} messages one by one")
        peer_rate = await _peer(port)
    assert tally.first_at is not None  # noqa: S101 - everyone was accepted
    assert tally.last_at is not None  # noqa: S101
    last_s = (tally.last_at - submitted_at).total_seconds()
    return Measured(
        recipients=tally.accepted,
        variants=variants,
        planned_s=(planned_at - submitted_at).total_seconds(),
        first_s=(tally.first_at - submitted_at).total_seconds(),
        last_s=last_s,
        rate=tally.accepted / last_s,
        peer_rate=peer_rate,
    )


@asynccontextmanager
async def smarthost_apart() -> AsyncIterator[int]:
    """The rehearsal's, in a process of its own; its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yobikake.rehearsal.smtp",
        "--faults",
        json.dumps({}),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = (await process.stdout.readline()).decode()
        yield int(line.rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()


def only_mail(path: Path, port: int) -> None:
    """Leave the hub whose settings these are one channel, through the smarthost on this port."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    values["channels"] = {"mail": values["channels"]["mail"] | {"port": port, "connections": 16}}
    path.write_text(tomli_w.dumps(values), encoding="utf-8")


async def _register(found: settings.Settings, town: RehearsalCity, number: int) -> int:
    """As many in each language and zone. Returns how many variants that makes."""
    languages, towns = list(Language), list(town.city.towns.values())
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=languages[i % len(languages)],
            town=towns[i // len(languages) % len(towns)].code,
            zone=Zone(towns[i // len(languages) % len(towns)].zone),
            contacts={"mail": f"bench{i}@mail.example"},
        )
        for i in range(number)
    ]
    keys = key_files.load(found.keys)
    async with initialise.opened(found) as ledger:
        for block in blocks(people, 5_000):
            await ledger.write(lambda conn: register.add(conn, keys, block, at=utc_now()))  # noqa: B023
        await ledger.write(lambda conn: register.rebuild(conn, keys))
        return len(await ledger.read(lambda conn: register.variants(conn, "mail")))


async def finished(assembly: Assembly, identifier: str) -> tuple[Tally, datetime]:
    """Wait until everybody has an outcome. Returns the counts, and when planning was complete."""
    planned_at: datetime | None = None
    while True:
        tallies = await assembly.ledger.read(
            lambda conn: progress(conn, identifier, assembly.capabilities, now=assembly.clock())
        )
        tally = tallies["mail"]
        if tally.complete and planned_at is None:
            planned_at = assembly.clock()
        if tally.done and planned_at is not None:
            return tally, planned_at
        await asyncio.sleep(0.1)


async def _peer(port: int) -> float:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@mail.example", "b@mail.example", "警戒レベル4"
    message.set_content("避難してください。" * 60)
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as smtp:
        began = time.perf_counter()
        for i in range(PEER_MESSAGES):
            await smtp.send_message(message, recipients=[f"peer{i}@mail.example"])
        return PEER_MESSAGES / (time.perf_counter() - began)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
