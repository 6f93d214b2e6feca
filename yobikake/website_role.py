"""The places of the website: what is no longer in force is withdrawn, and the rest follows the present."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic as _now_s

import structlog

from channels.website import Website
from channels.website.place import Failed, Place, Posted
from hub.alert import Mode
from hub.background import beat
from hub.delivery import Outcome, Variant
from hub.errors import Refused
from hub.language import Language
from hub.ledger import alerts
from hub.ledger.trouble import is_away
from hub.render import content_hash
from yobikake.assembly import Assembly

log = structlog.get_logger(__name__)

EVERY_S = 5.0
LONGEST, LOCKED_OUT = timedelta(minutes=1), timedelta(minutes=5)
"""Between two tries at a place that fails; at one that refuses us, or asks for more."""
KIND = "website"
PAGE = Variant(Language.JA, None)
"""The page is one for everyone: in Japanese, and of no zone."""


async def run(assembly: Assembly) -> None:
    """Until cancelled. While the database is away the pages stay as they are."""
    website = assembly.channels[KIND].channel
    assert isinstance(website, Website)  # noqa: S101 - the connector of this kind
    async with asyncio.TaskGroup() as group:
        for ref, place in website.places.items():
            group.create_task(beat(_Keeper(assembly, ref, place).look, EVERY_S))


class _Keeper:
    """Of one place."""

    def __init__(self, assembly: Assembly, ref: str, place: Place) -> None:
        self._assembly = assembly
        self._ref = ref
        self._place = place
        self._shown: dict[str, str] | None = None
        """Hashes by identifier, once they stand there."""
        self._failures = 0
        self._not_before = 0.0

    async def look(self) -> None:
        now = _now_s()
        if now < self._not_before:
            return
        try:
            wanted = _hashes(await self._in_force())
            if wanted != self._shown:
                self._shown = None
                await self._place.keep(self._in_force)
                self._shown, self._failures = wanted, 0
        except Failed as e:
            wait = self._wait(e)
            self._not_before = now + wait.total_seconds()
            self._failures += 1
            log.warning(
                "the website is not as it should be", place=self._ref, reason=e.reason, again_in=str(wait)
            )
        except Refused as e:
            self._not_before = now + LOCKED_OUT.total_seconds()
            log.error("the website belongs to another kind of hub", place=self._ref, error=e.message)
        except Exception as e:
            if not is_away(e):
                raise
            log.warning("the ledger is away: the website stays as it is", error=type(e).__name__)

    def _wait(self, failed: Failed) -> timedelta:
        """Who is refused and asks again and again is locked out."""
        longest = LOCKED_OUT if failed.outcome is Outcome.CREDENTIALS else LONGEST
        wait = min(timedelta(seconds=EVERY_S * 2 ** min(self._failures, 10)), longest)
        return max(wait, min(failed.retry_after or timedelta(0), LOCKED_OUT))

    async def _in_force(self) -> dict[str, Posted]:
        """With the sites that receive now: one that stopped must not stay named (I16)."""
        assembly = self._assembly
        active = await assembly.ledger.read(
            lambda conn: alerts.active(conn, assembly.keys, at=assembly.clock())
        )
        return {
            each.alert.identifier: Posted(await assembly.renderer.render(each, PAGE), each.alert.expires)
            for each in active
            if each.alert.mode is Mode.LIVE and KIND in each.alert.targeting.channels
        }


def _hashes(posted: Mapping[str, Posted]) -> dict[str, str]:
    return {identifier: content_hash(said.content) for identifier, said in posted.items()}
