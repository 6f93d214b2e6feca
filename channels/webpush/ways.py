"""The way to each push service: one that takes nothing is left alone, and holds up nobody of another's (I7).

The engine's breaker is the channel's, and a channel of five services must not stop for one of them. So each service has a
breaker of its own here, and what its trouble says is said of its recipients alone, as long as another may work. Where none
may, there is nobody to be held up: then everybody is asked, and the engine's breaker decides.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from math import ceil

import msgspec

from hub.alert import Lane
from hub.breaker import HELD, Breaker, State
from hub.delivery import BatchId, Outcome, Result
from hub.newest import Newest
from hub.recipient import RecipientId

_KEPT = 256
"""Microsoft's have a host for each of some dozens of clusters."""
_TROUBLE = frozenset({Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.AMBIGUOUS})
_numbers = count()


@dataclass(slots=True, kw_only=True)
class _Way:
    """`throttled`: it opened because the service named a time."""

    breaker: Breaker
    free: asyncio.Semaphore
    throttled: bool = field(default=False)

    @property
    def away(self) -> bool:
        return self.breaker.state is not State.CLOSED


class Ways:
    """Of one connector, by origin. A message waits behind `at_once` others of its own service at the most."""

    def __init__(self, named: Iterable[str], *, at_once: int) -> None:
        """`named`: the origins that are known beforehand; each may work until it is heard otherwise."""
        self._named = frozenset(named)
        self._at_once = at_once
        self._seen: Newest[str, _Way] = Newest(_KEPT)

    @property
    def away(self) -> list[tuple[str, str]]:
        """The services that take nothing now, each with the reason."""
        return [(origin, way.breaker.reason) for origin, way in self._seen.items() if way.away]

    async def through(self, origin: str, who: RecipientId, ask: Callable[[], Awaitable[Result]]) -> Result:
        """What `ask` says; or, of a service that takes nothing now, that it was not asked. Raises as `ask` does."""
        way = self._to(origin)
        async with way.free:
            key = BatchId(str(next(_numbers)))
            if not way.breaker.admit(key) and self._others_may_work(origin):
                return _held(way, who)
            try:
                result = await ask()
                self._hear(way, result)
            finally:
                way.breaker.leave(key)
        alone = result.outcome in _TROUBLE and self._others_may_work(origin)
        return msgspec.structs.replace(result, alone=True) if alone else result

    def refused(self, origin: str, results: Sequence[Result]) -> bool:
        """The service does not take our key, as `results` say. True: another may work."""
        way = self._to(origin)
        way.breaker.hear(results)
        way.throttled = False
        return self._others_may_work(origin)

    def _to(self, origin: str) -> _Way:
        way = self._seen.get(origin) or _Way(
            breaker=Breaker(f"webpush {origin}", Lane.URGENT, japanese=origin, page=_nobody),
            free=asyncio.Semaphore(self._at_once),
        )
        self._seen.keep(origin, way)
        return way

    def _hear(self, way: _Way, result: Result) -> None:
        """Of a key that is refused the connector judges (`refused`): anybody may subscribe under another one."""
        if result.outcome is Outcome.CREDENTIALS:
            return
        way.breaker.hear([result])
        if result.outcome is Outcome.THROTTLE or not way.away:
            way.throttled = way.away

    def _others_may_work(self, origin: str) -> bool:
        away = {each for each, _ in self.away}
        known = self._named | {each for each, _ in self._seen.items()}
        return bool(known - away - {origin})


def _held(way: _Way, who: RecipientId) -> Result:
    """In whole seconds, so that all of a batch are tried again together."""
    if not way.throttled:
        return Result(who, Outcome.TEMPORARY, reason=HELD, alone=True)
    wait = timedelta(seconds=ceil(way.breaker.wait_s))
    return Result(who, Outcome.THROTTLE, reason=HELD, retry_after=wait, alone=True)


def _nobody(_topic: str, _text: str) -> None:
    """Staff are told by the probe (`Webpush.probe`)."""
