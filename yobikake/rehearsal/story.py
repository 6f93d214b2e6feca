"""What one invented resident was sent, what came of it, and what was not sent and why.

Two records are laid side by side: what the simulated gateways handed over (`Inbox`), and what the
hub's ledger says of the recipient. Neither knows of the other.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from hub import codec
from hub.alert import Alert, Mode
from hub.capabilities import Capabilities, Unit
from hub.delivery import MERGED, Outcome
from hub.ledger import batches, plans, tables
from hub.recipient import Kind, Reached, RecipientId, Towns
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.residents import Persona

MOST_ALERTS = 20
"""The newest; older ones are not looked at."""


class Someone(NamedTuple):
    """A person, and the number under which the hub knows them."""

    recipient: RecipientId
    persona: Persona


class Told(NamedTuple):
    """An alert and its public number."""

    alert: Alert
    number: str


class Record(NamedTuple):
    """What the ledger says of one recipient on one channel. `reason` is the provider's short code."""

    outcome: Outcome
    reason: str
    attempt: int
    resend: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that came (`arrival`), or one channel on which nothing did. `why`: why nothing was sent."""

    channel: Capabilities
    arrival: Arrival | None = None
    record: Record | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One alert for one person, in the order things came. `told` None: what belongs to no alert."""

    told: Told | None
    items: tuple[Item, ...]

    @property
    def came(self) -> tuple[Arrival, ...]:
        return tuple(item.arrival for item in self.items if item.arrival)

    @property
    def first_after(self) -> timedelta | None:
        """From the acceptance by the hub to the first thing that came."""
        if self.told is None or not self.came:
            return None
        return max(timedelta(0), self.came[0].at - self.told.alert.sent)

    @property
    def doubles(self) -> int:
        """Things beyond the first on a channel (I3)."""
        return len(self.came) - len({arrival.channel for arrival in self.came})

    @property
    def channels(self) -> int:
        return len({arrival.channel for arrival in self.came})


def ids(conn: Connection, personas: Sequence[Persona]) -> list[RecipientId]:
    """The registered ids of `personas`, which were registered in this order and nobody else with them.

    Raises:
        ValueError: the register holds other people than these.
    """
    people = tables.recipients.c
    rows = conn.execute(
        select(people.id, people.language, people.town)
        .where(people.kind.in_([Kind.RESIDENT, Kind.STAFF]))
        .order_by(people.id)
    ).all()
    known = [(persona.registration.language, persona.registration.town) for persona in personas]
    if [(row.language, row.town) for row in rows] != known:
        raise ValueError("the register does not hold these people in this order")
    return [RecipientId(row.id) for row in rows]


def latest(conn: Connection) -> list[Told]:
    """The newest alerts first."""
    row = tables.alerts.c
    rows = conn.execute(
        select(row.payload, row.number).order_by(row.sent.desc(), row.number.desc()).limit(MOST_ALERTS)
    )
    return [Told(codec.alert_from(found.payload), found.number) for found in rows]


def stories(
    conn: Connection, someone: Someone, inbox: Inbox, channels: Mapping[str, Capabilities]
) -> list[Story]:
    """Of every alert, the newest first; then what belongs to none."""
    told = latest(conn)
    by_alert: defaultdict[str | None, list[Arrival]] = defaultdict(list)
    for arrival in _arrivals(someone.persona, inbox):
        by_alert[_belongs(arrival, told)].append(arrival)
    found = [
        Story(told=each, items=tuple(_items(conn, each, someone, by_alert[each.number], channels)))
        for each in told
    ]
    rest = [Item(channel=channels[arrival.channel], arrival=arrival) for arrival in by_alert[None]]
    return [*found, *([Story(told=None, items=tuple(rest))] if rest else [])]


def arrived(persona: Persona, inbox: Inbox) -> int:
    """How many things came to this person."""
    return sum(len(inbox.of(channel, address)) for channel, address in persona.registration.contacts.items())


def _arrivals(persona: Persona, inbox: Inbox) -> list[Arrival]:
    contacts = persona.registration.contacts.items()
    found = [arrival for channel, address in contacts for arrival in inbox.of(channel, address)]
    return sorted(found, key=lambda arrival: arrival.at)


def _belongs(arrival: Arrival, told: Sequence[Told]) -> str | None:
    """The alert whose number is in the text; else the newest sent before it on that channel."""
    for each in sorted(told, key=lambda each: len(each.number), reverse=True):  # S-2026-0001 holds 2026-0001
        if each.number in arrival.subject or each.number in arrival.text:
            return each.number
    before = (
        each
        for each in told
        if each.alert.sent <= arrival.at and arrival.channel in each.alert.targeting.channels
    )
    return next((each.number for each in before), None)


def _items(
    conn: Connection,
    told: Told,
    someone: Someone,
    arrivals: Sequence[Arrival],
    channels: Mapping[str, Capabilities],
) -> Iterator[Item]:
    """What came, in the order of time; then the channels on which nothing did."""
    alert = told.alert
    asked = [
        channel
        for kind, channel in channels.items()
        if channel.unit is Unit.PEOPLE and kind in alert.targeting.channels
    ]
    records = {each.kind: _record(conn, alert.identifier, each.kind, someone.recipient) for each in asked}
    for arrival in arrivals:
        yield Item(channel=channels[arrival.channel], arrival=arrival, record=records.get(arrival.channel))
    for channel in asked:
        if channel.kind not in {arrival.channel for arrival in arrivals}:
            record = records[channel.kind]
            why = "" if record else _why_not(conn, alert, channel.kind, someone.persona)
            yield Item(channel=channel, record=record, why=why)


def _record(conn: Connection, alert: str, channel: str, recipient: RecipientId) -> Record | None:
    for row in batches.of_alert(conn, alert, channel=channel):
        if recipient not in row.members:
            continue
        position = row.members.index(recipient)
        outcome = MERGED[row.handover[position], row.receipt[position]]
        if outcome is not Outcome.MOVED:
            reasons = codec.decode(dict[str, str], row.reasons, what="reasons")
            return Record(outcome, reasons.get(str(position), ""), row.attempt, bool(row.resend))
    return None


def _why_not(conn: Connection, alert: Alert, channel: str, persona: Persona) -> str:
    """Why there is no batch with this person: 「日本語 / English」, the first reason that holds."""
    person, audience = persona.registration, alert.targeting.audience
    staff_drill, staff = alert.mode is Mode.STAFF_DRILL, person.kind is Kind.STAFF
    reasons = {
        "参集は住民に送りません / A call of staff never reaches residents": not alert.public and not staff,
        "この参集では呼ばれていません / Was not called to this muster": not alert.public,
        "この手段を登録していません / Not registered on this channel": channel not in person.contacts,
        "職員訓練は住民に送りません / A staff drill never reaches residents": staff_drill and not staff,
        "職員は住民あての配信の対象ではありません / Staff are not among the residents": staff
        and not staff_drill,
        "訓練への参加に同意していません / Has not agreed to take part in drills": (
            alert.mode is Mode.RESIDENT_DRILL and not person.drills
        ),
        "対象の地域に住んでいません / Does not live in the area": (
            isinstance(audience, Towns) and person.town not in audience.towns
        ),
        "送信の準備中です / Being planned": not plans.get(conn, alert.identifier, channel).complete,
        "前の配信が着いていないため、訂正を送りません / The corrected alert did not reach them": (
            isinstance(audience, Reached)
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), "計画にありません / Not in the plan")
