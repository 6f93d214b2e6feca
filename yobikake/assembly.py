"""Everything one process holds, put together from the settings, and taken apart again."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from channels.mail import Mail
from hub import city as cities
from hub import exposure as exposures
from hub import keys as key_files
from hub import on_call, prepared
from hub.alert import Lane
from hub.asking import Asking
from hub.background import Background
from hub.bus import Bus
from hub.bus.access import access
from hub.bus.split import SplitBus
from hub.capabilities import Capabilities
from hub.channel import Target, Targets
from hub.city import City
from hub.clock import Clock, utc_now
from hub.codec import RecordCodec
from hub.dead_letter_office import DeadLetterOffice
from hub.deliver import Delivery
from hub.disk import Disk
from hub.errors import BadSettings, TemporaryFailure
from hub.fanout import Fanout
from hub.folder import Folder
from hub.gate import Leases, Stops
from hub.keys import Keys
from hub.ledger import Ledger, deployment, register
from hub.life import Life
from hub.live import Live
from hub.live.memory import MemoryLive
from hub.outbound import Deployment, Outbound
from hub.page import Notify, Pager
from hub.planner import Planner
from hub.postbox import Postbox
from hub.prepared import Prepare
from hub.scheduling import Scheduling
from hub.settings import Settings
from hub.sweep import Sweeper
from hub.worker import Worker
from shelters import plans
from shelters import record as shelter_record
from shelters.board import LiveBoard
from shelters.crowding import load_thresholds
from shelters.plans import Origins
from shelters.routing import usable
from shelters.site import Site, SiteCode, load_sites
from yobikake import compose, connectors
from yobikake.connectors import Configured
from yobikake.offering import offered
from yobikake.slot_source import Renderer

if TYPE_CHECKING:
    from hub.bus import topics

log = structlog.get_logger(__name__)

TOPICS_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One process's hub. Nothing in it runs by itself: the roles do."""

    settings: Settings
    deployment: Deployment
    city: City
    city_folder: Folder
    sites: Mapping[SiteCode, Site]
    clock: Clock
    life: Life
    ledger: Ledger
    bus: Bus
    live: Live
    keys: Keys
    records: RecordCodec
    channels: Mapping[str, Configured]
    capabilities: Mapping[str, Capabilities]
    stops: Stops
    pager: Pager
    intake: Scheduling
    planner: Planner
    sweeper: Sweeper
    postbox: Postbox
    asking: Asking
    office: DeadLetterOffice
    disk: Disk
    board: LiveBoard
    origins: Origins
    """From where people come to shelters, by hazard."""
    renderer: Renderer
    background: Background

    def worker(self, kind: str, lane: Lane) -> Worker:
        """A worker of one channel and lane. Open its connector first."""
        delivery = Delivery(
            channel=self.channels[kind].by_lane[lane],
            capabilities=self.channels[kind].on(lane),
            ledger=self.ledger,
            live=self.live,
            keys=self.keys,
            stops=self.stops,
            life=self.life,
            clock=self.clock,
            page=self.pager.page,
            asking=self.asking,
            naming=self.renderer.named,
        )
        return Worker(delivery, lane, transport=self.bus, records=self.records)


@asynccontextmanager
async def assemble(settings: Settings, *, name: str = "", clock: Clock = utc_now) -> AsyncIterator[Assembly]:
    """Open ledger, bus and live state, and build the rest.

    `name`: this process's among the hub's, the same after a restart; Kafka knows it by that. Without
    one it is a new member at each start, and its predecessor's partitions wait for ten seconds.

    Raises:
        BadSettings, Refused: something cannot work; says which setting and what to do.
    """
    folder = city_folder(settings.city)
    city = cities.load(folder)
    sites = load_sites(folder)
    keys = key_files.load(settings.keys)
    async with AsyncExitStack() as stack:
        ledger = Ledger(settings.ledger_url)
        await ledger.open()
        stack.push_async_callback(ledger.close)
        kind = await ledger.read(deployment.read)
        outbound = Outbound(
            deployment=kind,
            proxy=settings.proxy.url,
            direct=settings.proxy.direct,
            ca_file=settings.proxy.ca_file,
        )
        channels = connectors.build(settings, outbound, clock)
        connectors.leave_by(channels, settings, keys)
        connectors.show_the_city(channels, city, {site.name.ja: site.position for site in sites.values()})
        leases = leases_for(settings)
        owner = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid4().hex[:8]}"
        prefix = marked(settings, kind, city)
        background = Background()
        bus = await _bus(settings, name or owner, channels, prefix=prefix, background=background)
        await bus.open()
        stack.push_async_callback(bus.close)
        live = _live(settings, prefix=prefix)
        await live.open()
        stack.push_async_callback(live.close)
        stack.push_async_callback(background.finish, 5.0)  # it uses both
        assembly = _assembly(
            settings=settings,
            kind=kind,
            city=city,
            folder=folder,
            sites=sites,
            clock=clock,
            life=Life(ledger, name=owner, leases=leases),
            ledger=ledger,
            bus=bus,
            live=live,
            keys=keys,
            channels=channels,
            background=background,
        )
        await _register_targets(assembly)
        yield assembly


