"""A residents' listener over a real ledger, with Akishima's sites and one river in flood."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from aiohttp import web
from msgspec.structs import replace
from sqlalchemy import Connection

from config import folder
from hub import city as cities
from hub import keys as key_files
from hub import phrases
from hub.alert import Alert, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.city import City
from hub.delivery import Outcome
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, alerts, tables
from hub.ledger.alerts import Accepted
from hub.outbound import Deployment
from hub.recipient import Targeting, Towns, WholeCity, Zone
from hub.shelter_list import Crowding, ShelterLines
from hub.subscription import Services
from hub.testing.databases import with_schema
from operator_ui.residents.app import create_app
from operator_ui.residents.portal import PhoneIn, Push, Residents, Telephone, alert_path
from operator_ui.residents.publisher import load_publisher
from operator_ui.senders import Senders
from operator_ui.window.window import Window
from shelters.board import Board, board, with_plans
from shelters.history import Point
from shelters.occupancy import Occupancy, Source
from shelters.plans import AtOnce
from shelters.shelter import Stage, Step
from shelters.site import Facility, Site, SiteCode, load_sites
from yobikake.window import load_window

NOW = datetime(2026, 9, 12, 12, 49, tzinfo=UTC)
"""21:49 in Japan."""
CITY = cities.load(folder("akishima"))
SITES = load_sites(folder("akishima"))
TEMPLATE = phrases.load(folder("phrases"))["flood-4"]
FLOOD = [site for site in SITES.values() if Hazard.FLOOD in site.hazards]
PUSH = Push(
    # the public key of RFC 8291 §5
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    Services.of(("https://push.example",)),
)
NOT_FLOOD = [site for site in SITES.values() if site.hazards and Hazard.FLOOD not in site.hazards]


@dataclass(slots=True)
class Shelters:
    """The state of the sites, to be changed by a test."""

    steps: dict[SiteCode, Step] = field(default_factory=dict)
    counts: dict[SiteCode, Occupancy] = field(default_factory=dict)
    capacities: dict[SiteCode, int] = field(default_factory=dict)
    facilities: dict[SiteCode, frozenset[Facility]] = field(default_factory=dict)
    hazards: dict[SiteCode, frozenset[Hazard]] = field(default_factory=dict)
    at_once: AtOnce = field(default_factory=lambda: AtOnce({}))
    """Without origins there are no plans of where to send people."""

    def put(
        self,
        site: Site,
        stage: Stage,
        *,
        people: int | None = None,
        capacity: int | None = None,
        crowding: Crowding | None = None,
        as_of: datetime = NOW - timedelta(minutes=3),
        opens_at: datetime | None = None,
    ) -> None:
        self.steps[site.code] = Step(
            site=site.code, number=6, stage=stage, at=NOW, by="sato", opens_at=opens_at
        )
        if capacity is not None:
            self.capacities[site.code] = capacity
        if people is not None or crowding is not None:
            self.counts[site.code] = Occupancy(
                site=site.code,
                version=1,
                people=people,
                capacity=capacity,
                crowding=crowding,
                source=Source.STAFF,
                as_of=as_of,
                fresh_until=as_of + timedelta(minutes=40),
            )

    def board(self, now: datetime) -> Board:
        sites: Mapping[SiteCode, Site] = {
            code: replace(
                site,
                capacity=self.capacities.get(code, site.capacity),
                facilities=self.facilities.get(code, site.facilities),
                hazards=self.hazards.get(code, site.hazards),
            )
            for code, site in SITES.items()
        }
        return with_plans(board(sites, self.steps, self.counts, now=now), self.at_once, known={})


class Slots:
    """Fills the slots from the board, as the hub does."""

    def __init__(self, shelters: Board, url: str) -> None:
        self._board, self._url = shelters, url

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        return self._board.lines(hazard, near=CITY.centre)

    def official(self, site: str) -> bool:
        return any(site == each.name.ja for each in SITES.values())

    def city(self, language: Language) -> str:
        return CITY.names[language]

    def link(self, number: str, language: Language) -> str:
        return self._url + alert_path(number, language)

    def telephone(self) -> str:
        return "042-555-0100"


@dataclass(slots=True, kw_only=True)
class Town:
    """What a test may change while the listener runs."""

    ledger: Ledger
    keys: Keys
    shelters: Shelters
    now: datetime = NOW
    url: str = ""
    deployment: Deployment = Deployment.PRODUCTION
    database: Path = Path("ledger.db")
    embedded_by: tuple[str, ...] = ()
    push: Push | None = PUSH
    past: list[Point] = field(default_factory=list)
    telephone: Telephone | None = None
    phone_in: PhoneIn | None = None

    def clock(self) -> datetime:
        return self.now

    async def publish(self, alert: Alert, number: str) -> None:
        def work(conn: Connection) -> None:
            alerts.insert_alert(
                conn,
                self.keys,
                alert,
                number=number,
                digest=bytes(32),
                author="sato",
                approver="tanaka",
                break_glass=None,
            )
            if alert.msg_type is not MsgType.ALERT:
                alerts.end(conn, alert.references, at=alert.sent)

        await self.ledger.write(work)

    async def stop(self, identifier: str) -> None:
        await self.ledger.write(
            lambda conn: alerts.stop(conn, identifier, outcome=Outcome.CANCELLED, at=self.now, actor="sato")
        )

    async def samples(self, since: datetime, until: datetime) -> Sequence[Point]:
        return [each for each in self.past if since <= each.at < until]

    def portal(self) -> Residents:
        async def shelters() -> Board:
            return self.shelters.board(self.now)

        async def slots() -> Slots:
            return Slots(self.shelters.board(self.now), self.url)

        return Residents(
            city=CITY,
            ledger=self.ledger,
            keys=self.keys,
            board=shelters,
            slots=slots,
            clock=self.clock,
            deployment=self.deployment,
            url=self.url,
            embedded_by=self.embedded_by,
            caller="042-000-0000",
            publisher=load_publisher(folder("akishima")),
            samples=self.samples,
            senders=Senders(("127.0.0.1",)),
            window=window(),
            telephone=self.telephone,
            phone_in=self.phone_in,
            push=self.push,
        )


@cache
def window() -> Window:
    """Of this city. It takes its examples apart at the first question."""
    return load_window(folder("akishima"), CITY, SITES)


@asynccontextmanager
async def a_town(path: Path, *, deployment: Deployment = Deployment.PRODUCTION) -> AsyncIterator[Town]:
    key_files.create(path / "keys")
    ledger = Ledger(with_schema(path / "ledger.db"))
    await ledger.open()
    try:
        await ledger.write(
            lambda conn: conn.execute(
                tables.deployment.insert().values(
                    id=1, kind=deployment, city_code=CITY.code, created_at=NOW, register_revision=0
                )
            )
        )
        yield Town(
            ledger=ledger,
            keys=key_files.load(path / "keys"),
            shelters=Shelters(),
            database=path / "ledger.db",
            deployment=deployment,
        )
    finally:
        await ledger.close()


@asynccontextmanager
async def served(town: Town, *, port: int = 0) -> AsyncIterator[str]:
    """The listener on a free port, or this one; its address."""
    runner = web.AppRunner(create_app(town.portal()), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def flood_order(
    city: City = CITY,
    *,
    number: str = "2026-0147",
    mode: Mode = Mode.LIVE,
    level: Level = Level.EVACUATE,
    msg_type: MsgType = MsgType.ALERT,
    languages: Sequence[Language] = tuple(Language),
    whole_city: bool = False,
    references: tuple[str, ...] = (),
    sequence: int = 1,
    sent: datetime = NOW - timedelta(minutes=1),
) -> Alert:
    """避難指示 for the Tama River, with the bank's own phrases."""
    preset = city.presets["tamagawa-flood"]
    infos = phrases.fill(TEMPLATE, city=city.names, area=[preset.area], river=city.rivers[0].names)
    audience = WholeCity() if whole_city else Towns(towns=preset.towns)
    return Alert(
        identifier=f"{city.cap_sender}-{number}",
        sender=city.cap_sender,
        sent=sent,
        mode=mode,
        msg_type=msg_type,
        hazard=Hazard.FLOOD,
        level=level,
        order=Order(
            issuer=city.mayor.ja,
            method=DecisionMethod.HEADQUARTERS,
            ordered_at=NOW - timedelta(minutes=2),
            grounds="氾濫危険水位",
        ),
        area=Area(description=preset.area.ja),
        targeting=Targeting(audience=audience, channels=("mail",)),
        infos=tuple(info for info in infos if info.language in languages),
        expires=sent + timedelta(hours=3),
        references=references,
        sequence=sequence,
    )


