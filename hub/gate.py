"""The gate: asked directly before every request, it says whether the request may still be made."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from hub.alert import Alert
from hub.capabilities import Capabilities
from hub.clock import Clock
from hub.delivery import Batch, Outcome
from hub.errors import BadSettings, Cancelled, Expired, GateClosed, LeaseLost, Superseded, WrongMode

LEASE = timedelta(seconds=90)
LIFE = timedelta(seconds=12)
LEASE_PER_REQUEST = 1.5
"""A lease is so many times as long as a request may take: it may begin late, and ends before the claim is cut off."""

Gate = Callable[[], None]
Fence = Callable[[], float]
"""The moment, by `monotonic_s`, from which on a holder may not use its claim; it may move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """How long a claim is believed at the least, and how long a process that holds claims
    (docs/decisions/0011-lives.md).

    A claim is abandoned once its own lease has run out or its holder's life has, both in the database's
    time. A holder stops using it earlier, by margins in proportion, in its own monotonic time.

    Raises (at construction):
        BadSettings: a life outlasts a lease.
    """

    lease: timedelta = LEASE
    life: timedelta = LIFE

    def __post_init__(self) -> None:
        if not timedelta(0) < self.life <= self.lease:
            raise BadSettings(
                "[delivery] life_s",
                "is more than lease_s: a claim would outlive its holder / life_s は lease_s 以下にしてください",
            )

    @property
    def margin(self) -> timedelta:
        """Nothing is sent for a claim so long before its lease ends."""
        return self.lease / 6

    @property
    def life_margin(self) -> timedelta:
        """Nothing is sent so long before the sender's life ends."""
        return self.life / 4

    @property
    def renew_every(self) -> timedelta:
        """Two renewals may be late or lost before anything stops."""
        return self.life / 4

    def of(self, channel: Capabilities) -> "Leases":
        """This channel's: a claim outlasts its longest request, whatever the other channels' last."""
        return replace(self, lease=max(self.lease, LEASE_PER_REQUEST * channel.request_deadline))


def monotonic_s() -> float:
    """Seconds of a clock that nobody sets, and that goes on while the machine sleeps (where it can)."""
    return time.clock_gettime(_CLOCK)


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


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


def gate(batch: Batch, stops: Stops, clock: Clock, fence: Fence, alert: Alert) -> Gate:
    """The gate of one claim on a batch of `alert`. It raises a `GateClosed`, or lets the request pass."""
    expires = min(batch.expires, alert.expires)

    def check() -> None:
        stopped = stops.outcome(batch.alert)
        if stopped is Outcome.SUPERSEDED:
            raise Superseded(f"alert {batch.alert} was taken over by a newer one")
        if stopped is not None:
            raise Cancelled(f"alert {batch.alert} was stopped")
        if batch.mode is not alert.mode:
            raise WrongMode(f"batch {batch.id} is {batch.mode}, its alert is not")
        if clock() >= expires:
            raise Expired(f"alert {batch.alert} expired at {expires.isoformat()}")
        if monotonic_s() >= fence():
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
