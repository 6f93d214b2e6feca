"""The breaker of one channel and lane in one process: a gateway that takes nothing is left alone.

    closed ──3 whole requests failed in a row, or credentials, or Retry-After──▶ open
      ▲                                                                           │ its wait is over
      └────────────── a request came through ◀── trial ◀──────────────────────────┘
                                                   └── it did not ──▶ open, for longer

While it is open no batch is claimed, so none of them spends a try or becomes ambiguous. A trial is one
batch. What is wrong with one recipient alone never counts. A request that is refused for good does not open
it, since waiting would mend nothing; but staff are called where nobody else was taken.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from time import monotonic

import structlog

from hub.alert import Lane
from hub.delivery import REACHED, BatchId, Outcome, Result
from hub.reasons import words

log = structlog.get_logger(__name__)

Page = Callable[[str, str], None]

FAILURES = 3
"""Whole requests that fail in a row before it opens."""

SINGLE_REJECTIONS = 10
"""Where each recipient is a request of their own, a few numbers that are wrong may come one behind the other: with so
many refused for good, and nobody taken between, it is no longer them."""

PAGE_AFTER = timedelta(seconds=60)
"""Staff are called once it has been open for so long."""

LONGEST_THROTTLE = timedelta(hours=1)
"""A gateway that asks for more than this is asked again all the same."""

HELD = "held"
"""The reason of a recipient whose gateway, one of several behind a channel, is left alone for now."""

OURS = frozenset({"refused", "lease-lost", "pace", HELD})
"""Reasons that this hub gave itself: no gateway was at fault."""


class State(StrEnum):
    CLOSED = "closed"  # all goes through
    OPEN = "open"  # nothing does
    TRIAL = "trial"  # one batch does


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long it stays open: from `first`, twice as long each time up to `longest`, with jitter."""

    first: timedelta
    longest: timedelta
    credentials: timedelta = timedelta(seconds=30)
    """After a refusal of our credentials: asking more often locks accounts, and only a person can help."""


WAITS = {
    Lane.URGENT: Waits(first=timedelta(seconds=0.5), longest=timedelta(seconds=5)),
    Lane.ROUTINE: Waits(first=timedelta(seconds=2), longest=timedelta(seconds=15)),
}


class Heard(StrEnum):
    """What one batch's results say of its gateway."""

    NOTHING = "nothing"  # it was not asked
    WORKS = "works"
    FAILED = "failed"  # the request as a whole
    THROTTLED = "throttled"  # until a time that the gateway named
    REFUSED = "refused"  # our credentials


def heard(results: Collection[Result]) -> Heard:
    """What we refuse ourselves, or end without asking, says nothing; one recipient's trouble says it works."""
    asked = [each for each in results if each.outcome in _ASKED and each.reason not in OURS]
    outcomes = {each.outcome for each in asked}
    if not asked:
        return Heard.NOTHING
    if any(each.outcome is Outcome.CREDENTIALS and not each.alone for each in asked):
        return Heard.REFUSED
    if any(each.outcome is Outcome.THROTTLE and each.retry_after and not each.alone for each in asked):
        return Heard.THROTTLED
    if outcomes & _WORKS or any(each.alone for each in asked):
        return Heard.WORKS
    return Heard.FAILED


_WORKS = REACHED | {Outcome.PERMANENT}
_ASKED = _WORKS | {Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS, Outcome.AMBIGUOUS}


