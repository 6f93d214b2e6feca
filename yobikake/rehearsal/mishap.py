"""What goes wrong with a simulated gateway's next requests: at once, one after the other, then no more.

`Faults` says how a gateway is; a mishap happens to it. Each is worded as the provider words it.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Mishap(StrEnum):
    """Mail and HTTP gateways know most of them; the comments say what each does."""

    SLOW = "slow"  # carried out, answered late
    HALF_OPEN = "half_open"  # the connection is there, and nothing is ever answered
    DOWN = "down"  # 421 · 503
    DOWN_MIDWAY = "down_midway"  # mail: 421 between RCPT and DATA
    ERROR = "error"  # 451 after the final dot · 500: not carried out
    ERROR_AFTER = "error_after"  # HTTP: 500, carried out all the same
    THROTTLED = "throttled"  # 421 4.7.28 · 429
    CREDENTIALS = "credentials"  # 530, 535 · 401
    CUT_BEFORE = "cut_before"  # reset in the middle of DATA · cut before it was carried out
    CUT_AFTER = "cut_after"  # reset after the final dot · cut when it had been carried out
    MAILBOX = "mailbox"  # mail: 450 4.2.1 for some of the recipients
    TOO_MANY = "too_many"  # mail: 452 4.5.3 for all but the first few


@dataclass(slots=True, kw_only=True)
class Strike:
    """Hits the next `left` requests of the gateway it is armed on."""

    mishap: Mishap
    left: int = 1
    late_s: float = 0.0
    """How late a slow answer is."""
    most: int = 1
    """Recipients taken before there are too many, or before the gateway goes down midway."""
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - the same seed, the same run
    hits: int = 0
    _held: list[Callable[[], None]] = field(default_factory=list)

    def hold(self, release: Callable[[], None]) -> None:
        """`release` is called when the strike is over: for a request that hangs till then."""
        self._held.append(release)

    def lift(self) -> None:
        self.left = 0
        while self._held:
            self._held.pop()()


class Mishaps:
    """Of one gateway, in the order in which they were armed."""

    def __init__(self) -> None:
        self._armed: list[Strike] = []

    @contextmanager
    def armed(self, strike: Strike) -> Iterator[Strike]:
        """The gateway suffers it in here; what hangs is released at the end."""
        self._armed.append(strike)
        try:
            yield strike
        finally:
            self._armed.remove(strike)
            strike.lift()

    def next(self, only: Collection[Mishap] = frozenset(Mishap)) -> Strike | None:
        """What hits this request, if anything does."""
        for strike in self._armed:
            if strike.left > 0 and strike.mishap in only:
                strike.left -= 1
                strike.hits += 1
                return strike
        return None
