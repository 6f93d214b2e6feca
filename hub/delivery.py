"""A batch and what is known of each of its recipients.

A batch is the set of recipients whose fate becomes unknown together: one gateway request. It holds
two arrays with a byte a recipient, both of `Outcome` codes: `handover`, written by whoever holds
the claim, and `receipt`, written from what the provider reports later. `merge` says what the two
together mean; nothing else does.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple, NewType
from uuid import UUID

import msgspec

from hub.alert import Lane, Mode
from hub.errors import HubError
from hub.language import Language
from hub.recipient import RecipientId, Zone

BatchId = NewType("BatchId", str)
ProviderRef = NewType("ProviderRef", str)
"""The provider's own id of what it accepted (a call's SID); receipts come back under it."""


class Outcome(IntEnum):
    """What is known of one recipient on one channel. The code is the byte in the arrays: never reuse one."""

    PENDING = 0
    ACCEPTED = 1
    DELIVERED = 2
    ANSWERED = 3
    TEMPORARY = 10
    THROTTLE = 11
    CREDENTIALS = 12
    AMBIGUOUS = 13
    PERMANENT = 20
    EXPIRED = 21
    CANCELLED = 22
    SUPERSEDED = 23
    SUPPRESSED = 24
    NO_ADDRESS = 25
    UNSUPPORTED = 26
    MOVED = 30

    @property
    def sentence(self) -> tuple[str, str]:
        """What is known, in Japanese and English. Says no more than that."""
        return SENTENCES[self]

    @property
    def retryable(self) -> bool:
        """Nothing reached the recipient, and a later try may."""
        return self in RETRYABLE


RETRYABLE = frozenset({Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS})
REACHED = frozenset({Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.ANSWERED})
FAILED = frozenset(
    {
        Outcome.PERMANENT,
        Outcome.EXPIRED,
        Outcome.CANCELLED,
        Outcome.SUPERSEDED,
        Outcome.SUPPRESSED,
        Outcome.NO_ADDRESS,
        Outcome.UNSUPPORTED,
    }
)
"""Terminal, and as far as anyone knows the recipient was not reached."""

SENTENCES: dict[Outcome, tuple[str, str]] = {
    Outcome.PENDING: ("まだ送っていません。", "Not sent yet."),
    Outcome.ACCEPTED: (
        "事業者が受け付けました。端末に着いたか、読まれたかは分かりません。",
        "The gateway took it. Whether it reached a device, or was read, is not known.",
    ),
    Outcome.DELIVERED: (
        "端末に到着しました。読まれたかは分かりません。",
        "It reached the device. Whether anyone read it is not known.",
    ),
    Outcome.ANSWERED: ("応答がありました。", "Someone answered."),
    Outcome.TEMPORARY: (
        "いまは送れませんでした。自動で再送します。",
        "It could not be sent now. It is tried again by itself.",
    ),
    Outcome.THROTTLE: (
        "事業者の上限に達しました。順番を待って再送します。",
        "The gateway's limit was reached. It waits its turn and is tried again.",
    ),
    Outcome.CREDENTIALS: (
        "事業者がこちらの認証を受け付けません。担当者の対応が必要です。宛先の誤りではありません。",
        "The gateway does not accept our credentials. Staff must act. The recipient is not at fault.",
    ),
    Outcome.AMBIGUOUS: (
        "送れたかどうか分かりません。届いている可能性があります。",
        "It is not known whether it was sent. It may have arrived.",
    ),
    Outcome.PERMANENT: (
        "送れませんでした。宛先が無効か、決められた回数を試しました。",
        "Could not be reached: refused for good, or every allowed try failed.",
    ),
    Outcome.EXPIRED: ("有効期限を過ぎたため送りませんでした。", "Not sent: the alert had expired."),
    Outcome.CANCELLED: ("送信を止めたため送りませんでした。", "Not sent: sending was stopped."),
    Outcome.SUPERSEDED: (
        "新しい情報に替わったため送りませんでした。",
        "Not sent: a newer alert took its place.",
    ),
    Outcome.SUPPRESSED: (
        "以前に届かなかった宛先のため送りませんでした。",
        "Not sent: this address failed before and is held back.",
    ),
    Outcome.NO_ADDRESS: ("宛先の登録がありません。", "Not sent: no address is registered."),
    Outcome.UNSUPPORTED: (
        "この手段では送れない内容です。",
        "Not sent: this channel cannot carry this message.",
    ),
    Outcome.MOVED: ("再送の組に移りました。", "Moved to a retry; counted there."),
}

_ENDS = FAILED | REACHED
TRANSITIONS: dict[Outcome, frozenset[Outcome]] = {
    Outcome.PENDING: frozenset(Outcome) - {Outcome.PENDING},
    Outcome.TEMPORARY: frozenset({Outcome.MOVED}) | FAILED,
    Outcome.THROTTLE: frozenset({Outcome.MOVED}) | FAILED,
    Outcome.CREDENTIALS: frozenset({Outcome.MOVED}) | FAILED,
    Outcome.AMBIGUOUS: frozenset({Outcome.MOVED}),
    Outcome.ACCEPTED: frozenset({Outcome.MOVED}),  # a call nobody picked up is placed again
}
"""How a `handover` byte may change. What is missing is final: a handover never forgets what it knows."""


class IllegalTransition(HubError):
    """A handover would have lost what it knew."""


def advance(old: Outcome, new: Outcome) -> Outcome:
    """`new`, if `TRANSITIONS` allows it.

    Raises:
        IllegalTransition: it does not.
    """
    if new is not old and new not in TRANSITIONS.get(old, frozenset()):
        raise IllegalTransition(f"handover {old.name} cannot become {new.name}")
    return new


RECEIPTS = (Outcome.PENDING, Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.DELIVERED, Outcome.ANSWERED)
"""What a receipt byte may hold, weakest first. A weaker receipt never replaces a stronger one."""

_NOT_OURS = frozenset({Outcome.MOVED})


def merge(handover: Outcome, receipt: Outcome) -> Outcome:
    """What the two arrays together say of a recipient.

    accepted → failed is a step forward: a DSN (RFC 3464) overrides an acceptance. A receipt that a
    device was reached is true whatever we thought before. `MOVED` stays: the child counts.
    """
    if handover in _NOT_OURS or receipt is Outcome.PENDING:
        return handover
    if receipt in (Outcome.DELIVERED, Outcome.ANSWERED):
        return max(handover, receipt) if handover in REACHED else receipt
    if handover in (Outcome.DELIVERED, Outcome.ANSWERED) or handover in FAILED:
        return handover
    return receipt


def fold(old: Outcome, new: Outcome) -> Outcome:
    """The receipt to keep of two, in whatever order they came (providers do not keep order)."""
    return max(old, new, key=RECEIPTS.index)


MERGED: dict[tuple[int, int], Outcome] = {
    (handover, receipt): merge(handover, receipt) for handover in Outcome for receipt in RECEIPTS
}
"""`merge` as a table, for counting."""


def tally(handover: bytes, receipt: bytes) -> Counter[Outcome]:
    """How many recipients of a batch are in which state; those moved to a child are not counted."""
    counted: Counter[Outcome] = Counter()
    for pair, number in Counter(zip(handover, receipt, strict=True)).items():
        counted[MERGED[pair]] += number
    del counted[Outcome.MOVED]
    return counted


class Variant(NamedTuple):
    """Recipients who get the same bytes."""

    language: Language
    zone: Zone | None


class Result(msgspec.Struct, frozen=True, gc=False):
    """What a gateway said of one recipient. An alert makes one for everybody: so it is as light as can be."""

    recipient: RecipientId
    outcome: Outcome
    ref: ProviderRef | None = None
    reason: str = ""
    """A short code from the provider's table (`5.1.1`, `busy`); never text with an address in it."""
    retry_after: timedelta | None = None
    alone: bool = False
    """It is about this recipient alone (a full mailbox, a line that is busy): the gateway itself works."""
    cleared: bool = False
    """What became of the earlier try that was in doubt is known: it reached nobody. The next is no resend."""
    again_under: UUID | None = None
    """The idempotency key of a repeat, where it is not the batch's: this part of the batch went under one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A row of the ledger, as its holder sees it after the claim."""

    id: BatchId
    alert: str
    version: int
    mode: Mode
    lane: Lane
    channel: str
    variant: Variant
    seq: int
    """Counts the batches of one (alert, channel, variant) from 0; a retry keeps its parent's."""
    members: tuple[RecipientId, ...]
    content_hash: str
    idempotency_key: UUID
    expires: datetime
    attempt: int = 1
    """Which try of the gateway this is."""
    spent: int = 0
    """Earlier tries that came to nothing on account of these people alone. Only they use up a channel's
    `max_attempts`: a gateway that takes nothing costs nobody a try."""
    resend: bool = False
    """A flagged second try of what may have arrived the first time (I3)."""
    parent: BatchId | None = None


def pending(results: Iterable[Result], members: Iterable[RecipientId]) -> list[RecipientId]:
    """The members no result speaks of, in order."""
    known = {result.recipient for result in results}
    return [member for member in members if member not in known]
