"""One round over many facilities: who waits for whom, and when a controller that is silent is no longer asked."""

from asyncio import Semaphore
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext

import structlog

from channels.wifi.controller import UNREADABLE, Controller, NotDone
from hub.delivery import Outcome
from hub.errors import HubError, Refused

log = structlog.get_logger(__name__)

SILENT_AT_MOST = 2
"""Of one controller's facilities, how many may go without an answer in a round before the rest wait for the next
one: each costs the whole of a request's time, and all controllers' next round waits for it."""


class Turns:
    """Of one round."""

    def __init__(self, controllers: Mapping[str, Controller]) -> None:
        self._free = {name: Semaphore(each.concurrency) for name, each in controllers.items()}
        self._silent: Counter[str] = Counter()

    def turn(self, controller: str) -> AbstractAsyncContextManager[object]:
        """Each controller's facilities wait for each other as it wants it, and for no other controller's."""
        return self._free.get(controller) or nullcontext()

    @contextmanager
    def apart(self, controller: str, facility: str) -> Iterator[None]:
        """Around what is done at one facility: whatever goes wrong there is its own `NotDone`, and ends no other's.

        Raises it at once where the controller has gone silent in this round.
        """
        if self._silent[controller] >= SILENT_AT_MOST:
            raise NotDone(Outcome.TEMPORARY, "silent")
        try:
            with kept_apart(facility):
                yield
        except NotDone as e:
            self._silent[controller] += e.silent
            raise
        except Refused as e:
            log.error("a controller of the other kind of hub", facility=facility, error=e.message)
            raise NotDone(Outcome.CREDENTIALS, "refused") from None


@contextmanager
def kept_apart(facility: str) -> Iterator[None]:
    """What no vendor's table foresees is `NotDone`, too."""
    try:
        yield
    except HubError:
        raise
    except Exception as e:
        log.exception("a facility's Wi-Fi failed in an unforeseen way", facility=facility)
        raise NotDone(Outcome.TEMPORARY, UNREADABLE) from e
