"""Who watches the watchers: a probe or a canary that should have come and did not (I15).

A channel whose process has stopped misses nothing, since nobody looks any more. So another one looks at when somebody last
did. Of a hub in one process nothing is left to look: whatever watches over that process notices.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from hub import health
from hub.canary import Canary
from hub.channel import Health
from hub.clock import Clock, happened
from hub.deliver import Page
from hub.health import SILENT_AFTER
from hub.ledger import Ledger, canaries
from hub.ledger.canaries import Known
from hub.live import Live

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0


class Silence:
    """`names`: of the channels that are probed, by kind."""

    def __init__(
        self,
        names: Mapping[str, str],
        of: Sequence[Canary],
        *,
        ledger: Ledger,
        live: Live,
        clock: Clock,
        page: Page,
        recovered: Page,
    ) -> None:
        """`recovered`: what was paged under this topic is over; it knows itself whether anything was."""
        self._names, self._of = names, {canary.kind: canary for canary in of}
        self._ledger, self._live = ledger, live
        self._clock, self._page, self._recovered = clock, page, recovered
        self._since = clock()
        self._in_doubt = set(names)
        """Of whom staff may have been paged, by an earlier process too."""

    async def look(self) -> None:
        """One round. Nothing is said before there was time for a round of theirs."""
        now = self._clock()
        if now - self._since < SILENT_AFTER:
            return
        probed = await self._probed()
        known = await self._ledger.read(canaries.known)
        for kind in self._names:
            if probed is not None and _is_old(probed.get(kind), now):
                self._say(kind, "5分ごとの確認", "its probes")
            elif kind in self._of and await self._is_late(self._of[kind], known.get(kind), now):
                self._say(kind, "送信試験", "its test messages")
            elif probed is not None and kind in self._in_doubt:
                self._in_doubt.discard(kind)
                name = self._names[kind]
                self._recovered(
                    f"silent {kind}", f"{name}の見張りが、また動いています / {kind} is watched again"
                )

    async def _probed(self) -> Mapping[str, Health] | None:
        """None: what holds the present is away, so nobody knows."""
        try:
            return await health.known(self._live, list(self._names))
        except Exception as e:
            log.warning("whether the channels are watched is not known", error=type(e).__name__)
            return None

    async def _is_late(self, canary: Canary, last: Known | None, now: datetime) -> bool:
        """It was to go out, or to be given up, a good while ago; where there is anybody it could go to."""
        sent_at = last and happened(last.sent_at, by=now)
        if last is not None and last.waiting and sent_at is not None:
            return now > sent_at + canary.wait + SILENT_AFTER
        missed = last.missed if last else 0
        return canary.due(now - SILENT_AFTER, sent_at=sent_at, missed=missed) and bool(await canary.to())

    def _say(self, kind: str, japanese: str, english: str) -> None:
        self._in_doubt.add(kind)
        self._page(
            f"silent {kind}",
            f"{self._names[kind]}の{japanese}が止まっています。この手段のプロセス（役割 {kind}）が動いているか確かめてください / "
            f"{kind} is not watched any more: {english} have stopped. See whether the process with role {kind} runs",
        )


def _is_old(last: Health | None, now: datetime) -> bool:
    return last is None or now - last.checked_at > SILENT_AFTER
