"""A draft: what staff prepare, what a second person approves, and what becomes an alert."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import msgspec

from hub import codec, render, slots, wording
from hub import details as typed
from hub.alert import AlertInfo, Area, Mode, Order
from hub.cap import MsgType
from hub.details import Details
from hub.errors import BadInput, Conflict
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Reached, Targeting, Town, Towns
from hub.schedule import Schedule

LONGEST = timedelta(hours=24)
"""An alert expires; what must go on is sent anew, with what is known then."""


class State(StrEnum):
    PREPARED = "prepared"  # by the hub, and nobody's yet (`hub.prepared`)
    EDITING = "editing"
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"  # approved for a time; sent by a second yes (`hub.scheduling`)
    LAPSED = "lapsed"  # was scheduled, and called off, or nobody said yes
    SENT = "sent"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PREPARED: frozenset({State.EDITING, State.SUBMITTED}),
    State.EDITING: frozenset({State.EDITING, State.SUBMITTED, State.REJECTED}),
    State.SUBMITTED: frozenset(
        {State.EDITING, State.REJECTED, State.SENT, State.SCHEDULED}
    ),  # EDITING: returned
    State.SCHEDULED: frozenset({State.SENT, State.LAPSED}),
    State.LAPSED: frozenset({State.EDITING}),  # taken up again
}


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that staff turned off, and why."""

    channel: str
    reason: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What would be sent: all that an approval binds."""

    mode: Mode
    msg_type: MsgType
    hazard: Hazard
    level: Level | None
    order: Order
    area: Area
    targeting: Targeting
    infos: tuple[AlertInfo, ...]
    valid_for_s: int
    references: tuple[str, ...] = ()
    correction: bool = False
    left_out: tuple[LeftOut, ...] = ()
    details: Details = Details()
    """What was typed to fill the template, kept so that it can be changed in every language at once."""

    @property
    def why_left_out(self) -> dict[str, str]:
        """The reason by channel."""
        return {each.channel: each.reason for each in self.left_out}

    @property
    def valid_for(self) -> timedelta:
        return timedelta(seconds=self.valid_for_s)

    def digest(self) -> bytes:
        """SHA-256 over the texts with their slots, targets, channels, mode and expiry (I10)."""
        return hashlib.sha256(codec.encode({"grammar": slots.VERSIONS, "message": self})).digest()

    def needs_approval(self) -> bool:
        """A staff drill reaches staff only and goes without a second person; everything else needs one."""
        return self.mode is not Mode.STAFF_DRILL


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A row of drafts. `version` rises with every change: an approval names the one it saw."""

    id: str
    version: int
    state: State
    author: str
    """Whose change was the last."""
    authors: tuple[str, ...]
    """Everyone whose change is in it: none of them is the second person (I10)."""
    message: Message
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    note: str = ""
    """Why it was returned or rejected."""
    alert: str | None = None
    schedule: Schedule | None = None
    """While it is scheduled, and of what was: the last time it had."""
    asked: str = ""
    """Who is asked to approve it, by login; empty: whoever may. No right comes from it, and it is not in `version`."""
    paged_at: datetime | None = None
    """Since when those on call are paged that this submission waits."""

    def by(self, login: str) -> tuple[str, ...]:
        """Its authors once this person's change is in it."""
        return self.authors if login in self.authors else (*self.authors, login)

    def become(self, state: State) -> None:
        """Raises `Conflict` when the draft cannot go from its state to `state`."""
        if state not in TRANSITIONS.get(self.state, frozenset()):
            if self.state is State.SENT:
                raise Conflict(
                    "すでに配信済みです。二重には送りません / Already sent. It will not be sent twice"
                )
            raise Conflict(
                f"この下書きは今 {self.state} です / This draft is {self.state}; it cannot become {state}"
            )


@lru_cache(maxsize=64)
def check(message: Message) -> None:
    """What can be known to be wrong before anybody approves. What was found in order is not looked at again:
    the same message is checked when it is submitted, read and accepted.

    Raises:
        BadInput: names the field, as in `$.infos`.
        Refused: the wording does not fit the mode: drill words in a live alert, for example (I6).
    """
    if not message.infos:
        raise BadInput("$.infos", "本文がありません / There is no text")
    languages = [info.language for info in message.infos]
    if len(set(languages)) != len(languages):
        raise BadInput("$.infos", "同じ言語が2つあります / One language stands twice")
    for index, info in enumerate(message.infos):
        for field in ("headline", "description", "short", "speech"):
            if not getattr(info, field).strip():
                raise BadInput(f"$.infos[{index}].{field}", f"{info.language} の文がありません / is empty")
    if not timedelta(0) < message.valid_for <= LONGEST:
        raise BadInput("$.valid_for_s", "有効期限は24時間以内です / An alert lasts at most 24 hours")
    if message.msg_type is not MsgType.ALERT and not message.references:
        raise BadInput("$.references", "どの配信についてかを選んでください / Say which alert this changes")
    _check_targeting(message)
    _check_order(message)
    typed.check(message.details)
    render.check(message.infos, mode=message.mode, correction=message.correction)


def check_known(
    targeting: Targeting, channels: Collection[str] | None, towns: Collection[Town] | None
) -> None:
    """A target this hub does not have is an error, here and not in the fan-out (I9). None: not known here.

    Raises:
        BadInput: names the first such channel or town.
    """
    for channel in targeting.channels:
        if channels is not None and channel not in channels:
            raise BadInput("$.targeting.channels", f"{channel} はこのハブにない手段です / is not configured")
    if isinstance(targeting.audience, Towns):
        for town in targeting.audience.towns:
            if towns is not None and town not in towns:
                raise BadInput(
                    "$.targeting.audience.towns", f"{town} はこの市の町ではありません / is no town here"
                )


def _check_order(message: Message) -> None:
    order, area = message.order, message.area.description
    if not area.strip():
        raise BadInput("$.area", "地域を1つ以上選んでください / Select at least one area")
    for field, label in (("issuer", "発令者"), ("grounds", "根拠")):
        if not getattr(order, field).strip():
            raise BadInput(f"$.order.{field}", f"{label}を書いてください / is empty")
    slots.refuse_unseen(slots.normalise(order.grounds), "$.order.grounds", Language.JA)
    for place, line in (("$.order.issuer", order.issuer), ("$.area", area)):
        slots.refuse_unseen(line, place, Language.JA)
        if "\n" in line:
            raise BadInput(place, "1行で書いてください / must be one line")
    wording.check_order(order, message.area, mode=message.mode)


def _check_targeting(message: Message) -> None:
    channels, audience = message.targeting.channels, message.targeting.audience
    if len(set(channels)) != len(channels):
        raise BadInput("$.targeting.channels", "同じ手段が2つあります / One channel stands twice")
    if isinstance(audience, Reached) and message.msg_type is MsgType.ALERT:
        raise BadInput(
            "$.targeting.audience",
            "届いた人だけに送れるのは、訂正・続報・解除です / "
            "Only what changes an alert goes to those whom it reached",
        )
    if isinstance(audience, Reached) and audience.identifier not in message.references:
        raise BadInput(
            "$.targeting.audience",
            "訂正する配信の対象者だけに送れます / Only those whom a referenced alert reached can be corrected",
        )
