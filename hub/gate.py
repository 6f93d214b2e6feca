"""The gate: asked directly before every request, it says whether the request may still be made."""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from hub.clock import Clock
from hub.delivery import Batch, Outcome
from hub.errors import Cancelled, Expired, GateClosed, LeaseLost, Superseded, WrongMode

LEASE = timedelta(seconds=90)
MARGIN = timedelta(seconds=15)
"""A holder fences itself this long before its lease ends, by its own monotonic clock."""

Gate = Callable[[], None]


class Stops:
    """The alerts this process knows to be stopped: at once by a local stop, from the ledger every half second."""

    def __init__(self) -> None:
        self._stopped: dict[str, Outcome] = {}
        self._watchers: list[Callable[[str], None]] = []

    def watch(self, on_stop: Callable[[str], None]) -> None:
        """`on_stop(identifier)` is called once for each alert that stops."""
        self._watchers.append(on_stop)

    def add(self, identifier: str, outcome: Outcome) -> None:
        if identifier not in self._stopped:
            self._stopped[identifier] = outcome
            for on_stop in self._watchers:
                on_stop(identifier)

    def outcome(self, identifier: str) -> Outcome | None:
        return self._stopped.get(identifier)

    def unknown(self, identifiers: Iterable[str]) -> list[str]:
        return [identifier for identifier in identifiers if identifier not in self._stopped]


def fence(lease: timedelta = LEASE) -> float:
    """The monotonic moment after which a claim made *before this call* must not be used any more.

    Take it before claiming: the time the claim itself took then counts against the holder.
    """
    return time.monotonic() + (lease - MARGIN).total_seconds()


def gate(batch: Batch, stops: Stops, clock: Clock, fenced_at: float) -> Gate:
    def check() -> None:
        stopped = stops.outcome(batch.alert)
        if stopped is Outcome.SUPERSEDED:
            raise Superseded(f"alert {batch.alert} was taken over by a newer one")
        if stopped is not None:
            raise Cancelled(f"alert {batch.alert} was stopped")
        if clock() >= batch.expires:
            raise Expired(f"alert {batch.alert} expired at {batch.expires.isoformat()}")
        if time.monotonic() >= fenced_at:
            raise LeaseLost(f"the claim on batch {batch.id} ran out")

    return check


def closed_as(reason: GateClosed) -> Outcome | None:
    """What a recipient gets whose request the gate refused; None: another holder decides."""
    for kind, outcome in _CLOSED.items():
        if isinstance(reason, kind):
            return outcome
    return None


_CLOSED: dict[type[GateClosed], Outcome] = {
    Cancelled: Outcome.CANCELLED,
    Superseded: Outcome.SUPERSEDED,
    Expired: Outcome.EXPIRED,
    WrongMode: Outcome.UNSUPPORTED,
}
