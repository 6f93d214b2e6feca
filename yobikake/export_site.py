"""The residents' pages written into a folder, once or for as long as they change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from hub import city as cities
from hub import keys as key_files
from hub.clock import utc_now
from hub.errors import HubError
from hub.ledger import deployment
from hub.settings import Settings
from operator_ui.residents.document import Edition
from operator_ui.residents.portal import Residents
from operator_ui.residents.publisher import load_publisher
from operator_ui.residents.static_site import Progress, StaticSite
from shelters.site import load_sites
from yobikake import initialise, push_invitation, wifi_role
from yobikake.assembly import city_folder
from yobikake.recorded_board import recorded_board
from yobikake.recorded_past import recorded_past
from yobikake.site_folder import Changed, SiteFolder
from yobikake.slot_source import CitySlots
from yobikake.telephone import caller, phone_in
from yobikake.window import load_window

log = structlog.get_logger(__name__)

EVERY_S = 1.0
"""How often it is looked whether something changed."""


async def once(settings: Settings, folder: Path, *, progress: Progress) -> Changed:
    """Raises `BadSettings` or `Refused` where the folder cannot be used; `HubError` where nothing can be read."""
    async with _opened(settings, folder) as (site, into):
        return await write(site, into, progress=progress)


async def watch(
    settings: Settings, folder: Path, *, progress: Progress, changed: Callable[[Changed], None]
) -> None:
    """Until cancelled. Raises what `once` raises, and only at the start: later it tries again."""
    async with _opened(settings, folder) as (site, into):
        await follow(site, into, progress=progress, changed=changed)


async def follow(
    site: StaticSite,
    into: SiteFolder,
    *,
    progress: Progress = lambda _done, _all: None,
    changed: Callable[[Changed], None],
) -> None:
    """Write at once, and again whenever another edition is true."""
    written: Edition | None = await site.edition()
    changed(await write(site, into, progress=progress))
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            edition = await site.edition()
            if edition != written:
                changed(await write(site, into, progress=lambda _done, _all: None))
                written = edition
        except HubError as e:
            log.warning("the pages could not be written; it is tried again", reason=e.message)


async def write(site: StaticSite, into: SiteFolder, *, progress: Progress) -> Changed:
    """Raises `BadSettings` where the folder cannot be written."""
    made = await site.site(progress)
    return await asyncio.to_thread(into.put, made.files)


@asynccontextmanager
async def _opened(settings: Settings, folder: Path) -> AsyncIterator[tuple[StaticSite, SiteFolder]]:
    async with _portal(settings) as portal:
        with SiteFolder(folder, deployment=portal.deployment, city=portal.city).opened() as into:
            site = StaticSite(portal)
            try:
                yield site, into
            finally:
                await site.close()


@asynccontextmanager
async def _portal(settings: Settings) -> AsyncIterator[Residents]:
    await initialise.refuse_placeholders(settings)
    place = city_folder(settings.city)
    city, sites = cities.load(place), load_sites(place)
    async with (
        initialise.opened(settings) as ledger,
        recorded_board(settings, ledger) as board,
        recorded_past(settings) as samples,
    ):

        async def slots() -> CitySlots:
            return CitySlots(
                city, sites, await board(), settings.residents.url, phone_in=settings.phone_in_number
            )

        yield Residents(
            city=city,
            ledger=ledger,
            keys=key_files.load(settings.keys),
            board=board,
            slots=slots,
            clock=utc_now,
            deployment=await ledger.read(deployment.read),
            url=settings.residents.url,
            publisher=load_publisher(place),
            window=load_window(place, city, sites),
            ssid=wifi_role.ssid(settings),
            samples=samples,
            caller=caller(settings),
            phone_in=phone_in(settings),
            push=push_invitation.of(settings),
        )