class Breaker:
    """`now` counts seconds and never goes back."""

    def __init__(
        self,
        kind: str,
        lane: Lane,
        *,
        japanese: str,
        page: Page,
        on_change: Callable[[], None] = lambda: None,
        rejections: int = 1,
        waits: Waits | None = None,
        random: Random | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`rejections`: so many recipients refused for good, and nobody taken between, call staff."""
        self.kind = kind
        self.lane = lane
        self.state = State.CLOSED
        self.reason = ""
        """Why it opened: a code from the provider's table."""
        self._japanese = japanese
        self._page = page
        self._on_change = on_change
        self._waits = waits or WAITS[lane]
        self._random = random or Random()  # noqa: S311 - jitter
        self._now = now
        self._rejections = rejections
        self._rejected = 0
        """Recipients refused for good since somebody was taken."""
        self._failures = 0
        self._opened = 0
        """Times in a row, without anything that came through."""
        self._since = 0.0
        self._until = 0.0
        self._trial: BatchId | None = None
        self._paged = False

    @property
    def wait_s(self) -> float:
        """How long until it lets a batch through; 0.0: it does. A trial that runs may end at any time."""
        if self.state is State.CLOSED or (self.state is State.TRIAL and self._trial is None):
            return 0.0
        return max(0.0, self._until - self._now()) if self.state is State.OPEN else 1.0

    @property
    def open_for(self) -> timedelta:
        """Since nothing has come through."""
        return timedelta(seconds=0 if self.state is State.CLOSED else self._now() - self._since)

    def admit(self, batch: BatchId) -> bool:
        """May this batch be begun? One that may is to `leave` later, whatever became of it."""
        if self.state is State.OPEN and self._now() >= self._until:
            self._turn(State.TRIAL)
        if self.state is State.TRIAL and self._trial is None:
            self._trial = batch
            return True
        return self.state is State.CLOSED

    def holds(self, batch: BatchId) -> bool:
        """Nothing more may be sent for it, although it was begun: the gateway was found to take nothing."""
        return self.state is not State.CLOSED and batch != self._trial

    def hear(self, results: Collection[Result]) -> None:
        """What the gateway said of a batch."""
        self._count_rejected(results)
        said = heard(results)
        if said is Heard.WORKS:
            self._close()
        elif said is Heard.REFUSED:
            self._refused(results)
        elif said is Heard.THROTTLED:
            asked_for = max(each.retry_after for each in results if each.retry_after)
            self._open(min(asked_for, LONGEST_THROTTLE), results)
        elif said is Heard.FAILED:
            self._failures += 1
            if self.state is State.TRIAL or (self.state is State.CLOSED and self._failures >= FAILURES):
                self._open(self._backoff(), results)

    def is_trial(self, batch: BatchId) -> bool:
        return batch == self._trial

    def silent(self, reason: str) -> None:
        """The gateway was asked a question in front of a trial, and did not answer well: no trial now."""
        self.reason = reason
        self._open(self._backoff(), ())

    def leave(self, batch: BatchId) -> None:
        """The batch is done with. A trial of which nothing was heard is made again with another one."""
        if batch == self._trial:
            self._trial = None

    def look(self) -> None:
        """To be called now and then: calls staff when it has been open for long."""
        if self.open_for >= PAGE_AFTER and not self._paged:
            self._paged = True
            self._page(
                f"stopped {self.kind}",
                f"{self._japanese}の事業者が{PAGE_AFTER.seconds}秒以上、送信を受け付けていません（{self.reason}）。"
                f"直りしだい自動で再開します。 / The {self.kind} gateway has taken nothing for "
                f"{PAGE_AFTER.seconds} s ({self.reason}). Sending goes on by itself once it does. "
                f"Try: yobikake check {self.kind}",
            )

    def _count_rejected(self, results: Collection[Result]) -> None:
        """Nothing comes of it by itself: neither a retry nor a breaker that opens."""
        if any(each.outcome in REACHED for each in results):
            self._rejected = 0
            return
        rejected = [each for each in results if each.outcome is Outcome.PERMANENT and not each.alone]
        before, self._rejected = self._rejected, self._rejected + len(rejected)
        if before < self._rejections <= self._rejected:
            reason = rejected[-1].reason
            self._page(
                f"rejected {self.kind}",
                f"{self._japanese}の事業者が、送ったものを全員分断りました（{reason}）。自動では再送しません。ほかの手段で"
                "届いているかを確かめ、理由を調べて直してから、続報を送ってください。 / "
                f"The {self.kind} gateway has refused for good what was sent, for everybody in it ({reason}). It is "
                "not sent again by itself: see whether other channels reach these people, find out why, and send an "
                f"update once that is put right. Try: yobikake check {self.kind}",
            )

    def _refused(self, results: Collection[Result]) -> None:
        refusals = [each for each in results if each.outcome is Outcome.CREDENTIALS]
        self._open(self._jittered(self._waits.credentials), refusals)
        japanese, english = words(self.reason, refused=True)
        self._page(
            f"credentials {self.kind}",
            f"{self._japanese}：事業者がこちらを断っています。{japanese}。直れば自動で再開します。 / {self.kind}: the gateway "
            f"refuses us: {english}. Sending goes on by itself once it is put right. Try: yobikake check {self.kind}",
        )

    def _backoff(self) -> timedelta:
        return self._jittered(min(self._waits.first * 2 ** min(self._opened, 10), self._waits.longest))

    def _jittered(self, ceiling: timedelta) -> timedelta:
        return ceiling * self._random.uniform(0.5, 1.0)

    def _open(self, wait: timedelta, results: Collection[Result]) -> None:
        until = self._now() + wait.total_seconds()
        self._until = max(until, self._until) if self.state is State.OPEN else until
        self._since = self._now() if self.state is State.CLOSED else self._since
        self._opened += 1
        self._trial = None
        self.reason = next((each.reason for each in results if each.reason), self.reason)
        self._turn(State.OPEN, wait_s=round(wait.total_seconds(), 1))

    def _close(self) -> None:
        self._failures = self._opened = 0
        self._until = 0.0
        self._trial = None
        self._paged = False
        if self.state is not State.CLOSED:
            self._turn(State.CLOSED)

    def _turn(self, state: State, **more: object) -> None:
        """Hours of an outage are two lines in the log; what is tried meanwhile shows with more of it."""
        told = log.debug if State.TRIAL in (state, self.state) and state is not State.CLOSED else log.warning
        known = {"channel": self.kind, "lane": self.lane, "reason": self.reason, **more}
        self.state = state
        told(f"breaker {state}", open_s=round(self.open_for.total_seconds(), 1), **known)
        self._on_change()
