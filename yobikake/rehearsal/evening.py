"""One evening in the rehearsal city: the hub is set up, shelters open, a warning comes in, an alert goes out."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import aiohttp
import structlog
from msgspec import structs
from sqlalchemy import Connection

from hub import keys as key_files
from hub import organisation, roster, settings
from hub.alert import DecisionMethod, Mode
from hub.authorise import Actor, Role
from hub.blocks import blocks
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.errors import TemporaryFailure
from hub.hazard import Hazard
from hub.inbound import jma, occasions
from hub.inbound.warning import suggest
from hub.intake import Approval
from hub.ledger import register
from hub.ledger.alerts import Accepted
from hub.outbound import Deployment
from hub.recipient import Kind
from hub.roster import Key, Typed
from shelters import gateway, record
from shelters.shelter import Stage, Step
from shelters.site import Site
from yobikake import compose, initialise, logins
from yobikake.assembly import Assembly
from yobikake.rehearsal import sensors, telegram
from yobikake.rehearsal.city import RehearsalCity
from yobikake.rehearsal.residents import Persona, residents, staff

log = structlog.get_logger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

PRESET = "tamagawa-flood"
TEMPLATE = "flood-4"
OPEN = 16
"""Sites that receive people; some others are still being opened, the rest are closed."""

BROWSERS = 200
"""Residents who asked for notifications too, a tenth of them at the most."""

COUNTED_WITHIN_S = 15.0

STEPS = (Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED, Stage.RECEIVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Somebody of the rehearsal's staff. The password was made for this run."""

    login: str
    name: str
    password: str
    roles: frozenset[Role]

    @property
    def actor(self) -> Actor:
        return Actor(login=self.login, name=self.name, roles=self.roles)


def clerks() -> tuple[Clerk, Clerk]:
    """One who prepares and one who approves."""
    everything = frozenset(Role)
    return (
        Clerk(login="sato", name="佐藤（架空）", password=secrets.token_urlsafe(12), roles=everything),
        Clerk(login="tanaka", name="田中（架空）", password=secrets.token_urlsafe(12), roles=everything),
    )


