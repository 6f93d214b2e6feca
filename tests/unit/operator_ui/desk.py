"""A staff console over a real ledger, with people who sign in over HTTP; nothing is delivered."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from lxml.html import document_fromstring
from sqlalchemy import Connection

from config import folder
from hub import city as cities
from hub import keys as key_files
from hub import organisation, phrases, pointing, prepared
from hub.authorise import Actor, Role
from hub.background import Background
from hub.canary import Plan
from hub.capabilities import Capabilities, Drilling, Unit
from hub.channel import Health, Target
from hub.codec import RecordCodec
from hub.delivery import Result
from hub.disk import Disk
from hub.gate import Stops
from hub.hazard import Hazard
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, accounts, deployment, register, sqlite_url
from hub.ledger.register import Registration
from hub.outage import Outage
from hub.outbound import Deployment
from hub.recipient import Kind, Zone
from hub.scheduling import Scheduling
from hub.shelter_list import ShelterLines
from hub.testing.databases import with_schema
from hub.wifi_state import Known
from operator_ui.staff.app import create_app
from operator_ui.staff.console import Console
from shelters import record
from shelters.board import Board, board, with_plans
from shelters.device import Devices
from shelters.device_book import DeviceBook
from shelters.history import Point
from shelters.occupancy import Occupancy
from shelters.plans import AtOnce
from shelters.reading import Reading
from shelters.register import Register
from shelters.site import SiteCode, load_sites

NOW = datetime(2026, 9, 12, 12, 47, tzinfo=UTC)
"""21:47 in Japan."""
CITY = cities.load(folder("akishima"))
ORGANISATION = organisation.load(folder("akishima"))
SITES = load_sites(folder("akishima"))
TEMPLATES = phrases.load(folder("phrases"), without=CITY.absent)
PASSWORD = "correct horse battery"
HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Made in a moment; it is verified as any other."""

POSTS = (
    Target(ref="post:ja", name="X の投稿（日本語）"),
    Target(ref="post:en", name="X の投稿（English）", language=Language.EN),
)
CAPABILITIES: Mapping[str, Capabilities] = {
    "mail": Capabilities(kind="mail", japanese="メール", batch_size=100),
    "line": Capabilities(
        kind="line",
        japanese="LINE",
        batch_size=500,
        body_limit=5000,
        body_measure="utf16",
        requests_per_s=200,
    ),
    "x": Capabilities(
        kind="x",
        japanese="X（旧Twitter）",
        unit=Unit.POSTS,
        batch_size=1,
        drilling=Drilling.PREVIEW_ONLY,
    ),
    "manual": Capabilities(
        kind="manual",
        japanese="手作業",
        unit=Unit.SHEETS,
        batch_size=20,
        drilling=Drilling.PREVIEW_ONLY,
    ),
}


SHEETS = [
    Target(ref="van", name="広報車", by="防災課", read_out=True),
    Target(ref="area-mail", name="緊急速報メール"),
]


class Slots:
    """Fills the slots from a board, as the hub does."""

    def __init__(self, shelters: Board) -> None:
        self._board = shelters

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return self._board.lines(hazard, near=CITY.centre)

    def official(self, site: str) -> bool:
        return any(site == each.name.ja for each in SITES.values())

    def city(self, language: Language) -> str:
        return CITY.names[language]

    def link(self, number: str, language: Language) -> str:
        return f"https://bosai.example/{language}/a/{number}"

    def telephone(self) -> str:
        return "042-555-0100"


class Drive(Disk):
    """A disk that a test fills."""

    left = 0.5

    def free(self) -> float:
        return self.left


