"""A channel's capabilities, as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hub.alert import Lane
from hub.cap import MsgType
from hub.language import Language
from hub.measure import MEASURES


class Unit(StrEnum):
    """What a channel counts."""

    PEOPLE = "people"
    POSTS = "posts"
    FACILITIES = "facilities"
    SYSTEMS = "systems"  # of others, which are told
    SHEETS = "sheets"  # copy-ready texts that staff carry over by hand


class CanaryTo(StrEnum):
    """To whom a canary goes (`hub.canary`); never to anybody of the register."""

    ADDRESS = "address"  # one of the city's own, of the settings
    TARGETS = "targets"  # every system that the channel tells
    DEVICE = "device"  # a browser of staff, registered in the console


class Drilling(StrEnum):
    """How a channel takes part in a drill (I6)."""

    SEPARATE_ACCOUNT = "separate_account"
    RESTRICTED_TARGETS = "restricted_targets"  # only staff, or residents who opted in
    PREVIEW_ONLY = "preview_only"  # nothing leaves


ROUTINE_S = 0.2
"""Of single requests, a routine batch holds as many as fit in this: what is begun is not interrupted."""

ROUTINE_BATCH = 25
"""Recipients of a routine request where nobody knows how fast the gateway passes them on: two seconds'
worth of one that manages a dozen a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """At most `requests` in any `window`, of all workers together.

    Half of them may be made at once, and come back evenly over the window, so that no window however it is laid
    has more than `requests`. Of those at once, routine work leaves half to urgent work (I4).
    """

    name: str
    requests: int
    window: timedelta

    @property
    def rate_per_s(self) -> float:
        """How fast what was used comes back."""
        return (self.requests - self.requests // 2) / self.window.total_seconds()

    def at_once(self, lane: Lane) -> float:
        """Requests that may be made without waiting, by a lane that finds nothing used."""
        half = self.requests // 2
        return half if lane is Lane.URGENT else half / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can do. The engine and the screens read this; nothing asks for a channel's name."""

    kind: str
    japanese: str
    """The channel's name on screens."""
    unit: Unit = Unit.PEOPLE
    batch_size: int
    """Recipients of one gateway request, or of one second of single requests."""
    connections: int = 1
    """Batches in flight at once."""
    body_limit: int | None = None
    body_measure: str = "characters"
    """What `body_limit` counts: `characters`, `utf16` (LINE), `weighted` (X), `sms` (units of short messages), of each part
    of a message. A connector that is `Measured` counts by itself."""
    requests_per_s: float | None = None
    """The contract's rate, shared by all workers; None: none is known."""
    allowances: tuple[Allowance, ...] = ()
    """How many requests the provider takes in a while; `Parcel.room` is asked before they are made."""
    drain_per_s: float | None = None
    """Recipients a second that the gateway passes on, where it takes more than that and queues the rest.
    The routine lane hands over no faster, so that urgent work finds no queue (I4). None: not known."""
    lines: int | None = None
    """Calls at once that the contract allows; the provider queues the rest. None: as many as are begun. Only
    reckoned with: the rate is what is kept to."""
    one_instance: bool = False
    """Both lanes use one instance: its state is its own, and it holds no sockets that could be busy."""
    languages: frozenset[Language] | None = None
    """None: all. A recipient in another language gets its fallback."""
    msg_types: frozenset[MsgType] = frozenset(MsgType)
    drilling: Drilling = Drilling.RESTRICTED_TARGETS
    receipt_wait: timedelta = timedelta(0)
    """How long after an acceptance a receipt is waited for; after it the acceptance is final."""
    receipts_by_envelope: bool = False
    """Receipts name our own key and the recipient (`ledger.envelopes`), at any time later, and no reference
    is kept for them. The acceptance is final all the same until one comes: nobody waits for it."""
    single_requests: bool = False
    """Each recipient of a batch is a request of its own (calls, SMS), and counts against the rate."""
    charged_by: str = ""
    """The measure (`hub.measure`) of its text that a single request counts for against the rate: `segments`. Empty: one."""
    takes_keys: bool = False
    """Who is reached may answer by a key (`Parcel.ask`)."""
    max_attempts: int | None = None
    """Tries of one recipient; None: until the alert expires. Of people, only tries count that failed on their
    own account (`Result.alone`)."""
    backoff: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=5),
        timedelta(minutes=10),
    )
    """The ceiling of the wait before each retry (full jitter below it); the last one repeats."""
    resends_ambiguous: bool = True
    """One flagged resend of what may have arrived. False where a duplicate harms more than a gap."""
    retries_whole_batch: bool = False
    """A retry repeats the same body to the same recipients under the same key (LINE): the batch's, or where parts of it went
    under their own, each part's (`Result.again_under`)."""
    canary_every: timedelta | None = None
    """How often a message to an address of the city's own tries the channel end to end (`hub.canary`). None: there is
    nobody it could be sent to, or every sending proves itself."""
    canary_to: CanaryTo = CanaryTo.ADDRESS
    gone: frozenset[str] = frozenset()
    """Reasons, of a refusal for good of one recipient alone or of a receipt, that say that there is no such address: what
    comes back so of two alerts is held back (`hub.gone`). Never what may be over by itself."""
    gone_at_once: bool = False
    """An address that is gone never comes back: the first refusal takes its contact out of the register."""
    policy: tuple[str, ...] = ()
    """How the reasons of a refusal for good begin that is about us, although it is said of one recipient: with many of
    them staff are paged (`hub.refusals`)."""
    once_more: frozenset[str] = frozenset()
    """Reasons of a refusal for good that may not be one: the urgent lane tries once more before it believes them."""
    request_deadline: timedelta = timedelta(seconds=20)
    """Every request ends within this. The channel's claims last long enough for it (`hub.gate.Leases.of`)."""

    @property
    def reports(self) -> bool:
        """Whether somebody was reached is reported later; an acceptance does not say it."""
        return bool(self.receipt_wait) or self.receipts_by_envelope

    def charge(self, parts: Iterable[str]) -> int:
        """For how many requests a message of these parts counts against the rate."""
        return sum(map(MEASURES[self.charged_by], parts)) if self.charged_by else 1

    def batch_size_on(self, lane: Lane) -> int:
        """Recipients of a batch. A routine one is small enough to be out of the way within a second (I4)."""
        if lane is Lane.URGENT or self.unit is not Unit.PEOPLE:
            return self.batch_size
        if self.drain_per_s is not None:
            most = int(self.drain_per_s)
        elif self.requests_per_s is None:
            most = ROUTINE_BATCH
        elif self.single_requests:
            most = int(self.requests_per_s * ROUTINE_S)
        else:
            most = self.batch_size
        return max(1, min(self.batch_size, most))
