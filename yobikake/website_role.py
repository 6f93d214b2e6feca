"""The website's page and feed: what is no longer in force is withdrawn, and the rest follows the present."""

from collections.abc import Mapping

import structlog

from channels.website import Website
from hub.alert import Mode
from hub.background import beat
from hub.channel import Content
from hub.delivery import Variant
from hub.language import Language
from hub.ledger import alerts
from hub.ledger.trouble import is_away
from hub.render import content_hash
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

EVERY_S = 5.0
KIND = "website"
PAGE = Variant(Language.JA, None)
"""The page is one for everyone: in Japanese, and of no zone."""


async def run(assembly: Assembly) -> None:
    """Until cancelled. While the database is away the page stays as it is."""
    website = assembly.channels[KIND].channel
    assert isinstance(website, Website)  # noqa: S101 - the connector of this kind
    await beat(_Keeper(assembly, website).look, EVERY_S)


class _Keeper:
    def __init__(self, assembly: Assembly, website: Website) -> None:
        self._assembly = assembly
        self._website = website
        self._shown: dict[str, str] | None = None
        """Hashes by identifier, once they stand there."""

    async def look(self) -> None:
        try:
            contents = await self._contents()
        except Exception as e:
            if not is_away(e):
                raise
            log.warning("the ledger is away: the website stays as it is", error=type(e).__name__)
            return
        wanted = {identifier: content_hash(content) for identifier, content in contents.items()}
        if wanted != self._shown:
            self._shown = wanted if await self._keep(contents) else None

    async def _contents(self) -> dict[str, Content]:
        """The alerts in force, with the sites that receive now: one that stopped must not stay named (I16)."""
        assembly = self._assembly
        active = await assembly.ledger.read(
            lambda conn: alerts.active(conn, assembly.keys, at=assembly.clock())
        )
        return {
            each.alert.identifier: await assembly.renderer.render(each, PAGE)
            for each in active
            if each.alert.mode is Mode.LIVE and KIND in each.alert.targeting.channels
        }

    async def _keep(self, contents: Mapping[str, Content]) -> bool:
        try:
            await self._website.keep(contents)
        except OSError as e:
            log.warning("the website's folder cannot be written; it is tried again", error=type(e).__name__)
            return False
        return True