def city_folder(name: str) -> Folder:
    """A city shipped in `config`, by its name, or a folder of the city's own, by its path.

    Raises:
        BadSettings: there is neither.
    """
    if name.isidentifier() and (shipped := resources.files("config") / name).is_dir():
        return shipped
    own = Path(name)
    if own.is_dir():
        return own
    english, japanese = offered(Path(name).name, shipped_cities())
    raise BadSettings(
        "city",
        f"{name!r} is neither a city in config/ nor a folder; {english}, or write the path of your city's folder / "
        f"config/ にもフォルダーにもありません。{japanese}。ほかの市は、その市のフォルダーの場所を書いてください",
    )


def shipped_cities() -> list[str]:
    """By name: the cities that can be named without a folder of one's own."""
    config = resources.files("config")
    return sorted(each.name for each in config.iterdir() if (each / "city.toml").is_file())


def _assembly(
    *,
    settings: Settings,
    kind: Deployment,
    city: City,
    folder: Folder,
    sites: Mapping[SiteCode, Site],
    clock: Clock,
    life: Life,
    ledger: Ledger,
    bus: Bus,
    live: Live,
    keys: Keys,
    channels: Mapping[str, Configured],
    background: Background,
) -> Assembly:
    records = RecordCodec(keys)
    capabilities = {name: configured.capabilities for name, configured in channels.items()}
    stops = Stops()
    exposure = exposures.load(folder, city)
    origins = plans.origins_of(city, exposure)
    board = LiveBoard(
        sites=sites,
        steps=lambda: ledger.read(shelter_record.all_current),
        live=live,
        clock=clock,
        origins=origins,
        usable=usable(load_thresholds(folder)),
    )
    renderer = Renderer(
        city=city,
        sites=sites,
        live_board=board,
        public_url=settings.residents.url,
        phone_in=settings.phone_in_number,
        clock=clock,
    )
    fanout = Fanout(
        ledger=ledger,
        transport=bus,
        records=records,
        keys=keys,
        capabilities=capabilities,
        render=renderer.render,
        clock=clock,
        exposure=exposure,
    )
    notify = _staff_mail(settings, channels, partial(_on_call, ledger, keys, clock))
    pager = Pager(ledger=ledger, notify=notify, clock=clock, background=background)
    sweeper = Sweeper(
        ledger=ledger,
        transport=bus,
        stops=stops,
        capabilities=capabilities,
        life=life,
        only_process=settings.embedded,
        clock=clock,
    )
    disk = Disk(settings.data, limit=settings.limits.free_disk)
    return Assembly(
        settings=settings,
        deployment=kind,
        city=city,
        city_folder=folder,
        sites=sites,
        clock=clock,
        life=life,
        ledger=ledger,
        bus=bus,
        live=live,
        keys=keys,
        records=records,
        channels=channels,
        capabilities=capabilities,
        stops=stops,
        pager=pager,
        intake=Scheduling(
            ledger=ledger,
            records=records,
            keys=keys,
            stops=stops,
            sender=city.cap_sender,
            clock=clock,
            page=pager.page,
            relay=sweeper.poke,
            channels=frozenset(channels),
            towns=frozenset(city.towns),
            prepare=correction(city),
            disk=disk,
        ),
        planner=Planner(fanout=fanout, ledger=ledger, transport=bus, records=records),
        sweeper=sweeper,
        postbox=Postbox(
            ledger=ledger, transport=bus, records=records, capabilities=capabilities, clock=clock
        ),
        asking=Asking(keys=keys, exposure=exposure, public_url=_telephone_url(settings, kind)),
        office=DeadLetterOffice(ledger=ledger, transport=bus, records=records, page=pager.page, clock=clock),
        disk=disk,
        board=board,
        origins=origins,
        renderer=renderer,
        background=background,
    )


def _telephone_url(settings: Settings, kind: Deployment) -> str:
    """Where a telephone's keys go. In production a provider cannot ask an address that is not public: nobody is asked
    a question whose answer would end the call with an error."""
    url = settings.residents.url
    return url if kind is Deployment.REHEARSAL or url.startswith("https://") else ""


