"""Proof of life: each channel is probed every five minutes, so that a dead one is known beforehand (I15)."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from hub import codec
from hub.background import beat
from hub.capabilities import Capabilities
from hub.channel import Health
from hub.clock import Clock
from hub.deliver import Page
from hub.errors import BadInput
from hub.ledger.columns import to_us
from hub.live import Live
from hub.reasons import sides, words

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=5)
SILENT_AFTER = 3 * EVERY
"""When nobody has probed a channel for so long, nobody watches it."""
UNFORESEEN = "確認の途中で想定外の誤りが起きました。ログを見てください / the probe itself failed: see the log"
MISSES = 2
"""Probes missed in a row after which staff are paged."""


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    health: Health
    missed: int


class Probed(Protocol):
    """Of a channel, what is needed here (`hub.channel.Channel`)."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def probe(self) -> Health: ...


class Prober:
    """Probes the channels this process holds, and tells the others through `Live`."""

    def __init__(
        self, *, channels: Mapping[str, Probed], live: Live, clock: Clock, page: Page, recovered: Page
    ) -> None:
        """`recovered`: what was paged under this topic is over; it knows itself whether anything was."""
        self._channels = channels
        self._live = live
        self._clock = clock
        self._page, self._recovered = page, recovered
        self._missed: dict[str, int] = dict.fromkeys(channels, 0)
        self._failing_since: dict[str, datetime] = {}
        self._in_doubt = set(channels)
        """Of whom staff may have been paged, by an earlier process too."""
        self._poke = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. The first round comes at once."""
        await beat(self._look, EVERY.total_seconds(), poke=self._poke)

    def poke(self) -> None:
        """A channel is open now that was not: look at once."""
        self._poke.set()

    async def _look(self) -> None:
        await asyncio.gather(*(self._probe(kind, channel) for kind, channel in self._channels.items()))

    async def _probe(self, kind: str, channel: Probed) -> None:
        health = self._dated(kind, await self._ask(channel))
        self._missed[kind] = 0 if health.ok else self._missed[kind] + 1
        try:
            await share(self._live, kind, health, missed=self._missed[kind])
        except Exception as e:  # whoever looks on is not what this is for: go on, and page
            log.warning("a probe's result could not be shared", channel=kind, error=type(e).__name__)
        if not health.ok:
            log.warning("a channel did not answer its probe", channel=kind, detail=health.detail)
        name = channel.capabilities.japanese
        japanese, english = sides(health.detail)
        if health.ok and kind in self._in_doubt:
            self._in_doubt.discard(kind)
            self._recovered(
                f"probe {kind}",
                f"{name}の応答が戻りました：{japanese} / {kind} answers its probe again: {english}",
            )
        if self._missed[kind] >= MISSES:
            self._in_doubt.add(kind)
            self._page(
                f"probe {kind}",
                f"{name}の確認で問題が見つかりました：{japanese}。直したら yobikake check {kind} で確かめてください / "
                f"{kind} fails its probe: {english}. Once it is mended, try: yobikake check {kind}",
            )

    def _dated(self, kind: str, health: Health) -> Health:
        if health.ok:
            self._failing_since.pop(kind, None)
            return health
        return replace(health, failing_since=self._failing_since.setdefault(kind, health.checked_at))

    async def _ask(self, channel: Probed) -> Health:
        try:
            async with asyncio.timeout(2 * channel.capabilities.request_deadline.total_seconds()):
                return await channel.probe()
        except TimeoutError:
            return Health(ok=False, detail=" / ".join(words("no answer")), checked_at=self._clock())
        except Exception:
            log.exception("a probe failed in an unforeseen way", channel=channel.capabilities.kind)
            return Health(ok=False, detail=UNFORESEEN, checked_at=self._clock())


async def share(live: Live, kind: str, health: Health, *, missed: int) -> None:
    """What `known` gives. `missed`: in a row."""
    value = codec.encode(_Known(health=health, missed=missed))
    await live.put({_key(kind): (to_us(health.checked_at), value)})


async def known(live: Live, kinds: list[str]) -> dict[str, Health]:
    """The last probe of each channel that has had one."""
    found = await live.get([_key(kind) for kind in kinds])
    health: dict[str, Health] = {}
    for kind in kinds:
        if value := found.get(_key(kind)):
            try:
                health[kind] = codec.decode(_Known, value, what=_key(kind)).health
            except BadInput as e:
                log.warning("a probe's result could not be read", channel=kind, error=str(e))
    return health


def _key(kind: str) -> str:
    return f"health:{kind}"
