"""How much later urgent mail arrives when everyone has just been sent routine news, than when nobody has (I4).

All channels, to everyone, against gateways that pass on so much a second. The smarthost either answers
once it has passed a message on, or takes all at once into a queue: what a real one does, and what only
its settings tell the hub. Times are the gateways' own; what a queue has passed on follows from when it was
given what.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from hub.ledger import plans
from yobikake.bench.figures import Say
from yobikake.bench.town import Sent, Town, town
from yobikake.rehearsal.city import Conditions
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults

BULK = ("mail", "line")
"""The channels whose last recipient is waited for; the others have their own pace or a handful of targets."""

LINE_REQUESTS_PER_S = 20.0
BACKLOG_S = 5.0
"""The smarthost has worked on the routine news for so long when the urgent alert comes."""


class Smarthost(StrEnum):
    QUEUES = "queues"  # takes all at once; the hub's settings say what it passes on
    WAITS = "waits"  # answers once it has passed on; the hub finds out how fast that is


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """From the approval, in seconds."""

    first_byte_s: float
    """Any gateway's first byte of the alert."""
    mail_drained_s: float
    """The last mail has left the smarthost."""
    line_taken_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    recipients: int
    smarthost: Smarthost
    drain_per_s: float
    alone: Arrived
    behind: Arrived
    """Behind a backlog of routine news."""
    routine_held_s: float
    """The most routine mail that ever stood in the smarthost, in seconds of its work."""

    @property
    def ratio(self) -> float:
        return self.behind.mail_drained_s / self.alone.mail_drained_s

    @property
    def line_ratio(self) -> float:
        return self.behind.line_taken_s / self.alone.line_taken_s


async def measure(recipients: int, *, drain_per_s: float, smarthost: Smarthost, say: Say) -> Measured:
    """The same urgent alert twice: alone, and behind a backlog to the same people."""
    waits = smarthost is Smarthost.WAITS
    conditions = Conditions(
        mail=Faults(drain_per_s=drain_per_s if waits else None),
        line=Faults(drain_per_s=LINE_REQUESTS_PER_S),
        x=Faults(),
        voice=Faults(),
        wifi=Faults(),
    )
    mail = {} if waits else {"drain_per_s": drain_per_s}
    rate = None if waits else drain_per_s
    async with town(recipients, conditions=conditions, mail=mail, say=say) as made:
        say("the urgent alert alone")
        first = await made.send()
        await made.until_taken(first, BULK)
        await made.stop(first)
        await _until_drained(made, rate)
        say("the routine news, and the urgent alert behind it")
        routine = await made.send(routine=True)
        await _until_backlog(made, routine, drain_per_s)
        second = await made.send()
        await made.until_taken(second, BULK)
        for sent in (routine, second):
            await made.stop(sent)
        return Measured(
            recipients=recipients,
            smarthost=smarthost,
            drain_per_s=drain_per_s,
            alone=_arrived(made, first, rate),
            behind=_arrived(made, second, rate),
            routine_held_s=_held_s(made, routine, drain_per_s),
        )


class Passed(NamedTuple):
    """A message that has left the smarthost."""

    exchange: Exchange
    given_at: datetime
    at: datetime


def passed_on(exchanges: Iterable[Exchange], rate_per_s: float | None) -> Iterator[Passed]:
    """What a queue that passes on so many recipients a second does with what it was given, first come first
    served. None: it answered only once it had passed on."""
    free_at: datetime | None = None
    given = [(each.taken_at, each) for each in exchanges if each.taken_at is not None and each.taken]
    for given_at, each in sorted(given, key=lambda pair: pair[0]):
        work = timedelta(seconds=len(each.taken) / rate_per_s if rate_per_s else 0)
        free_at = max(given_at, free_at or given_at) + work
        yield Passed(each, given_at, free_at)


def _arrived(made: Town, sent: Sent, rate: float | None) -> Arrived:
    mail = [each for each in made.seen if each.channel == "mail"]
    drained = [passed.at for passed in passed_on(mail, rate) if sent.number in passed.exchange.text]
    line = [each.taken_at for each in made.exchanges(sent, "line") if each.taken_at is not None]
    begun = min(each.begun_at for each in made.exchanges(sent))

    def after(moment: datetime) -> float:
        return (moment - sent.at).total_seconds()

    return Arrived(
        first_byte_s=after(begun), mail_drained_s=after(max(drained)), line_taken_s=after(max(line))
    )


def _held_s(made: Town, routine: Sent, drain_per_s: float) -> float:
    """Given and not yet passed on, at any moment: where it waits, from the first byte on."""
    changes: list[tuple[datetime, int]] = []
    mail = [each for each in made.seen if each.channel == "mail"]
    rate = drain_per_s if made.gateways.smtp.faults.drain_per_s is None else None
    for exchange, given_at, at in passed_on(mail, rate):
        if routine.number in exchange.text:
            changes += [
                (given_at if rate else exchange.begun_at, len(exchange.taken)),
                (at, -len(exchange.taken)),
            ]
    held = most = 0
    for _, change in sorted(changes):
        held += change
        most = max(most, held)
    return most / drain_per_s


async def _until_drained(made: Town, rate: float | None) -> None:
    """The queue's own time has to pass: nobody tells us."""
    mail = [each for each in made.seen if each.channel == "mail"]
    last = max(passed.at for passed in passed_on(mail, rate))
    await asyncio.sleep(max(0.0, (last - made.assembly.clock()).total_seconds()))


async def _until_backlog(made: Town, routine: Sent, drain_per_s: float) -> None:
    """All of it is planned, and the smarthost has been at it for a while."""
    least = min(BACKLOG_S * drain_per_s, made.reached["mail"] / 4)
    while True:
        known = await made.assembly.ledger.read(lambda conn: plans.completion(conn, routine.identifier))
        planned = all(known[channel][1] for channel in BULK)
        if planned and made.taken(routine, "mail") >= least:
            return
        await asyncio.sleep(0.1)
