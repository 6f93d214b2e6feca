"""A rehearsal city to measure in: a hub with every channel, and gateways that tell what they saw and when."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import tomli_w
from sqlalchemy import Connection

from hub import keys as key_files
from hub import settings
from hub.alert import AlertInfo, DecisionMethod, Mode
from hub.authorise import Actor
from hub.blocks import blocks
from hub.city import City
from hub.clock import utc_now
from hub.evacuation import Level
from hub.intake import Approval
from hub.language import Language
from hub.ledger import batches, plans, register
from hub.ledger.register import Registration
from hub.recipient import Kind, Zone
from hub.settings import Settings
from yobikake import compose, initialise, roles
from yobikake.assembly import Assembly, assemble
from yobikake.bench.figures import Say
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city
from yobikake.rehearsal.evening import Clerk
from yobikake.rehearsal.exchange import Exchange

Contacts = Callable[[int], dict[str, str]]
"""How the n-th person is reached: channel → address."""

EVERY_CALL = 20
"""One person in so many has nothing but a telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An alert on its way. `at`: the moment at which its approval was given."""

    identifier: str
    number: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Town:
    """A hub that runs, and everything its gateways saw, in order."""

    assembly: Assembly
    gateways: RehearsalCity
    people: Sequence[Clerk]
    reached: Mapping[str, int]
    """Registrants by channel."""
    seen: list[Exchange] = field(default_factory=list)

    async def send(self, *, routine: bool = False) -> Sent:
        """One alert to everyone on every channel: an evacuation order, or news that may wait."""
        intake, (author, approver) = self.assembly.intake, (clerk.actor for clerk in self.people)
        message = _message(self.assembly, routine=routine)
        draft = await intake.save(message, author)
        submitted = await intake.submit(draft.id, author, seen=draft.version)
        at = self.assembly.clock()
        approval = Approval(draft=submitted.id, version=submitted.version, typed=message.level)
        accepted = await intake.accept(approval, approver)
        return Sent(identifier=accepted.alert.identifier, number=accepted.number, at=at)

    async def stop(self, sent: Sent, actor: Actor | None = None) -> None:
        await self.assembly.intake.stop(sent.identifier, actor or self.people[0].actor)

    def exchanges(self, sent: Sent, channel: str | None = None) -> list[Exchange]:
        """The gateways' requests that carried this alert."""
        return [each for each in self.seen if sent.number in each.text and channel in (None, each.channel)]

    def taken(self, sent: Sent, channel: str) -> int:
        return sum(len(each.taken) for each in self.exchanges(sent, channel))

    async def until_taken(self, sent: Sent, channels: Sequence[str]) -> None:
        """Wait until the gateways have taken the alert for everyone registered on these channels."""
        for channel in channels:
            while self.taken(sent, channel) < self.reached[channel]:  # noqa: ASYNC110 - gateways set nothing
                await asyncio.sleep(0.5)


@asynccontextmanager
async def town(
    recipients: int, *, conditions: Conditions, mail: Mapping[str, Any] | None = None, say: Say
) -> AsyncIterator[Town]:
    """`mail`: laid over the mail channel's settings."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        gateways = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=0, staff_port=0, conditions=conditions)
        )
        _settle(folder / "yobikake.toml", mail or {})
        people = evening.clerks()
        await evening.set_up(gateways, people, number=0, seed=1, progress=lambda *_: None)
        found = settings.load(folder / "yobikake.toml")
        say(f"registering {recipients:,} recipients")
        reached = await enrol(found, gateways.city, recipients, contacts)
        assembly = await stack.enter_async_context(assemble(found))
        made = Town(assembly=assembly, gateways=gateways, people=people, reached=reached)
        gateways.smtp.witness = made.seen.append
        for gateway in gateways.http:
            gateway.witness = made.seen.append
        ready = asyncio.Event()
        running = asyncio.create_task(
            roles.run(assembly, ["fanout", "sweep", "receipts", *assembly.channels], ready=ready.set)
        )
        stack.push_async_callback(ended, running)
        await ready.wait()
        yield made


def contacts(n: int) -> dict[str, str]:
    """Everyone by mail and LINE, some by telephone."""
    known = {"mail": f"bench{n}@mail.example", "line": f"U{n:032x}"}
    return known | ({"voice": f"+8190{n:08}"} if n % EVERY_CALL == 0 else {})


async def enrol(
    found: Settings,
    city: City,
    number: int,
    reached_by: Contacts,
    *,
    languages: Sequence[Language] = tuple(Language),
) -> dict[str, int]:
    """So many residents, as many in each language and town. Returns how many by channel."""
    towns = list(city.towns.values())
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=languages[i % len(languages)],
            town=towns[i // len(languages) % len(towns)].code,
            zone=Zone(towns[i // len(languages) % len(towns)].zone),
            contacts=reached_by(i),
        )
        for i in range(number)
    ]
    keys = key_files.load(found.keys)
    async with initialise.opened(found) as ledger:
        for block in blocks(people, 5_000):
            await ledger.write(lambda conn: register.add(conn, keys, block, at=utc_now()))  # noqa: B023
        await ledger.write(lambda conn: register.rebuild(conn, keys))
    counted: dict[str, int] = {}
    for person in people:
        for channel in person.contacts:
            counted[channel] = counted.get(channel, 0) + 1
    return counted


async def finished(assembly: Assembly, identifier: str) -> None:
    """Wait until everybody has an outcome by mail."""

    def over(conn: Connection) -> bool:
        planned = plans.completion(conn, identifier)["mail"][1]
        return planned and not batches.unfinished(conn, identifier, "mail")

    while not await assembly.ledger.read(over):  # noqa: ASYNC110 - nothing tells it
        await asyncio.sleep(0.1)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _settle(path: Path, mail: Mapping[str, Any]) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    values["channels"]["mail"] |= mail
    path.write_text(tomli_w.dumps(values), encoding="utf-8")


def _message(assembly: Assembly, *, routine: bool) -> Any:
    message = compose.message(
        compose.template("system-test" if routine else evening.TEMPLATE),
        assembly.city,
        area=None,
        mode=Mode.LIVE,
        channels=tuple(assembly.channels),
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=assembly.clock(),
        grounds="bench",
    )
    level = Level.ADVISORY if routine else message.level
    return msgspec.structs.replace(message, level=level, infos=tuple(map(_numbered, message.infos)))


def _numbered(info: AlertInfo) -> AlertInfo:
    """Also on the telephone: the gateways' records are read by the alert's number."""
    return msgspec.structs.replace(info, speech=f"{{number}}\n{info.speech}")
