"""New numbers are tried once by themselves: who registers a telephone or a fax learns from where the city calls, and
staff learn that the number is right, before it matters.

By day, one after the other, never while residents are told of an alert. The claim is durable before the call; whoever
died with one out takes it for one that nobody knows of. A number is called twice at the most.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, select

from hub import trial
from hub.alert import Mode
from hub.authorise import SYSTEM
from hub.background import beat
from hub.channel import Channel, Receipt
from hub.clock import JST, Clock, happened
from hub.delivery import Outcome, Result
from hub.keys import Keys
from hub.language import Language
from hub.ledger import Ledger, alerts, audit, bounces, canaries, register, tables, trials
from hub.ledger.canaries import ARRIVED
from hub.ledger.trials import Finding, Trial
from hub.recipient import Recipient, RecipientId
from hub.trial import Asked

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
FIRST_AFTER = timedelta(minutes=10)
"""After a registration: a slip of the pen is corrected by then, and whoever is at the counter is at home, perhaps."""
SECOND_AFTER = timedelta(hours=5)
"""Another time of day: who is at work in the morning may be at home in the evening."""
PUT_OFF = timedelta(minutes=30)
"""Where the gateway had nothing of it."""
WAIT = {"voice": timedelta(minutes=15), "fax": timedelta(hours=2)}
"""For what became of it. A gateway of faxes dials again by itself."""
_NOTHING_DONE = frozenset({Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS, Outcome.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Of the day, in Japan, when a telephone may ring for this."""

    begin: time
    end: time

    def open(self, now: datetime) -> bool:
        return self.begin <= now.astimezone(JST).time() < self.end


def ask(conn: Connection, contacts: Mapping[RecipientId, Sequence[str]], *, at: datetime) -> int:
    """Those of these new contacts that are numbers are to be tried. Returns how many."""
    new = [
        (who, channel)
        for who, channels in contacts.items()
        for channel in trials.TRIED
        if channel in channels
    ]
    trials.ask(conn, new, at=at + FIRST_AFTER)
    return len(new)


def report(conn: Connection, channel: str, key: UUID, outcome: Outcome, *, reason: str, at: datetime) -> bool:
    """What a gateway wrote back of one that it knows by our key. False: it is none of ours."""
    out = trials.by_key(conn, channel, key.hex)
    return out is not None and _ended(conn, out, outcome, reason=reason, at=at)


