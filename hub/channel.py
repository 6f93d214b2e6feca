"""What a connector is: the protocol every channel implements, and what it is handed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self, runtime_checkable
from uuid import UUID

import msgspec

from hub.alert import Lane, Mode
from hub.cap import MsgType
from hub.capabilities import Capabilities
from hub.city import City
from hub.delivery import BatchId, Outcome, ProviderRef, Result
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Position
from hub.recipient import Recipient, RecipientId, Town, Zone
from hub.reply import Question


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