@dataclass(slots=True, kw_only=True)
class Desk:
    """What a test may look at or change while the console runs."""

    ledger: Ledger
    keys: Keys
    now: datetime = NOW
    base: str = ""
    paged: list[str] = field(default_factory=list)
    reported: list[Reading] = field(default_factory=list)
    health: dict[str, Health] = field(default_factory=dict)
    canaries: dict[str, Plan] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=list)
    occupancies: dict[SiteCode, Occupancy] = field(default_factory=dict)
    past: list[Point] = field(default_factory=list)
    disk: "Drive" = field(default_factory=lambda: Drive(Path(), limit=0.10))
    at_once: AtOnce = field(default_factory=lambda: AtOnce({}))
    """Without origins there are no plans of where to send people."""
    devices: Devices = field(default_factory=lambda: Devices((), {}))
    device_book: DeviceBook | None = None
    try_call: Callable[[str, Actor], Awaitable[Result]] | None = None
    register: Register | None = None
    wifi: Known | None = None
    sounds: dict[str, bytes] = field(default_factory=dict)

    deployment: Deployment = Deployment.REHEARSAL

    intake: Scheduling = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Scheduling(
            ledger=self.ledger,
            records=RecordCodec(self.keys),
            keys=self.keys,
            stops=Stops(),
            sender=CITY.cap_sender,
            clock=self.clock,
            page=lambda topic, _text: self.paged.append(topic),
            relay=lambda: None,
            prepare=partial(prepared.message, template=TEMPLATES["correction"], city=CITY.names),
            disk=self.disk,
        )

    def clock(self) -> datetime:
        return self.now

    async def board(self) -> Board:
        steps = await self.ledger.read(record.all_current)
        return with_plans(board(SITES, steps, self.occupancies, now=self.now), self.at_once, known={})

    def console(self, background: Background, url: str) -> Console:
        async def slots() -> Slots:
            return Slots(await self.board())

        async def health() -> Mapping[str, Health]:
            return self.health

        async def outages() -> Sequence[Outage]:
            return self.outages

        async def report(reading: Reading) -> None:
            self.reported.append(reading)

        async def wifi() -> Known | None:
            return self.wifi

        async def samples(since: datetime, until: datetime) -> Sequence[Point]:
            return [point for point in self.past if since <= point.at < until]

        return Console(
            ledger=self.ledger,
            intake=self.intake,
            keys=self.keys,
            city=CITY,
            templates=TEMPLATES,
            pointing=pointing.load(folder("desk")),
            capabilities=CAPABILITIES,
            clock=self.clock,
            deployment=self.deployment,
            url=url,
            slots=slots,
            board=self.board,
            health=health,
            outages=outages,
            report=report,
            background=background,
            organisation=ORGANISATION,
            disk=self.disk,
            targets={"manual": SHEETS, "x": POSTS},
            by_hand={
                "x": lambda content: [f"{content.language} {content.number} {part}/2" for part in (1, 2)]
            },
            canaries=self.canaries,
            public_url="https://public.example",
            samples=samples,
            devices=self.devices,
            device_book=self.device_book,
            register=self.register,
            wifi=wifi,
            try_call=self.try_call,
            sound=self.sounds.get,
        )


async def prepare(place: Path) -> None:
    """A ledger with two who may do everything (sato, tanaka), one who composes (ito), one who only looks
    (ono), thirty residents and four of the staff."""
    place.mkdir()
    key_files.create(place / "keys")
    keys = key_files.load(place / "keys")
    ledger = Ledger(with_schema(place / "ledger.db"))
    await ledger.open()
    try:
        await ledger.write(
            lambda conn: deployment.establish(conn, Deployment.REHEARSAL, CITY.code_with_check, at=NOW)
        )
        await ledger.write(_add_accounts)
        await ledger.write(lambda conn: _register(conn, keys))
    finally:
        await ledger.close()


@asynccontextmanager
async def a_desk(place: Path) -> AsyncIterator[Desk]:
    """The console over a ledger that `prepare` made."""
    ledger = Ledger(sqlite_url(place / "ledger.db"))
    await ledger.open()
    desk = Desk(ledger=ledger, keys=key_files.load(place / "keys"))
    try:
        async with served(desk):
            yield desk
    finally:
        await ledger.close()