class Trials:
    """Those of the channels this process holds."""

    def __init__(
        self,
        of: Sequence[Channel],
        *,
        ledger: Ledger,
        keys: Keys,
        clock: Clock,
        hours: Hours,
        city: Mapping[Language, str],
        link: str,
    ) -> None:
        self._of = of
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._hours = hours
        self._city, self._link = city, link

    async def run(self) -> None:
        """Until cancelled."""
        await beat(self.look, LOOK_EVERY_S)

    async def look(self) -> None:
        """One round: what is out is waited for, and of each channel one more goes out, where it may."""
        await asyncio.gather(*(self._look_at(channel) for channel in self._of))

    async def _look_at(self, channel: Channel) -> None:
        kind, now = channel.capabilities.kind, self._clock()
        if await self._ledger.read(lambda conn: trials.out(conn, kind)):
            await self._ledger.write(lambda conn: _hear(conn, kind, now))
        if self._hours.open(now) and await self._ledger.read(lambda conn: self._may_begin(conn, kind, now)):
            await self._try(channel, now)

    def _may_begin(self, conn: Connection, kind: str, now: datetime) -> bool:
        if trials.due(conn, kind, at=now) is None:
            return False
        in_force = alerts.active(conn, self._keys, at=now)
        return all(each.alert.mode is Mode.STAFF_DRILL for each in in_force)

    async def _try(self, channel: Channel, now: datetime) -> None:
        kind, key = channel.capabilities.kind, uuid4()
        begun = await self._ledger.write(lambda conn: self._begin(conn, kind, key, now))
        if begun is None:
            return
        out, asked = begun
        result = await self._hand_over(channel, asked, key)
        log.info("a new number is tried", recipient=out.recipient, channel=kind, outcome=result.outcome.name)
        await self._ledger.write(lambda conn: self._keep(conn, out, key, result))

    def _begin(self, conn: Connection, kind: str, key: UUID, now: datetime) -> tuple[Trial, Asked] | None:
        """The claim, with its audit row. None: it is not to be."""
        due = trials.due(conn, kind, at=now)
        if due is None or not trials.begin(conn, due, key=key.hex, at=now):
            return None
        address = register.addresses(conn, self._keys, kind, [due.recipient]).get(due.recipient)
        if address is None:
            trials.forget(conn, [due.recipient], kind)
            return None
        audit.append(
            conn, self._keys, at=now, actor=SYSTEM.login, action="call.try", subject=trial.SUBJECT,
            detail={"recipient": due.recipient, "channel": kind},
        )  # fmt: skip
        person = tables.recipients.c
        language = conn.execute(select(person.language).where(person.id == due.recipient)).scalar_one()
        out = due._replace(tries=due.tries + 1, key=key.hex, sent_at=now)
        return out, Asked(Recipient(id=due.recipient, address=address), Language(language))

    async def _hand_over(self, channel: Channel, asked: Asked, key: UUID) -> Result:
        """Whatever goes wrong is its result: nothing here may end the process."""
        try:
            async with asyncio.timeout(2 * channel.capabilities.request_deadline.total_seconds() + 1):
                return await trial.call(
                    channel, asked, city=self._city, clock=self._clock, key=key, link=self._link
                )
        except Exception as e:
            log.exception("a trial failed in an unforeseen way", channel=channel.capabilities.kind)
            return Result(asked.to.id, Outcome.AMBIGUOUS, reason=type(e).__name__)

    def _keep(self, conn: Connection, out: Trial, key: UUID, result: Result) -> None:
        now = self._clock()
        if result.outcome in (Outcome.ACCEPTED, Outcome.AMBIGUOUS):
            trials.hand_over(conn, out, key.hex, result.ref)
        elif result.outcome in _NOTHING_DONE:
            trials.again(conn, out, key.hex, reason=result.reason, at=now + PUT_OFF, counts=False)
        else:
            _ended(conn, out, result.outcome, reason=result.reason, at=now)


def _hear(conn: Connection, kind: str, now: datetime) -> None:
    """What providers reported of those that are out; and who was waited for long enough."""
    for out in trials.out(conn, kind):
        receipt = canaries.receipt(conn, kind, out.ref) if out.ref else None
        if receipt is not None:
            _ended(conn, out, receipt.outcome, reason=_reason(receipt), at=now)
        elif (sent_at := happened(out.sent_at, by=now)) is None or now >= sent_at + WAIT[kind]:
            _unheard(conn, out, at=now)


def _ended(conn: Connection, out: Trial, outcome: Outcome, *, reason: str, at: datetime) -> bool:
    if outcome in ARRIVED:
        bounces.reached(conn, out.channel, [out.recipient])
        return trials.find_out(conn, out, out.key, Finding.CONFIRMED, reason=reason, at=at)
    if outcome is Outcome.PERMANENT and out.channel == "voice":
        return trials.find_out(conn, out, out.key, Finding.WRONG, reason=reason, at=at)
    if outcome is Outcome.UNSUPPORTED:
        return trials.find_out(conn, out, out.key, Finding.UNCLEAR, reason=reason, at=at)
    return _unanswered(conn, out, Finding.UNANSWERED, reason=reason, at=at)


def _unheard(conn: Connection, out: Trial, *, at: datetime) -> None:
    """A page that came out and was not reported would come out a second time: by fax that is the end of it."""
    if out.channel == "fax":
        trials.find_out(conn, out, out.key, Finding.UNCLEAR, reason="", at=at)
    else:
        _unanswered(conn, out, Finding.UNCLEAR, reason="", at=at)


def _unanswered(conn: Connection, out: Trial, finding: Finding, *, reason: str, at: datetime) -> bool:
    if out.tries < trials.MOST_TRIES:
        return trials.again(conn, out, out.key, reason=reason, at=at + SECOND_AFTER)
    return trials.find_out(conn, out, out.key, finding, reason=reason, at=at)


def _reason(receipt: Receipt) -> str:
    return receipt.reason or receipt.outcome.name.lower()
