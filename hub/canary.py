"""The canary: a message of the hub's own goes out by a channel to an address of the city's own, and what shows
that it came out at the other end is waited for (I15).

A probe only reads, so it cannot see that a provider takes messages and passes none on. Nobody but the
city's own address is written to: a canary is no alert, has no recipients of the register and no batch.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Channel, Content, Span
from hub.clock import JST
from hub.language import Language

AGAIN_AFTER = timedelta(minutes=15)
"""After a first miss: sooner than by the plan, so that two of them in a row are known on the same day."""
MISSES = 2
"""Missed in a row, after which staff are paged; from then on it goes by the plan again."""
DAY = timedelta(days=1)


class Proof(StrEnum):
    """What shows that a canary lives. How far that reaches is said on the page of channels."""

    READ_BACK = "read_back"  # it lies in the mailbox that we read: the whole way
    RECEIPT = "receipt"  # the provider reports that a device took it, or that the call was picked up
    SHOWN = "shown"  # the device reports that it showed it
    TAKEN = "taken"  # every system answered that it took it
    ACCEPTED = "accepted"  # the gateway took it: of more nobody tells us


AT_ONCE = frozenset({Proof.TAKEN, Proof.ACCEPTED})
"""What the gateway's answer itself shows."""

To = Callable[[], Awaitable[Sequence[str]]]
"""The addresses, as they are when one goes out; empty: there is none yet."""


def only(*addresses: str) -> To:
    """Those of the settings."""

    async def to() -> Sequence[str]:
        return addresses

    return to


class Plan(NamedTuple):
    """As a screen says it. `device`: it goes to a browser that staff register."""

    proof: Proof
    every: timedelta
    at: time

    @property
    def device(self) -> bool:
        return self.proof is Proof.SHOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One channel's. `at`: the time of day (Asia/Tokyo) of one that goes out once a day, when a telephone may ring.

    `wait`: how long the proof may take. `named`: the addresses are names that may stand on a screen.
    """

    kind: str
    channel: Channel
    to: To
    proof: Proof
    every: timedelta
    wait: timedelta
    at: time
    named: bool = False

    @property
    def plan(self) -> Plan:
        return Plan(self.proof, self.every, self.at)

    def due(self, now: datetime, *, sent_at: datetime | None, missed: int) -> bool:
        """Whether the next one goes out now, when the last went out at `sent_at`."""
        if sent_at is not None and 0 < missed < MISSES and now >= sent_at + AGAIN_AFTER:
            return True
        if self.every < DAY:
            return sent_at is None or now >= sent_at + self.every
        today = datetime.combine(now.astimezone(JST).date(), self.at, JST)
        return now >= today and (sent_at is None or sent_at < today - (self.every // DAY - 1) * DAY)


def content(*, city: str, number: str, link: str, sent: datetime) -> Content:
    """What a canary says, in both of staff's languages. Nothing in it sounds like an alert."""
    headline = "【試験】よびかけの送信試験 / test message"
    short = "【試験】災害の情報ではありません。よびかけの送信試験です / a test, no alert"
    body = (
        "これは、災害情報の配信システム「よびかけ」が自動で送っている試験です。災害の情報ではありません。"
        "何もする必要はありません。\n"
        "This is an automatic test of the city's alerting system. It is no alert; there is nothing to do."
    )
    speech = "これは試験です。災害の情報ではありません。電話がつながることを、自動で確かめています。切ってかまいません。"
    return Content(
        language=Language.JA,
        mode=Mode.STAFF_DRILL,
        msg_type=MsgType.ALERT,
        level=None,
        identifier=f"canary-{number}",
        number=number,
        sender=city,
        sent=sent,
        headline=(Span(headline),),
        body=(Span(body),),
        short=(Span(short),),
        speech=(Span(speech),),
        link=link,
        thread="canary",
    )