def leases_for(settings: Settings) -> Leases:
    lease, life = settings.delivery.lease_s, settings.delivery.life_s
    return Leases(
        lease=timedelta(seconds=lease), life=timedelta(seconds=lease if settings.embedded else life)
    )


def correction(city: City) -> Prepare:
    """How the correction of an alert reads, from the bank of phrases."""
    return partial(prepared.message, template=compose.template("correction"), city=city.names)


def marked(settings: Settings, kind: Deployment, city: City) -> str:
    """Stands before what this hub keeps in Kafka and Redis: a rehearsal may share them with production."""
    return settings.bus.prefix or f"{kind}.{city.code}."


async def ensure_topics(settings: Settings, channels: Iterable[str], *, prefix: str) -> "topics.Report":
    """Make the Kafka topics that are missing; the report says where the others differ."""
    from hub.bus import topics  # noqa: PLC0415 - loaded only by a hub that has Kafka

    with resources.as_file(resources.files("config") / "topics.toml") as declared:
        return await topics.ensure(
            settings.bus.kafka, channels, path=declared, prefix=prefix, access=access(settings.bus)
        )


async def _bus(
    settings: Settings, name: str, channels: Iterable[str], *, prefix: str, background: Background
) -> Bus:
    if settings.embedded:
        return SplitBus(settings.data)
    from hub.bus.kafka import KafkaBus  # noqa: PLC0415

    try:
        await _topics(settings, channels, prefix=prefix)
    except TemporaryFailure as e:
        log.warning("Kafka is away: the ledger is swept until it is back", reason=e.reason)
        background.start(_topics_later(settings, channels, prefix=prefix), name="topics")
    return KafkaBus(settings.bus.kafka, client_id=name, prefix=prefix, access=access(settings.bus))


async def _topics(settings: Settings, channels: Iterable[str], *, prefix: str) -> None:
    for drift in (await ensure_topics(settings, channels, prefix=prefix)).drift:
        log.warning("a Kafka topic is not as declared", drift=str(drift))


async def _topics_later(settings: Settings, channels: Iterable[str], *, prefix: str) -> None:
    """A process that starts while Kafka is away sends all the same (I14), and makes the topics once it can."""
    while True:
        await asyncio.sleep(TOPICS_AGAIN_S)
        with suppress(TemporaryFailure):
            return await _topics(settings, channels, prefix=prefix)


def _live(settings: Settings, *, prefix: str) -> Live:
    if not settings.live.redis:
        return MemoryLive()
    from hub.live.redis import RedisLive  # noqa: PLC0415

    return RedisLive(settings.live.redis, share=settings.live.share, prefix=prefix)


def _staff_mail(
    settings: Settings,
    channels: Mapping[str, Configured],
    people: Callable[[], Awaitable[Sequence[on_call.Person]]],
) -> Notify:
    """To whoever is on call now, all at once and the first in front; where the list names nobody with a mail, or
    cannot be read, to the settings' addresses."""
    mail = channels["mail"].channel if "mail" in channels else None

    async def notify(subject: str, text: str) -> None:
        if not isinstance(mail, Mail):
            return
        try:
            called = [person for person in await people() if person.mail]
        except Exception:  # whatever is broken, the page goes out
            log.exception("the on-call list cannot be read; the settings' addresses are used")
            called = []
        to = list(dict.fromkeys(person.mail for person in called)) or settings.on_call.mail
        if to:
            await mail.submit(to, subject=subject, text=_with_order(text, called))

    return notify


def _with_order(text: str, called: Sequence[on_call.Person]) -> str:
    """Everyone sees who else was called, and who goes first. No number: mail is read by others too."""
    if not called:
        return text
    order = " → ".join(f"{person.name}（{person.duty.japanese}）" for person in called)
    return f"{text}\n\n呼び出しの順 / In this order: {order}"


async def _on_call(ledger: Ledger, keys: Keys, clock: Clock) -> Sequence[on_call.Person]:
    return await ledger.read(lambda conn: on_call.now(conn, keys, at=clock()))


async def _register_targets(assembly: Assembly) -> None:
    """Fixed targets stand in the register like everyone else, so that there is one way to plan."""
    for kind, configured in assembly.channels.items():
        channel = configured.channel
        if isinstance(channel, Targets):
            await assembly.ledger.write(partial(_keep, assembly, kind, channel.targets()))


def _keep(assembly: Assembly, kind: str, targets: Sequence[Target], conn: Connection) -> None:
    if register.keep_targets(conn, assembly.keys, kind, targets, at=assembly.clock()):
        register.rebuild(conn, assembly.keys, [kind])
