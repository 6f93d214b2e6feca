"""The engine in one process: SQLite, the embedded bus, real connectors, the rehearsal's gateways."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from channels.line import Line
from channels.line import Settings as LineSettings
from channels.mail import Mail
from channels.mail import Settings as MailSettings
from channels.mail.settings import Security
from config import folder
from hub import calling
from hub import city as cities
from hub.alert import Lane
from hub.asking import Asking
from hub.authorise import Actor, Role
from hub.breaker import Waits
from hub.bus import Bus
from hub.bus.embedded import EmbeddedBus
from hub.capabilities import Capabilities
from hub.channel import Channel, Content
from hub.clock import Clock, utc_now
from hub.codec import RecordCodec
from hub.deliver import Delivery
from hub.delivery import MERGED, Outcome, Variant
from hub.draft import Message
from hub.exposure import NOBODY_FIRST, Exposure
from hub.fanout import Fanout
from hub.gate import LEASE, Leases, Stops
from hub.gone import Settling
from hub.hazard import Hazard
from hub.intake import Approval
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, audit, batches, deployment, plans, register, sqlite_url
from hub.ledger.alerts import Accepted
from hub.ledger.register import Registration
from hub.life import Life
from hub.live import Live
from hub.live.memory import MemoryLive
from hub.outbound import Deployment, Outbound
from hub.planner import Planner
from hub.postbox import Postbox
from hub.progress import Tally, progress
from hub.recipient import Kind, RecipientId, Town, Zone
from hub.render import render
from hub.scheduling import Scheduling
from hub.shelter_list import ShelterLines
from hub.sweep import Sweeper
from hub.testing.alerts import a_message
from hub.testing.databases import with_schema
from hub.worker import Worker
from yobikake.assembly import correction

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
AUTHOR = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER}))
APPROVER = Actor(login="tanaka", name="田中", roles=frozenset({Role.APPROVER}))
OUTBOUND = Outbound(deployment=Deployment.REHEARSAL)
SOON = (timedelta(milliseconds=20),)
"""A backoff for tests: the same retries, sooner."""
SOON_AGAIN = Waits(
    first=timedelta(milliseconds=5),
    longest=timedelta(milliseconds=40),
    credentials=timedelta(milliseconds=20),
)
"""And a breaker that tries again sooner."""
DEADLINE_S = 120.0
CORRECTION = correction(cities.load(folder("akishima")))
ALONE = Leases(life=LEASE)
"""As an embedded hub has them."""


class PlainSlots:
    """A city without a board: the texts use their fallback."""

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return None

    def official(self, site: str) -> bool:
        return False

    def city(self, language: Language) -> str:
        return "昭島市" if language is Language.JA else "Akishima City"

    def link(self, number: str, language: Language) -> str:
        return f"http://127.0.0.1/{language}/a/{number}"

    def telephone(self) -> str:
        return "042-555-0100"


@dataclass(slots=True, kw_only=True)
class Engine:
    """Its parts, and short ways to do what staff do. Nothing runs by itself."""

    ledger: Ledger
    bus: Bus
    channels: Mapping[str, Channel]
    capabilities: Mapping[str, Capabilities]
    clock: Clock
    life: Life
    records: RecordCodec
    stops: Stops
    live: Live
    only_process: bool = True
    public_url: str = "http://127.0.0.1"
    exposure: Exposure = NOBODY_FIRST
    routine: Mapping[str, Channel] = field(default_factory=dict)
    """The routine lane's own connectors, where a test needs them."""
    addresses: dict[RecipientId, str] = field(default_factory=dict)
    pages: list[tuple[str, str]] = field(default_factory=list)
    intake: Scheduling = field(init=False)
    fanout: Fanout = field(init=False)
    planner: Planner = field(init=False)
    sweeper: Sweeper = field(init=False)
    postbox: Postbox = field(init=False)

    def __post_init__(self) -> None:
        self.fanout = Fanout(
            ledger=self.ledger, transport=self.bus, records=self.records, keys=KEYS,
            capabilities=self.capabilities, render=self.render, clock=self.clock,
        )  # fmt: skip
        self.planner = Planner(
            fanout=self.fanout, ledger=self.ledger, transport=self.bus, records=self.records
        )
        self.sweeper = Sweeper(
            ledger=self.ledger, transport=self.bus, stops=self.stops, capabilities=self.capabilities,
            life=self.life, only_process=self.only_process, clock=self.clock, random=Random(0),
        )  # fmt: skip
        self.intake = Scheduling(
            ledger=self.ledger, records=self.records, keys=KEYS, stops=self.stops, sender="akishima.example",
            clock=self.clock, page=self.page, relay=self.sweeper.poke, prepare=CORRECTION,
        )  # fmt: skip
        self.postbox = Postbox(
            ledger=self.ledger, transport=self.bus, records=self.records, capabilities=self.capabilities,
            clock=self.clock,
        )  # fmt: skip

    def page(self, topic: str, text: str) -> None:
        self.pages.append((topic, text))

    async def render(self, accepted: Accepted, variant: Variant) -> Content:
        content = render(accepted.alert, variant, PlainSlots(), self.clock, number=accepted.number)
        return calling.up_to_the_token(content, accepted.alert, public_url=self.public_url)

    def delivery(self, kind: str, lane: Lane = Lane.URGENT) -> Delivery:
        own = self.routine if lane is Lane.ROUTINE else {}
        return Delivery(
            channel=own.get(kind, self.channels[kind]), capabilities=self.capabilities[kind], ledger=self.ledger,
            live=self.live, keys=KEYS, stops=self.stops, life=self.life, clock=self.clock, page=self.page,
            random=Random(0), asking=Asking(keys=KEYS, exposure=self.exposure, public_url=self.public_url),
        )  # fmt: skip

    def worker(self, kind: str, lane: Lane = Lane.URGENT, *, waits: Waits | None = None) -> Worker:
        return Worker(
            self.delivery(kind, lane),
            lane,
            transport=self.bus,
            records=self.records,
            waits=waits or SOON_AGAIN,
        )

    def settling(self) -> Settling:
        return Settling(self.capabilities, ledger=self.ledger, keys=KEYS, clock=self.clock, page=self.page)

    @asynccontextmanager
    async def running(self, *roles: str) -> AsyncIterator[None]:
        """Roles as `yobikake serve` has them; all of them when none is named."""
        engine = {"fanout": self.planner.run, "sweep": self.sweeper.run, "receipts": self.postbox.run}
        wanted = roles or (*engine, *self.channels)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(engine[role]()) for role in wanted if role in engine]
            tasks += [
                group.create_task(self.worker(role, lane).run())
                for role in wanted
                if role in self.channels
                for lane in Lane
            ]
            yield
            for task in tasks:
                task.cancel()

    async def register(self, people: Iterable[Registration]) -> list[RecipientId]:
        people = list(people)
        ids = await self.ledger.write(lambda conn: register.add(conn, KEYS, people, at=self.clock()))
        await self.ledger.write(lambda conn: register.rebuild(conn, KEYS))
        for id_, person in zip(ids, people, strict=True):
            self.addresses[id_] = next(iter(person.contacts.values()))
        return ids

    async def submit(self, message: Message, author: Actor = AUTHOR) -> str:
        draft = await self.intake.save(message, author)
        await self.intake.submit(draft.id, author, seen=1)
        return draft.id

    async def send(self, message: Message | None = None, **changes: Any) -> str:
        """Composed by one, approved by another. Gives the alert's identifier."""
        message = message or a_message(**changes)
        draft = await self.submit(message)
        accepted = await self.intake.accept(Approval(draft=draft, version=2, typed=message.level), APPROVER)
        return accepted.alert.identifier

    async def tally(self, alert: str) -> dict[str, Tally]:
        return await self.ledger.read(lambda conn: progress(conn, alert, self.capabilities, now=self.clock()))

    async def done(self, alert: str) -> dict[str, Tally]:
        """Wait until nobody is pending on any channel; the sums are checked at every look."""
        tallies: dict[str, Tally] = {}

        async def over() -> bool:
            tallies.update(await self.tally(alert))
            for tally in tallies.values():
                add_up(tally)
            return all(tally.done for tally in tallies.values())

        await until(over)
        return tallies

    async def planned(self, alert: str) -> None:
        async def complete() -> bool:
            known = await self.ledger.read(lambda conn: plans.completion(conn, alert))
            return all(done for _, done in known.values())

        await until(complete)

    async def rows(self, alert: str) -> list[Any]:
        return await self.ledger.read(lambda conn: list(batches.of_alert(conn, alert)))

    async def outcomes(self, alert: str, channel: str = "mail") -> dict[RecipientId, Outcome]:
        """Each recipient's one outcome; a recipient counted twice fails the test."""
        found: dict[RecipientId, Outcome] = {}
        for row in await self.rows(alert):
            pairs = zip(row.handover, row.receipt, strict=True)
            for member, pair in zip(row.members, pairs, strict=True):
                if row.channel == channel and MERGED[pair] is not Outcome.MOVED:
                    assert member not in found, "counted twice"
                    found[member] = MERGED[pair]
        return found

    async def audited(self) -> int:
        return await self.ledger.read(lambda conn: audit.verify(conn, KEYS))


