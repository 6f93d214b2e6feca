"""A time for what was approved. Before it and at it staff are asked again; without their yes nothing is sent."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

ASK_BEFORE = timedelta(minutes=15)
"""How long before its time staff are asked first; a time lies at least so far ahead."""
GIVE_UP_AFTER = timedelta(minutes=30)
"""How long after its time it can still be sent, by somebody who is told how late it is."""
BEHIND = timedelta(minutes=1)
"""By how much the hub may be behind with what somebody said yes to. Later than that it asks once more."""
FURTHEST = timedelta(days=92)


class Phase(StrEnum):
    WAITING = "waiting"  # nobody is asked yet
    SOON = "soon"  # a yes is a promise: it is sent at its time
    DUE = "due"  # a yes sends it
    OVER = "over"  # it is not sent any more


class Step(StrEnum):
    """What the hub has to do now."""

    ASK = "ask"
    SEND = "send"
    GIVE_UP = "give_up"


class Yes(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    """A login."""
    at: datetime


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`digest`: what was approved, by whom (`approver`), in hexadecimal (`Message.digest`)."""

    at: datetime
    approver: str
    digest: str
    asked: Phase | None = None
    """In which phase staff were asked last."""
    yes: Yes | None = None

    def phase(self, now: datetime) -> Phase:
        if now < self.at - ASK_BEFORE:
            return Phase.WAITING
        if now < self.at:
            return Phase.SOON
        return Phase.DUE if now < self.at + GIVE_UP_AFTER else Phase.OVER

    def step(self, now: datetime) -> Step | None:
        """The next one; None: nothing is to be done. What is late by more than `BEHIND` is never sent on an
        earlier yes."""
        match self.phase(now):
            case Phase.WAITING:
                return None
            case Phase.OVER:
                return Step.GIVE_UP
            case Phase.DUE if self.yes is not None:
                return Step.SEND if now - self.at <= BEHIND else Step.ASK
            case phase if self.yes is None and self.asked is not phase:
                return Step.ASK
        return None

    def asked_in(self, phase: Phase) -> "Schedule":
        """Asked, or asked once more: an earlier yes counts no longer."""
        return msgspec.structs.replace(self, asked=phase, yes=None)

    def promised(self, by: str, at: datetime) -> "Schedule":
        return msgspec.structs.replace(self, yes=Yes(by=by, at=at))
