"""Opening: a connector is opened at the start, and again and again until that works (I7).

A wrong setting, and a gateway of the other kind of hub (I6), keep the hub from starting. Whatever else goes wrong is
this connector's own trouble: nothing is claimed for it meanwhile, its batches wait in the ledger, the others go on.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from random import uniform

import structlog

from hub import outage
from hub.alert import Lane
from hub.background import beat
from hub.breaker import State
from hub.capabilities import Capabilities
from hub.channel import Channel, Health
from hub.clock import Clock
from hub.deliver import Page
from hub.errors import BadSettings, HubError, Refused
from hub.live import Live
from hub.outage import Outage
from hub.reasons import sides, words

log = structlog.get_logger(__name__)

START_WITHIN_S = 5.0
"""For the try at the start, which all other roles wait for: a hub may be started in the middle of an alert."""
WITHIN_S = 75.0
"""For each later one: longer than a request of any connector's opening."""
CLEARED_WITHIN_S = 5.0
"""For closing what a try left behind."""
FIRST_S, LONGEST_S = 1.0, 10.0
"""Ceilings of the wait before it is tried again: twice as long each time."""
UNFORESEEN = "想定外の誤りが起きました。ログを見てください / an unforeseen error: see the log"


class Opening:
    """One connector, used by these lanes of its channel."""

    def __init__(
        self, channel: Channel, lanes: Sequence[Lane], *, name: str, live: Live, clock: Clock, page: Page
    ) -> None:
        """`name`: under which staff are called, `mail`, or `mail routine` where that has a gateway of its own."""
        self._channel = channel
        self._lanes = lanes
        self._name = name
        self._live = live
        self._clock = clock
        self._page = page
        self._opened = asyncio.Event()
        self._failure: Exception | None = None
        self._since = clock()

    @property
    def capabilities(self) -> Capabilities:
        return self._channel.capabilities

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    async def opened(self) -> None:
        """Returns once something may be sent by it."""
        await self._opened.wait()

    async def begin(self) -> None:
        """The try at the start.

        Raises:
            BadSettings: a setting cannot work.
            Refused: a gateway of the other kind of hub.
        """
        await self._try(within_s=START_WITHIN_S, fatal=(BadSettings, Refused))

    async def run(self) -> None:
        """Until it is open. Staff are called once when it fails again, and see it wherever they see a gateway that takes
        nothing."""
        telling = asyncio.create_task(beat(partial(self._tell, State.OPEN), outage.REPEATED_S))
        try:
            await self._until_open()
        finally:
            telling.cancel()
            await asyncio.wait({telling})
        await self._tell(State.CLOSED)

    async def probe(self) -> Health:
        """The connector's own; before it is open, why it is not."""
        if self.is_open:
            return await self._channel.probe()
        return Health(ok=False, detail=self._why(), checked_at=self._clock())

    async def close(self) -> None:
        await self._channel.close()

    async def _until_open(self) -> None:
        wait_s, called = FIRST_S, False
        while not self.is_open:
            await asyncio.sleep(uniform(0.5, 1.0) * wait_s)  # noqa: S311 - jitter
            wait_s = min(2 * wait_s, LONGEST_S)
            await self._try(within_s=WITHIN_S)
            if not (self.is_open or called):
                self._call()
                called = True

    async def _try(self, *, within_s: float, fatal: tuple[type[Exception], ...] = ()) -> None:
        """Raises what is fatal."""
        before = self._failure
        try:
            async with asyncio.timeout(within_s):
                await self._channel.open()
        except Exception as e:
            await self._clear()
            if isinstance(e, fatal):
                raise
            self._failure = e
            say = log.error if type(e) is not type(before) else log.debug  # hours of it are one line
            known = isinstance(e, (HubError, TimeoutError))
            why = {"reason": self._why()} if known else {"exc_info": e}
            say("a channel could not be opened; it is tried again", channel=self._name, **why)
        else:
            self._opened.set()
            if before is not None:
                log.warning("a channel is open after all", channel=self._name)

    async def _clear(self) -> None:
        """What a try left behind is gone before the next one."""
        try:
            async with asyncio.timeout(CLEARED_WITHIN_S):
                await self._channel.close()
        except Exception:
            log.exception("a channel that could not be opened could not be closed", channel=self._name)

    def _why(self) -> str:
        if isinstance(self._failure, HubError):
            return self._failure.message
        return " / ".join(words("no answer")) if isinstance(self._failure, TimeoutError) else UNFORESEEN

    def _call(self) -> None:
        japanese, english = sides(self._why())
        self._page(
            f"probe {self._name}",
            f"{self.capabilities.japanese}を始められません：{japanese}。ほかの手段は動いています。自動で試し続けます / "
            f"{self._name} could not be opened: {english}. The other channels run; it is tried again by itself. "
            f"Try: yobikake check {self.capabilities.kind}",
        )

    async def _tell(self, state: State) -> None:
        now = self._clock()
        try:
            for lane in self._lanes:
                await outage.tell(self._live, self._outage(lane, state, now))
        except Exception as e:  # whoever looks on is not what this is for
            log.warning("that a channel is not open could not be shared", error=type(e).__name__)

    def _outage(self, lane: Lane, state: State, now: datetime) -> Outage:
        return Outage(
            channel=self.capabilities.kind, lane=lane, state=state, since=self._since, reason="", told_at=now
        )