def add_up(tally: Tally) -> None:
    known = (
        tally.accepted, tally.delivered, tally.answered, tally.ambiguous, tally.failed, tally.pending,
    )  # fmt: skip
    assert tally.planned == sum(known)
    assert tally.failed == tally.reasons.total()
    assert tally.retrying + tally.awaiting <= tally.pending


@asynccontextmanager
async def engine(
    folder: Path,
    *,
    channels: Mapping[str, Channel],
    bus: Bus | None = None,
    clock: Clock = utc_now,
    owner: str = "this process",
    leases: Leases = ALONE,
    only_process: bool = True,
    routine: Mapping[str, Channel] | None = None,
    live: Live | None = None,
    url: str = "",
    **overrides: Any,
) -> AsyncIterator[Engine]:
    """Over the databases in `folder`, which are kept: opened again, it is the next process.

    `url`: of a ledger elsewhere, with its schema. Leases are as short as `leases` says: no request is known to last longer.
    """
    database = folder / "ledger.db"
    if not url and not database.exists():
        await asyncio.to_thread(with_schema, database)
    async with AsyncExitStack() as stack:
        ledger = Ledger(url or sqlite_url(database))
        await ledger.open()
        stack.push_async_callback(ledger.close)
        await ledger.write(
            lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=clock())
        )
        life = Life(ledger, name=owner, leases=leases)
        await stack.enter_async_context(life.lived())
        carrier = bus or EmbeddedBus(folder / "bus.db")
        await carrier.open()
        stack.push_async_callback(carrier.close)
        for channel in (*channels.values(), *(routine or {}).values()):
            await channel.open()
            stack.push_async_callback(channel.close)
        capabilities = {
            kind: replace(
                channel.capabilities,
                **{
                    "backoff": SOON,
                    "request_deadline": min(channel.capabilities.request_deadline, leases.lease / 2),
                }
                | overrides,
            )
            for kind, channel in channels.items()
        }
        yield Engine(
            ledger=ledger, bus=carrier, channels=channels, capabilities=capabilities, clock=clock,
            life=life, only_process=only_process, records=RecordCodec(KEYS), stops=Stops(),
            live=live or MemoryLive(), routine=routine or {},
        )  # fmt: skip


