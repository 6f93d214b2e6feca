"""What a connector is: the protocol every channel implements, and its capabilities as data."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, Self, runtime_checkable
from uuid import UUID

import msgspec

from hub.alert import Lane, Mode
from hub.cap import MsgType
from hub.city import City
from hub.delivery import BatchId, Outcome, ProviderRef, Result
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.measure import MEASURES
from hub.place import Position
from hub.recipient import Recipient, RecipientId, Town, Zone
from hub.reply import Question


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


class Span(msgspec.Struct, frozen=True):
    """A piece of rendered text; `slot` names what filled it, None is text as it was approved."""

    text: str
    slot: str | None = None


Spans = tuple[Span, ...]


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one variant says, rendered and frozen before the first try.

    Channel-neutral: a connector picks the form it carries and adds only its own framing. Texts end
    without a newline; lines are separated by `\\n`.
    """

    language: Language
    mode: Mode
    msg_type: MsgType
    level: Level | None
    identifier: str
    number: str
    """The alert's short public number, 「第3号」 for people, for example `2026-0147`."""
    sender: str
    """The city's name in this language."""
    sent: datetime
    headline: Spans
    body: Spans
    short: Spans
    speech: Spans
    link: str
    """The public page of this alert in this language."""
    event: str = ""
    """What it is, in this language (CAP info/event). This and the next four are empty in what an earlier version froze."""
    hazard: Hazard | None = None
    area: str = ""
    """The words for the place (CAP area/areaDesc)."""
    towns: tuple[Town, ...] = ()
    """The towns it is for; empty: the whole city, or not for towns."""
    references: tuple[str, ...] = ()
    telephone: str = ""
    """Where somebody without the internet hears which sites are open: the phone-in line, or the city's own number. Empty, in
    what an earlier version froze: not known."""
    sites_as_of: datetime | None = None
    """Of the oldest report in the list of sites that these texts hold, to the minute; None where they hold none."""
    sites: tuple[str, ...] = ()
    """The official names in that list."""
    thread: str = ""
    """The identifier of the first alert of this event, which updates and corrections are about. Empty, in what an
    earlier version froze: not known."""

    @staticmethod
    def text(spans: Spans) -> str:
        """The spans as residents read them."""
        return "".join(span.text for span in spans)


def freely() -> None:
    """Nothing stands against preparing a request."""


class Turn(Protocol):
    """`Parcel.turn`. `requests`: for how many it counts (`Capabilities.charge`)."""

    def __call__(self, requests: int = 1, /) -> Awaitable[None]: ...


async def at_once(requests: int = 1, /) -> None:
    """The turn of a request for which there is no rate."""


async def unlimited(requests: int) -> None:
    """Room where no allowance is known."""


async def all_ours(recipient: RecipientId, refs: Collection[ProviderRef]) -> Set[ProviderRef]:
    """Of a parcel that belongs to no ledger."""
    return frozenset(refs)


def nothing(recipient: RecipientId) -> Question | None:
    """What is asked where nobody is asked."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One batch, ready to be handed over."""

    batch_id: BatchId
    attempt: int
    idempotency_key: UUID
    mode: Mode
    expires_at: datetime
    content: Content
    to: Sequence[Recipient]
    members: Sequence[RecipientId] = ()
    """Everybody of the batch in its order, also who is in `to` no more: the same in each try under one key. Empty: `to`."""
    gate: Callable[[], None]
    """Called directly before every request. Raises a `GateClosed`: then the request is not made."""
    prepare: Callable[[], None] = freely
    """Asked before what prepares a request and reaches nobody yet (an envelope, before its message). Raises as
    the gate does, which is asked all the same; but what was only prepared was surely not sent."""
    canary: bool = False
    """A canary (`hub.canary`): who gets it can tell, and may report by the idempotency key that it came out."""
    resend: bool = False
    """True when an earlier try of this parcel may have arrived: look before sending, where one can."""
    turn: Turn = at_once
    """Awaited before each single request (`Capabilities.single_requests`), in front of the gate: it returns
    once the contract's rate has room for it. Raises as the gate does."""
    room: Callable[[int], Awaitable[None]] = unlimited
    """Awaited before so many requests that count against `Capabilities.allowances`: they are counted when it returns.
    Raises `NotYet` where there will be no room soon, and what the gate raises."""
    zone: Zone | None = None
    """The shelter zone for which the content was rendered; None: the whole city."""
    surely_ours: Callable[[RecipientId, Collection[ProviderRef]], Awaitable[Set[ProviderRef]]] = all_ours
    """Which of these, found at the provider as sent to this recipient, can be nothing but an earlier try of
    this alert: no recorded send has them, and no other alert's try of the recipient is in doubt. Raises
    `TemporaryFailure` while the ledger is away."""
    answer_at: str = ""
    """The address at which the only recipient of this parcel says whether they come (a muster); the content's link
    is the same. By telephone it takes a key, at `/keys/LANGUAGE` behind it. Empty: nobody is asked."""
    ask: Callable[[RecipientId], Question | None] = nothing
    """What a resident may be asked once they have heard the order (`Capabilities.takes_keys`). None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a probe found. `detail` is for staff, 「日本語 / English」: no address, no token."""

    ok: bool
    detail: str
    checked_at: datetime
    remaining: int | None = None
    """Messages left in a quota, where the gateway tells."""
    failing_since: datetime | None = None
    """Of what fails its probes: since when, as far as the process that asks knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What others would see who look up whether a message is ours. `advice` is no fault, and should be thought of."""

    what: str
    ok: bool
    detail: str
    advice: str = ""


