"""The real program in this process: a rehearsal hub with a smarthost on loopback, and its console."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from hub import keys as key_files
from hub import settings
from hub.authorise import Role
from hub.clock import utc_now
from hub.language import Language
from hub.ledger import alerts, register
from hub.ledger.alerts import Accepted
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import Kind
from yobikake import initialise, logins, roles
from yobikake.assembly import Assembly, assemble
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.smtp import SmtpGateway

PASSWORD = "correct horse battery"
RESIDENTS = 40
STAFF = 3


@dataclass(slots=True, kw_only=True)
class Hub:
    assembly: Assembly
    inbox: Inbox
    smtp: SmtpGateway

    @property
    def url(self) -> str:
        return self.assembly.settings.staff.url

    async def sent(self) -> list[Accepted]:
        """The newest first."""
        return await self.assembly.ledger.read(lambda conn: alerts.recent(conn, self.assembly.keys))

    def mails(self, subject: str) -> list[str]:
        """To whom a mail went whose subject has `subject` in it."""
        return [
            address
            for address in self.inbox.addresses("mail")
            for arrival in self.inbox.of("mail", address)
            if subject in arrival.subject
        ]


@asynccontextmanager
async def a_hub(folder: Path) -> AsyncIterator[Hub]:
    """Two of the staff may do everything: sato and tanaka. Everybody lives where the river floods."""
    inbox = Inbox()
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(SmtpGateway(inbox))
        _write_settings(folder, smtp.port)
        await initialise.initialise(folder, "akishima", Deployment.REHEARSAL, at=utc_now())
        found = settings.load(folder / "yobikake.toml")
        for login, name in (("sato", "佐藤 花"), ("tanaka", "田中 一郎")):
            await logins.add(
                found, login=login, name=name, password=PASSWORD, roles=frozenset(Role), at=utc_now()
            )
        assembly = await stack.enter_async_context(assemble(found))
        await _register(assembly)
        await stack.enter_async_context(_running(assembly))
        yield Hub(assembly=assembly, inbox=inbox, smtp=smtp)


@asynccontextmanager
async def _running(assembly: Assembly) -> AsyncIterator[None]:
    ready = asyncio.Event()
    running = asyncio.create_task(roles.run(assembly, roles.names(assembly), ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _write_settings(folder: Path, smtp_port: int) -> None:
    (folder / "website").mkdir(parents=True)
    values = {
        "data": "data",
        "city": "akishima",
        "staff": {"port": free_port()},
        "residents": {"port": free_port()},
        "channels": {
            "mail": {
                "host": "127.0.0.1",
                "port": smtp_port,
                "security": "none",
                "sender": "bosai@city.example",
            },
            "website": {
                "directory": str(folder / "website"),
                "title": "緊急情報",
                "link": "http://127.0.0.1",
            },
            "manual": {},
        },
    }
    (folder / "yobikake.toml").write_text(tomli_w.dumps(values), encoding="utf-8")


async def _register(assembly: Assembly) -> None:
    towns = assembly.city.presets["tamagawa-flood"].towns
    keys = key_files.load(assembly.settings.keys)
    residents = [
        Registration(
            kind=Kind.RESIDENT,
            language=Language.JA if number % 4 else Language.EN,
            town=towns[number % len(towns)],
            zone=assembly.city.zone_of(towns[number % len(towns)]),
            contacts={"mail": f"r{number}@mail.example"},
        )
        for number in range(RESIDENTS)
    ]
    staff = [
        Registration(kind=Kind.STAFF, language=Language.JA, contacts={"mail": f"s{number}@work.example"})
        for number in range(STAFF)
    ]
    ledger = assembly.ledger
    await ledger.write(lambda conn: register.add(conn, keys, [*residents, *staff], at=utc_now()))
    await ledger.write(lambda conn: register.rebuild(conn, keys))
