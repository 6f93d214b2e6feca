"""The website's page and feed: what is no longer in force is withdrawn."""

import asyncio

import structlog

from channels.website import Website
from hub.ledger import alerts
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

EVERY_S = 5.0
KIND = "website"


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    website = assembly.channels[KIND].channel
    assert isinstance(website, Website)  # noqa: S101 - the connector of this kind
    kept: frozenset[str] | None = None
    while True:
        active = await assembly.ledger.read(
            lambda conn: alerts.active(conn, assembly.keys, at=assembly.clock())
        )
        wanted = frozenset(each.alert.identifier for each in active)
        if wanted != kept:
            kept = wanted if await _keep(website, wanted) else None
        await asyncio.sleep(EVERY_S)


async def _keep(website: Website, wanted: frozenset[str]) -> bool:
    try:
        await website.keep(wanted)
    except OSError as e:
        log.warning("the website's folder cannot be written; it is tried again", error=type(e).__name__)
        return False
    return True