class Channel(Protocol):
    """A connector. One instance lives in one event loop.

    Guarantees asked of `send`: `gate()` before each request; exactly one result for each recipient
    of the parcel unless it raises; no result after an exception. It may raise `DeliveryFailure`
    (it then speaks for every recipient without a result) or let a `GateClosed` of the gate pass.
    A cancelled `send` closes its sockets.
    """

    @property
    def capabilities(self) -> Capabilities:
        """Fixed while the channel lives: a class attribute, unless the contract's rate is a setting."""

    async def open(self) -> None:
        """Connect or warm up. An unreachable gateway is not an error here: `probe` tells. Whatever it raises, `close`
        comes next, and after that it may be opened again.

        Raises:
            BadSettings: a setting cannot work.
            Refused: a gateway of the other kind of hub.
        """

    def send(self, parcel: Parcel) -> AsyncIterator[Result]: ...

    async def probe(self) -> Health:
        """Read only; never reaches a resident; never raises for what the gateway does."""

    async def close(self) -> None:
        """Harmless where it is not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider reported later of what it had accepted."""

    ref: ProviderRef
    outcome: Outcome
    """One of `delivery.RECEIPTS`."""
    at: datetime
    reason: str = ""


@runtime_checkable
class ByLane(Protocol):
    """Optional, of a connector's settings: the routine lane may have a transport of its own (I4)."""

    @property
    def apart(self) -> bool:
        """It has: another gateway, whose queue holds up nothing urgent."""
        ...

    def on(self, lane: Lane) -> Self:
        """The settings of this lane's instance."""
        ...


@runtime_checkable
class Beside(Protocol):
    """Optional, of a connector's settings: what another channel does need not be done here."""

    def beside(self, channels: Collection[str]) -> Self:
        """The settings of a hub that has these channels."""
        ...


@runtime_checkable
class OneClick(Protocol):
    """Optional: its messages may say at which address of its own each recipient leaves (RFC 8058)."""

    @property
    def personal(self) -> bool:
        """Whether they do: then `leave_by` is called before anything is sent."""
        ...

    def leave_by(self, page: str, token: Callable[[RecipientId], bytes]) -> None:
        """The address is `page` with the recipient's token behind it (`hub.unsubscribe`)."""
        ...


@runtime_checkable
class Mapped(Protocol):
    """Optional: what it sends has a map of the city, or names its places aloud."""

    def know(self, city: City, sites: Mapping[str, Position]) -> None:
        """`sites`: by official name. Called once, before anything is sent."""
        ...


class Speaking(NamedTuple):
    """How long an order is spoken, and how often it is said whole; 0 times: it is too long even for once."""

    seconds: float
    times: int


@runtime_checkable
class Measured(Protocol):
    """Optional: what limits its messages is no number of characters of the words (what stands around them in a request,
    a page)."""

    def length(self, content: Content) -> int:
        """Of the shortest message that says all of it, as `Capabilities.body_limit` counts. May take some 10 ms, and is
        asked in any thread."""
        ...


@runtime_checkable
class Speaks(Protocol):
    """Optional: it says its text aloud."""

    def speaking(self, content: Content) -> Speaking:
        """As it would be spoken now; 0 seconds in a language that it does not speak."""
        ...


@runtime_checkable
class LookedUp(Protocol):
    """Optional: receivers look up, somewhere public, whether they should believe its messages."""

    async def standing(self) -> Sequence[Remark]:
        """What they would find, and what to publish. Reads only; never raises for what it asks."""
        ...


@runtime_checkable
class Elastic(Protocol):
    """Optional: how many requests at once are of use is found out; `Capabilities.connections` is the most."""

    @property
    def width(self) -> int: ...


@runtime_checkable
class Callbacks(Protocol):
    """Optional: the provider reports by calling back."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """The receipts in a callback, its signature verified first.

        Raises:
            Forbidden: the signature is missing or wrong.
            BadInput: signed, but not understood.
        """
        ...


@runtime_checkable
class AsksBack(Protocol):
    """Optional: the provider asks us what to do next, while somebody listens."""

    def signed_form(self, headers: Mapping[str, str], body: bytes, *, url: str) -> Mapping[str, str]:
        """The fields of a question to `url`, exactly as the provider was given it.

        Raises:
            Forbidden: the signature is missing or wrong.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something to reach that is no person: an account's post, a facility, a sheet.

    `ref` is unique within the channel and stays the same over restarts. Of a sheet, `by` says who carries it
    over, empty where nobody is named; `read_out`, that it is read out over loudspeakers.
    """

    ref: str
    name: str
    language: Language = Language.JA
    by: str = ""
    read_out: bool = False


@runtime_checkable
class Targets(Protocol):
    """Optional: the channel reaches fixed targets instead of registrants."""

    def targets(self) -> Sequence[Target]: ...


@runtime_checkable
class ByHand(Protocol):
    """Optional, of a channel with targets: what its provider refuses can be posted by hand, in the same account."""

    def by_hand(self, content: Content) -> Sequence[str]:
        """The texts to copy, in order; each as the connector would have posted it, so that it knows them again."""
        ...
