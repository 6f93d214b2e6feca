"""The places where a hub process may die or be stopped, each between two things that must not fall apart.

A failpoint is a function of the program, wrapped at start and in the hub under test only: production
code knows nothing of it. `after` the function a database call made, inside its transaction, the
commit is still to come; after an awaited `Ledger.write` it is durable.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from threading import Lock
from typing import Any

BEFORE, AFTER = "before", "after"

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failpoint:
    """`attribute` of `module`, perhaps of a class in it (`Fanout._publish`)."""

    module: str
    attribute: str
    when: str
    says: str
    """What is, and is not, durable there."""


FAMILIES: Mapping[str, Mapping[str, Failpoint]] = {
    "intake": {
        "intake.uncommitted": Failpoint(
            module="hub.ledger.alerts",
            attribute="insert_alert",
            when=AFTER,
            says="an alert without its commit",
        ),
        "intake.committed": Failpoint(
            module="hub.intake",
            attribute="Intake.accept",
            when=AFTER,
            says="an alert nobody was answered about",
        ),
    },
    "stop": {
        "stop.uncommitted": Failpoint(
            module="hub.ledger.alerts", attribute="stop", when=AFTER, says="a stop without its commit"
        ),
        "stop.committed": Failpoint(
            module="hub.intake", attribute="Intake.stop", when=AFTER, says="a stop nobody was answered about"
        ),
    },
    "relay": {
        "relay.published": Failpoint(
            module="hub.sweep", attribute="delete", when=BEFORE, says="a record on the bus and in the outbox"
        ),
    },
    "fanout": {
        "fanout.uncommitted": Failpoint(
            module="hub.ledger.plans", attribute="advance", when=AFTER, says="a step without its commit"
        ),
        "fanout.unpublished": Failpoint(
            module="hub.fanout",
            attribute="Fanout._publish",
            when=BEFORE,
            says="batches no worker was told of",
        ),
        "fanout.published": Failpoint(
            module="hub.fanout", attribute="Fanout._publish", when=AFTER, says="a plan between two steps"
        ),
    },
    "claim": {
        "claim.uncommitted": Failpoint(
            module="hub.ledger.batches", attribute="claim", when=AFTER, says="a claim without its commit"
        ),
        "claim.committed": Failpoint(
            module="hub.deliver", attribute="claim", when=AFTER, says="a claim of which nothing was sent"
        ),
    },
    "send": {
        "send.passed": Failpoint(
            module="hub.deliver", attribute="_pass", when=AFTER, says="a request about to be written"
        ),
        "send.result": Failpoint(
            module="hub.attempt", attribute="Attempt.take", when=AFTER, says="some results of a batch"
        ),
    },
    "record": {
        "record.begun": Failpoint(
            module="hub.deliver", attribute="record", when=BEFORE, says="the gateway's answer in memory alone"
        ),
        "record.uncommitted": Failpoint(
            module="hub.ledger.batches", attribute="record", when=AFTER, says="a record without its commit"
        ),
        "record.committed": Failpoint(
            module="hub.deliver", attribute="record", when=AFTER, says="a record and its retries"
        ),
    },
    "receipt": {
        "receipt.posted": Failpoint(
            module="hub.postbox", attribute="Postbox.post", when=AFTER, says="a receipt whose callback hangs"
        ),
        "receipt.uncommitted": Failpoint(
            module="hub.receipts", attribute="apply", when=AFTER, says="a folded receipt without its commit"
        ),
        "receipt.folded": Failpoint(
            module="hub.postbox",
            attribute="Postbox._take",
            when=AFTER,
            says="a folded receipt that comes again",
        ),
    },
    "start": {
        "start.targets": Failpoint(
            module="yobikake.assembly",
            attribute="_register_targets",
            when=AFTER,
            says="a hub not yet running",
        ),
        "start.void": Failpoint(
            module="hub.sweep", attribute="Sweeper.run", when=BEFORE, says="claims of an earlier life"
        ),
    },
    "takeover": {
        "takeover.begun": Failpoint(
            module="hub.sweep",
            attribute="Sweeper._end_abandoned",
            when=BEFORE,
            says="an abandoned claim that was found",
        ),
        "takeover.ended": Failpoint(
            module="hub.sweep",
            attribute="Sweeper._end_abandoned",
            when=AFTER,
            says="one taken over, the others not",
        ),
    },
}

ALL: Mapping[str, Failpoint] = {name: point for family in FAMILIES.values() for name, point in family.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """The `nth` time (from 1) that `name` is passed, counted from the arming, the process gets `signal`."""

    name: str
    nth: int
    how: str

    @classmethod
    def parse(cls, text: str) -> "Armed":
        """`send.result:3:kill`. Raises `ValueError` for what there is not."""
        name, nth, how = text.split(":")
        if name not in ALL or how not in SIGNALS:
            raise ValueError(f"{text}: there is no such failpoint, or it is neither kill nor stop")
        return cls(name=name, nth=int(nth), how=how)

    def __str__(self) -> str:
        return f"{self.name}:{self.nth}:{self.how}"


class Failpoints:
    """All failpoints of this process, unarmed until `arm`. `install` once, before the hub is assembled."""

    def __init__(self) -> None:
        self._armed: dict[str, tuple[int, str]] = {}
        self._lock = Lock()  # the ledger's thread passes some, the event loop others

    def install(self, names: Iterable[str] = ALL) -> None:
        """Wrap the functions. Raises `AttributeError` when one is not there any more."""
        for name in names:
            owner, attribute = resolve(ALL[name])
            setattr(owner, attribute, self._wrapped(name, getattr(owner, attribute)))

    def arm(self, armed: Armed) -> None:
        with self._lock:
            self._armed[armed.name] = (armed.nth, armed.how)

    def disarm(self) -> None:
        with self._lock:
            self._armed.clear()

    def _wrapped(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        before = ALL[name].when == BEFORE
        if asyncio.iscoroutinefunction(original):

            @wraps(original)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                if before:
                    self._pass(name)
                result = await original(*args, **kwargs)
                if not before:
                    self._pass(name)
                return result

            return awaited

        @wraps(original)
        def called(*args: Any, **kwargs: Any) -> Any:
            if before:
                self._pass(name)
            result = original(*args, **kwargs)
            if not before:
                self._pass(name)
            return result

        return called

    def _pass(self, name: str) -> None:
        with self._lock:
            left, how = self._armed.pop(name, (0, ""))
            if left > 1:
                self._armed[name] = (left - 1, how)
        if left == 1:
            os.kill(os.getpid(), SIGNALS[how])


def resolve(point: Failpoint) -> tuple[Any, str]:
    """The module or class that holds the function, and the function's name. Raises `AttributeError`."""
    owner: Any = import_module(point.module)
    *path, attribute = point.attribute.split(".")
    for each in path:
        owner = getattr(owner, each)
    getattr(owner, attribute)
    return owner, attribute