def accepted(alert: Alert, number: str) -> Accepted:
    """In force."""
    return Accepted(
        alert=alert,
        number=number,
        author="sato",
        approver="tanaka",
        stopped_as=None,
        stopped_at=None,
        ended_at=None,
    )


def open_some(shelters: Shelters) -> None:
    """Sites in every state residents can see, and two of them that they must not."""
    room, some, crowded, full, unknown, counted, planned = FLOOD[:7]
    shelters.put(room, Stage.RECEIVING, people=86, capacity=420, crowding=Crowding.HAS_ROOM)
    shelters.put(some, Stage.RECEIVING, people=205, capacity=380, crowding=Crowding.SOME)
    shelters.put(crowded, Stage.RECEIVING, people=284, capacity=360, crowding=Crowding.CROWDED)
    shelters.put(full, Stage.FULL, people=331, capacity=340, crowding=Crowding.CROWDED)
    shelters.put(unknown, Stage.RECEIVING)
    shelters.put(counted, Stage.RECEIVING, people=41)
    shelters.put(planned, Stage.PREPARING, opens_at=NOW + timedelta(minutes=41))
    shelters.facilities |= {
        room.code: frozenset(Facility),
        some.code: frozenset({Facility.WHEELCHAIR}),
        full.code: frozenset({Facility.PETS}),
    }
    shelters.put(FLOOD[7], Stage.PAUSED, people=12, capacity=200, crowding=Crowding.HAS_ROOM)
    shelters.put(NOT_FLOOD[0], Stage.RECEIVING, people=9, capacity=300, crowding=Crowding.HAS_ROOM)