class Person:
    """Somebody with a browser that knows no script: pages are read, forms are posted with what they hold."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        self.page = ""
        self.path = ""
        self.status = 0

    async def get(self, path: str, **headers: str) -> str:
        async with self.session.get(path, headers=headers) as response:
            return await self._seen(response)

    async def post(self, path: str, fields: Any = (), *, headers: Mapping[str, str] | None = None) -> str:
        """With the form token of the page last seen."""
        values = list(fields.items() if isinstance(fields, dict) else fields)
        if "csrf" not in dict(values):
            values.append(("csrf", self.field("csrf")))
        async with self.session.post(path, data=values, headers=headers) as response:
            return await self._seen(response)

    async def submit(self, action: str, act: str = "", **changes: str | list[str] | None) -> str:
        """Post the form of that address as it stands on the page, with `changes`; None leaves a field out."""
        fields = [pair for pair in self.form(action) if pair[0] not in changes]
        for name, value in changes.items():
            fields += [(name, each) for each in ([value] if isinstance(value, str) else value or [])]
        return await self.post(action, [*fields, ("act", act)] if act else fields)

    def form(self, action: str) -> list[tuple[str, str]]:
        """What a browser would post of it, without a button."""
        (form,) = [form for form in document_fromstring(self.page).forms if form.action == action]
        return [(str(name), str(value)) for name, value in form.form_values()]

    def field(self, name: str) -> str:
        """The value of a hidden field on the page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        return found[1] if found else ""

    async def _seen(self, response: ClientResponse) -> str:
        self.page, self.path, self.status = await response.text(), response.url.path_qs, response.status
        return self.page


@asynccontextmanager
async def somebody(desk: Desk, login: str | None = None) -> AsyncIterator[Person]:
    """Signed in as `login`, or nobody yet."""
    async with ClientSession(
        desk.base, cookie_jar=CookieJar(unsafe=True), headers={"Accept-Language": "ja"}
    ) as session:
        person = Person(session)
        if login is not None:
            await person.post("/signin", {"login": login, "password": PASSWORD})
            assert person.path == "/", person.page
        yield person


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[None]:
    background = Background()
    server = TestServer(create_app(desk.console(background, "http://console.example")))
    await server.start_server()
    desk.base = str(server.make_url("/"))
    try:
        yield
    finally:
        await server.close()
        await background.finish(1)


def _add_accounts(conn: Connection) -> None:
    for login, name, roles in (
        ("sato", "佐藤 花", frozenset(Role)),
        ("tanaka", "田中 一郎", frozenset(Role)),
        ("ito", "伊藤", frozenset({Role.COMPOSER})),
        ("ono", "小野", frozenset({Role.VIEWER})),
    ):
        accounts.add(conn, login=login, name=name, password_hash=HASHED, roles=roles, at=NOW)


def _register(conn: Connection, keys: Keys) -> None:
    towns = list(CITY.towns.values())
    people = [
        Registration(
            kind=Kind.RESIDENT,
            language=Language.JA if number % 2 else Language.EN,
            town=towns[number % len(towns)].code,
            zone=towns[number % len(towns)].zone,
            drills=number < 3,
            contacts={"mail": f"r{number}@mail.example"}
            | ({"line": f"U{number}"} if number % 3 == 0 else {}),
        )
        for number in range(30)
    ]
    staff = [
        Registration(kind=Kind.STAFF, language=Language.JA, contacts={"mail": f"s{number}@mail.example"})
        for number in range(4)
    ]
    register.add(conn, keys, [*people, *staff], at=NOW)
    register.keep_targets(
        conn,
        keys,
        "manual",
        SHEETS,
        at=NOW,
    )
    register.keep_targets(conn, keys, "x", [Target(ref="post:ja", name="X")], at=NOW)
    register.rebuild(conn, keys)