async def set_up(
    town: RehearsalCity, people: Sequence[Clerk], *, number: int, seed: int, progress: Progress
) -> list[Persona]:
    """Make the hub's database and register everybody. Returns the residents and staff, for the inbox."""
    found = await found_hub(town.folder, people)
    invented = [*residents(town.places, n=number, seed=seed), *staff(seed=seed)]
    browsers = min(BROWSERS, number // 10)
    personas = [*(_with_browser(each, town) for each in invented[:browsers]), *invented[browsers:]]
    await _register(found, personas, progress)
    return personas


async def found_hub(folder: Path, people: Sequence[Clerk]) -> settings.Settings:
    """Make the database of the hub whose settings lie in the folder, with accounts for these, and nobody registered."""
    await initialise.initialise(folder, str(folder / "city"), Deployment.REHEARSAL, at=utc_now())
    found = settings.load(folder / "yobikake.toml")
    for clerk in people:
        await logins.add(
            found,
            login=clerk.login,
            name=clerk.name,
            password=clerk.password,
            roles=clerk.roles,
            at=utc_now(),
        )
    return found


async def list_staff(town: RehearsalCity, people: Sequence[Persona], by: Actor) -> None:
    """All of the staff among them can be called together: each in a department, and three a shelter hold its keys."""
    found = settings.load(town.folder / "yobikake.toml")
    keys = key_files.load(found.keys)
    departments = [each.code for each in organisation.load(town.folder / "city").departments]
    sites = [str(site.code) for site in town.sites.values() if site.designated_for(Hazard.FLOOD)]
    known = [*departments, *(f"{roster.KEY_HOLDERS}:{site}" for site in sites)]
    called = [each for each in people if each.registration.kind is Kind.STAFF]
    async with initialise.opened(found) as ledger:
        for number, persona in enumerate(called):
            typed = Typed(
                name=persona.name,
                contacts=persona.registration.contacts,
                groups=(departments[number % len(departments)],),
                keys=(Key(site=sites[number // 3], choice=1 + number % 3),),
            )
            put = partial(roster.set_person, old=None, known=known, seen=number, at=utc_now())
            await ledger.write(lambda conn: put(conn, keys, typed, by))  # noqa: B023


async def open_shelters(assembly: Assembly) -> list[Site]:
    """Take the sites that are designated for floods through their steps; most of them to 受入開始."""
    suited = [site for site in assembly.sites.values() if site.designated_for(Hazard.FLOOD)]
    begun = assembly.clock() - timedelta(minutes=40)
    for index, site in enumerate(suited):
        steps = STEPS if index < OPEN else STEPS[: 1 + index % 3]
        await assembly.ledger.write(lambda conn: _take_steps(conn, assembly.records, site, steps, begun))  # noqa: B023
    return suited[:OPEN]


async def until_counted(assembly: Assembly) -> None:
    """Wait until the hub knows how many people are at every open site: the alert's texts say so.

    Goes on after a while without: an alert does not wait for a number.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(COUNTED_WITHIN_S):
            while any(  # noqa: ASYNC110 - counts arrive through the bus
                row.people is None
                for row in (await assembly.board.now()).rows
                if row.step.stage is Stage.RECEIVING
            ):
                await asyncio.sleep(0.1)


async def warn(assembly: Assembly) -> str:
    """A telegram in 気象庁's form comes in and waits for a decision. Returns the grounds it gives for an order."""
    received = jma.parse(telegram.flood_forecast(assembly.clock()))
    await assembly.ledger.write(
        lambda conn: occasions.keep(conn, received, source="rehearsal", at=assembly.clock())
    )
    (suggestion, *_) = suggest(received, {telegram.FORECAST_AREA})
    return suggestion.grounds


async def alert(
    assembly: Assembly, author: Clerk, approver: Clerk, *, grounds: str, whole_city: bool = False
) -> tuple[Accepted, datetime]:
    """Prepare, submit, and have the second person approve. Returns the alert and the moment of its submit."""
    message = compose.message(
        compose.template(TEMPLATE),
        assembly.city,
        area=None if whole_city else compose.preset(assembly.city, PRESET),
        mode=Mode.LIVE,
        channels=tuple(assembly.channels),
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=assembly.clock(),
        grounds=grounds,
    )
    draft = await assembly.intake.save(message, author.actor)
    submitted = await assembly.intake.submit(draft.id, author.actor, seen=draft.version)
    submitted_at = assembly.clock()
    approval = Approval(draft=submitted.id, version=submitted.version, typed=message.level)
    return await assembly.intake.accept(approval, approver.actor), submitted_at


class Stream:
    """Sensor readings, posted to the hub as a counter would. A minute of the evening passes in a second."""

    def __init__(self, town: RehearsalCity, url: str) -> None:
        self._sensors = town.sensors
        self._url = url + gateway.PATH
        self.taken = 0
        """Readings the hub has taken."""

    async def run(self, *, every_s: float = 1.0) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession() as session:
            await self._post(session, self._sensors.open(utc_now()))
            for minute in range(1, 24 * 60):
                await asyncio.sleep(every_s)
                await self._post(session, self._sensors.read(utc_now(), minute=minute))

    async def _post(self, session: aiohttp.ClientSession, readings: Sequence[sensors.Sent]) -> None:
        for block in blocks(readings, 50):
            try:
                self.taken += await sensors.post(session, self._url, self._sensors.token, block)
            except (TemporaryFailure, aiohttp.ClientError) as e:
                log.warning("readings were not taken; the next totals make up for them", error=str(e))


def _with_browser(persona: Persona, town: RehearsalCity) -> Persona:
    """The same person, who asked for notifications too."""
    subscription = town.push.subscribe(town.push_key)
    contacts = persona.registration.contacts | {"webpush": subscription.line}
    return replace(persona, registration=structs.replace(persona.registration, contacts=contacts))


async def _register(found: settings.Settings, personas: Sequence[Persona], progress: Progress) -> None:
    keys = key_files.load(found.keys)
    registrations = [persona.registration for persona in personas]
    async with initialise.opened(found) as ledger:
        done = 0
        for block in blocks(registrations, 2_000):
            await ledger.write(lambda conn: register.add(conn, keys, block, at=utc_now()))  # noqa: B023
            done += len(block)
            progress("registering residents / 住民を登録", done, len(registrations))
        await ledger.write(lambda conn: register.rebuild(conn, keys))


def _take_steps(
    conn: Connection, records: RecordCodec, site: Site, steps: Sequence[Stage], begun: datetime
) -> None:
    for number, stage in enumerate(steps, start=1):
        at = begun + timedelta(minutes=6 * number)
        opens_at = begun + timedelta(minutes=75) if stage is not Stage.RECEIVING else None
        step = Step(site=site.code, number=number, stage=stage, at=at, by="rehearsal", opens_at=opens_at)
        record.take_step(conn, records, step, people=None, recorded_at=at)