@asynccontextmanager
async def away(ledger: Ledger, folder: Path) -> AsyncIterator[None]:
    """Nothing can be written: somebody else holds the database and does not let go of it."""
    await ledger.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 10"))
    with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None, timeout=DEADLINE_S)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def mail(port: int, *, made: type[Mail] = Mail, **changes: Any) -> Mail:
    settings = MailSettings(
        host="127.0.0.1", port=port, security=Security.NONE, sender="bousai@city.example",
        connections=2, warm_connections=0,
    )  # fmt: skip
    return made(msgspec.structs.replace(settings, **changes), outbound=OUTBOUND, clock=utc_now)


def residents(
    number: int,
    *,
    towns: Sequence[str] = ("t1",),
    channel: str = "mail",
    address: Callable[[int], str] = lambda i: f"r{i}@mail.example",
    **changes: Any,
) -> list[Registration]:
    """In Japanese and English, in turn over `towns` and two shelter zones."""
    languages = (Language.JA, Language.JA, Language.EN)
    return [
        Registration(
            **(
                {
                    "kind": Kind.RESIDENT,
                    "language": languages[i % 3],
                    "town": Town(towns[i % len(towns)]),
                    "zone": Zone(f"z{i % 2}"),
                    "contacts": {channel: address(i)},
                }
                | changes
            )
        )
        for i in range(number)
    ]


def received(inbox: Any, channel: str = "mail") -> Counter[str]:
    """How often each address got something, by the gateway's own word."""
    return Counter({address: len(inbox.of(channel, address)) for address in inbox.addresses(channel)})


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.01)


def at(moment: datetime) -> Clock:
    return lambda: moment


def line(url: str, folder: Path) -> Line:
    token = folder / "line.token"
    token.write_text("not-a-token-of-anybody\n")
    return Line(LineSettings(access_token_file=token, base_url=url), outbound=OUTBOUND, clock=utc_now)


def line_user(number: int) -> str:
    return f"U{number:032x}"
