"""The shelter board as the databases know it: for a process beside the hub, which does not share its memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hub import city as cities
from hub import exposure as exposures
from hub.clock import utc_now
from hub.ledger import Ledger
from hub.settings import Settings
from shelters import record
from shelters.board import Board, board, with_plans
from shelters.crowding import load_thresholds
from shelters.occupancy import Occupancy
from shelters.plans import AtOnce, origins_of
from shelters.routing import usable
from shelters.site import SiteCode, load_sites
from shelters.snapshots import Snapshots
from yobikake.assembly import city_folder


@asynccontextmanager
async def recorded_board(settings: Settings, ledger: Ledger) -> AsyncIterator[Callable[[], Awaitable[Board]]]:
    """Looks as often as it is asked. Looking makes no file: it would belong to whoever looked, and not to the hub."""
    folder = city_folder(settings.city)
    sites, city = load_sites(folder), cities.load(folder)
    at_once = AtOnce(origins_of(city, exposures.load(folder, city)), usable=usable(load_thresholds(folder)))
    snapshots = Snapshots(settings.occupancy_url)
    opened = False

    async def occupancies() -> dict[SiteCode, Occupancy]:
        nonlocal opened
        if not settings.ledger.url and not (settings.data / "occupancy.db").exists():
            return {}
        if not opened:
            await snapshots.open()
            opened = True
        known = await snapshots.load()
        return {site: snapshot.said for site, snapshot in known.items() if snapshot.said is not None}

    async def look() -> Board:
        steps = await ledger.read(record.all_current)
        found = board(sites, steps, await occupancies(), now=utc_now())
        return with_plans(found, at_once, known={})

    try:
        yield look
    finally:
        await snapshots.close()
