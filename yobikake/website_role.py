"""The website's page and feed: what is no longer in force is withdrawn, and the rest follows the present."""

import asyncio
from collections.abc import Mapping

import structlog

from channels.website import Website
from hub.alert import Mode
from hub.channel import Content
from hub.delivery import Variant
from hub.language import Language
from hub.ledger import alerts
from hub.render import content_hash
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

EVERY_S = 5.0
KIND = "website"
PAGE = Variant(Language.JA, None)
"""The page is one for everyone: in Japanese, and of no zone."""


async def run(assembly: Assembly) -> None:
    """Until cancelled."""
    website = assembly.channels[KIND].channel
    assert isinstance(website, Website)  # noqa: S101 - the connector of this kind
    shown: dict[str, str] | None = None
    while True:
        contents = await _contents(assembly)
        wanted = {identifier: content_hash(content) for identifier, content in contents.items()}
        if wanted != shown:
            shown = wanted if await _keep(website, contents) else None
        await asyncio.sleep(EVERY_S)


async def _contents(assembly: Assembly) -> dict[str, Content]:
    """The alerts in force, with the sites that receive now: one that stopped must not stay named (I16)."""
    active = await assembly.ledger.read(lambda conn: alerts.active(conn, assembly.keys, at=assembly.clock()))
    return {
        each.alert.identifier: await assembly.renderer.render(each, PAGE)
        for each in active
        if each.alert.mode is Mode.LIVE and KIND in each.alert.targeting.channels
    }


async def _keep(website: Website, contents: Mapping[str, Content]) -> bool:
    try:
        await website.keep(contents)
    except OSError as e:
        log.warning("the website's folder cannot be written; it is tried again", error=type(e).__name__)
        return False
    return True
