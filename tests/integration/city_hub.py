"""A hub with a mail gateway, each in processes of their own, to be killed and started again."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from hub import city as cities
from hub import keys as key_files
from hub import settings
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.delivery import MERGED, Outcome
from hub.draft import Message
from hub.gate import Stops
from hub.intake import Approval, Intake
from hub.language import Language
from hub.ledger import Ledger, batches, register
from hub.ledger.register import Registration
from hub.outbound import Deployment, Outbound
from hub.progress import Tally, progress
from hub.recipient import Kind, RecipientId, Zone
from hub.testing.alerts import a_message
from yobikake import initialise
from yobikake.assembly import city_folder
from yobikake.connectors import build

AUTHOR = Actor(login="sato", name="佐藤", roles=frozenset(Role))
APPROVER = Actor(login="tanaka", name="田中", roles=frozenset(Role))
DEADLINE_S = 120.0


@asynccontextmanager
async def gateway(log: Path, **faults: Any) -> AsyncIterator[int]:
    """The rehearsal's SMTP gateway in its own process, writing its own log. Gives its port."""
    async with _process(
        "-m", "yobikake.rehearsal.smtp", "--log", str(log), "--faults", json.dumps(faults)
    ) as p:
        assert p.stdout is not None
        yield int((await p.stdout.readline()).decode().rpartition(":")[2])


@dataclass(slots=True, kw_only=True)
class CityHub:
    """The test's own view of the hub: its settings, its ledger, and who has which address."""

    folder: Path
    found: settings.Settings
    ledger: Ledger
    addresses: dict[RecipientId, str] = field(default_factory=dict)

    @asynccontextmanager
    async def serving(self, *roles: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """`yobikake serve` in a process of its own, up when this is entered."""
        options = [option for role in roles for option in ("--role", role)]
        arguments = ["-m", "yobikake", "serve", "--settings", str(self.folder / "yobikake.toml"), *options]
        async with _process(*arguments) as process:
            assert process.stderr is not None
            seen = []
            while b"runs:" not in (line := await process.stderr.readline()):
                seen.append(line)
                assert line, b"".join(seen).decode()
            draining = asyncio.create_task(process.stderr.read())
            try:
                yield process
            finally:
                draining.cancel()

    async def send(self, message: Message | None = None) -> str:
        """One alert, to everyone by mail unless told otherwise, by two people. Gives its identifier."""
        keys = key_files.load(self.found.keys)
        intake = Intake(
            ledger=self.ledger,
            records=RecordCodec(keys),
            keys=keys,
            stops=Stops(),
            sender=cities.load(city_folder(self.found.city)).cap_sender,
            clock=utc_now,
            page=lambda *_: None,
            relay=lambda: None,
        )
        message = message or a_message(order=msgspec.structs.replace(a_message().order, ordered_at=utc_now()))
        draft = await intake.save(message, AUTHOR)
        await intake.submit(draft.id, AUTHOR, seen=1)
        accepted = await intake.accept(Approval(draft=draft.id, version=2, typed=message.level), APPROVER)
        return accepted.alert.identifier

    async def tally(self, alert: str) -> Tally:
        return (await self.tallies(alert))["mail"]

    async def tallies(self, alert: str) -> dict[str, Tally]:
        channels = build(self.found, Outbound(deployment=Deployment.REHEARSAL), utc_now)
        capabilities = {kind: configured.capabilities for kind, configured in channels.items()}
        return await self.ledger.read(lambda conn: progress(conn, alert, capabilities, now=utc_now()))

    async def done(self, alert: str) -> Tally:
        """Wait until planning is complete and every recipient has an outcome."""
        async with asyncio.timeout(DEADLINE_S):
            while not (tally := await self.tally(alert)).done:
                await asyncio.sleep(0.1)
        return tally

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what other processes are about to do."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.02)

    async def outcomes(self, alert: str) -> tuple[dict[str, Outcome], set[str]]:
        """Each address's one outcome, and the addresses that had a flagged resend."""
        found: dict[str, Outcome] = {}
        resent: set[str] = set()
        for row in await self.ledger.read(lambda conn: list(batches.of_alert(conn, alert))):
            for member, pair in zip(row.members, zip(row.handover, row.receipt, strict=True), strict=True):
                address = self.addresses[member]
                if row.resend:
                    resent.add(address)
                if MERGED[pair] is not Outcome.MOVED:
                    assert address not in found, "counted twice"
                    found[address] = MERGED[pair]
        return found, resent


@asynccontextmanager
async def city_hub(
    folder: Path, *, port: int, recipients: int, servers: dict[str, Any] | None = None
) -> AsyncIterator[CityHub]:
    """A rehearsal hub with `recipients` in all languages, sending by mail to the gateway at `port`."""
    values = {
        "data": "data",
        "city": "akishima",
        "staff": {"port": 0},
        "residents": {"port": 0},
        "delivery": {"backoff_s": [0.2, 0.5]},
        "channels": {"mail": _mail(port)},
        **(servers or {}),
    }
    folder.mkdir(exist_ok=True)
    (folder / "yobikake.toml").write_text(tomli_w.dumps(values))
    await initialise.initialise(folder, "akishima", Deployment.REHEARSAL, at=utc_now())
    found = settings.load(folder / "yobikake.toml")
    async with initialise.opened(found) as ledger:
        hub = CityHub(folder=folder, found=found, ledger=ledger)
        hub.addresses = await _register(hub, recipients)
        yield hub


def received(log: Path) -> Counter[str]:
    """How often each address was sent to, by the gateway's own word, also while it writes."""
    whole, _, _ = (log.read_text() if log.exists() else "").rpartition("\n")
    lines = whole.splitlines()
    return Counter(json.loads(line)["recipient"] for line in lines)


def _mail(port: int) -> dict[str, Any]:
    return {
        "host": "127.0.0.1", "port": port, "security": "none", "sender": "bosai@city.example", "connections": 4,
    }  # fmt: skip


async def _register(hub: CityHub, number: int) -> dict[RecipientId, str]:
    languages = list(Language)
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=languages[i % len(languages)],
            zone=Zone(f"z{i % 3}"),
            contacts={"mail": f"r{i}@mail.example"},
        )
        for i in range(number)
    ]
    keys = key_files.load(hub.found.keys)
    ids = await hub.ledger.write(lambda conn: register.add(conn, keys, people, at=utc_now()))
    await hub.ledger.write(lambda conn: register.rebuild(conn, keys))
    return dict(zip(ids, (f"r{i}@mail.example" for i in range(number)), strict=True))


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONWARNINGS": "default"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 120)


def kill(process: asyncio.subprocess.Process) -> None:
    """As when the power goes: nothing is said, nothing is finished."""
    process.kill()
