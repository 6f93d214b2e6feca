"""What was observed of a run: the ledger at its end, the gateways' own log, and what the operator was told.

The three do not know of each other. `check` compares them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from hub.alert import Alert
from hub.clock import utc_now
from hub.delivery import BatchId, Outcome, Variant
from hub.errors import BadInput
from hub.keys import Keys
from hub.language import Language
from hub.ledger import alerts, audit, plans, register, tables
from hub.ledger.audit import BrokenChain
from hub.ledger.register import Registration
from hub.ledger.tables import BatchState
from hub.recipient import Kind, RecipientId, Zone
from yobikake.chaos.log import Entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A batch at the end. Position i of the members is byte i of the two arrays."""

    id: BatchId
    alert: str
    channel: str
    mode: str
    parent: BatchId | None
    attempt: int
    spent: int
    resend: bool
    owner: str
    """Who held it last."""
    due_at: datetime
    """Before that nobody claimed it from the ledger; no retry travels otherwise."""
    state: BatchState
    members: tuple[RecipientId, ...]
    handover: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An alert as the ledger has it."""

    alert: Alert
    number: str
    stopped_as: Outcome | None
    planned: Mapping[str, tuple[int, bool]]
    """By channel: recipients planned, and whether that is all of them."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that the ledger says."""

    alerts: Mapping[str, Known]
    """By identifier."""
    deeds: frozenset[tuple[str, str]]
    """What the audit tells: action and subject."""
    targets: Mapping[RecipientId, Registration] = field(default_factory=dict)
    """What is reached and is no person, as the hub itself registered it."""
    broken: str = ""
    """What is wrong with the audit's chain, or with a row that is signed; empty: nothing."""


class Freeze(NamedTuple):
    """A process that stood still. `leases`: the batches it had claimed, and when each claim ran out."""

    process: str
    frozen_at: datetime
    thawed_at: datetime
    leases: Mapping[BatchId, datetime]
    owners: Mapping[BatchId, str] = {}
    """Under which name it held each: one that was given back afterwards was claimed anew, under another."""


CATCHING_UP = timedelta(seconds=0.5)
"""After a stall all that lies there is read one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Moments are the gateways' clock, which is this machine's, but for what the ledger itself holds."""

    seed: int
    record: Record
    log: Entries
    people: Mapping[RecipientId, Registration]
    """Everyone with their addresses, as the instrument knows them."""
    accepted: Mapping[str, datetime]
    """Alerts, by identifier: when the operator read that it was accepted."""
    stopped: Mapping[str, datetime]
    """Alerts, by identifier: when the operator read that it was stopped."""
    in_flight: Sequence[int] = ()
    """At each fault of a process, the bus or a server: recipients of claimed requests."""
    freezes: Sequence[Freeze] = ()
    clock: Sequence[tuple[datetime, timedelta]] = ()
    """When the hub's clock was set wrong, and by how much from then on."""
    stalls: Sequence[tuple[datetime, datetime]] = ()
    """Spans in which the instrument itself was kept from reading, by a machine that is busy."""
    crashes: Sequence[str] = ()
    """Hub processes that ended as only a broken program does."""
    leaks: Sequence[str] = ()
    """Files of the transport in which an address was found."""
    tries: Mapping[str, int] = field(default_factory=lambda: {"voice": 3})
    """How often a channel tries at the most; one that is not named tries until the alert expires."""
    previews: frozenset[str] = frozenset({"x"})
    """Channels that take part in no drill."""
    ended_at: datetime = field(default_factory=utc_now)

    def arrived(self, read_at: datetime) -> datetime:
        """The earliest moment at which a request can have arrived that was read then."""
        waited = (since for since, until in self.stalls if since <= read_at <= until + CATCHING_UP)
        return min(waited, default=read_at)

    def earliest_hub_time(self, moment: datetime) -> datetime:
        """The least that a hub's clock can have shown at a moment: it was right, or wrong as just then.

        Processes are told one after the other that their clock is wrong, and one that is started anew has
        the right time.
        """
        return moment + min(timedelta(0), *self._wrong_around(moment))

    @property
    def latest_hub_time(self) -> datetime:
        """The most that a hub's clock can ever have shown."""
        return self.ended_at + max((by for _, by in self.clock), default=timedelta(0))

    def _wrong_around(self, moment: datetime) -> Iterator[timedelta]:
        """By how much it was wrong within a second of that moment."""
        yield timedelta(0)
        for number, (since, by) in enumerate(self.clock):
            until = self.clock[number + 1][0] if number + 1 < len(self.clock) else self.ended_at
            if since - _A_SECOND <= moment <= until + _A_SECOND:
                yield by


_A_SECOND = timedelta(seconds=1)


def read(conn: Connection, keys: Keys) -> Record:
    """Everything the check needs of a ledger that nobody writes to any more."""
    known: dict[str, Known] = {}
    broken = ""
    try:
        audit.verify(conn, keys)
        for identifier in conn.execute(select(tables.alerts.c.identifier)).scalars().all():
            known[identifier] = _known(conn, keys, identifier)
    except (BrokenChain, BadInput) as e:
        broken = e.message
    deeds = conn.execute(select(tables.audit.c.action, tables.audit.c.subject))
    return Record(
        alerts=known,
        deeds=frozenset((row.action, row.subject) for row in deeds),
        targets=_targets(conn, keys),
        broken=broken,
    )


def leaks(files: Iterable[Path], people: Iterable[Registration], secrets: Iterable[str] = ()) -> list[str]:
    """The names of the files in which an address of somebody, or a secret, stands in the clear."""
    addresses = {address for person in people for address in person.contacts.values()}
    needles = [needle.encode() for needle in (*addresses, *secrets)]
    return [path.name for path in files if _holds(path.read_bytes(), needles)]


def _holds(octets: bytes, needles: Iterable[bytes]) -> bool:
    return any(needle in octets for needle in needles)


def _known(conn: Connection, keys: Keys, identifier: str) -> Known:
    accepted = alerts.get(conn, keys, identifier)
    rows = conn.execute(select(tables.batches).where(tables.batches.c.alert == identifier))
    return Known(
        alert=accepted.alert,
        number=accepted.number,
        stopped_as=accepted.stopped_as,
        planned=plans.completion(conn, identifier),
        rows=tuple(_row(row) for row in rows),
    )


def _row(row: Any) -> Row:
    return Row(
        id=BatchId(row.id),
        alert=row.alert,
        channel=row.channel,
        mode=row.mode,
        parent=row.parent,
        attempt=row.attempt,
        spent=row.spent,
        resend=row.resend,
        owner=row.owner or "",
        due_at=row.due_at,
        state=BatchState(row.state),
        members=row.members,
        handover=row.handover,
        receipt=row.receipt,
    )


def _targets(conn: Connection, keys: Keys) -> dict[RecipientId, Registration]:
    people, contacts = tables.recipients.c, tables.contacts.c
    rows = conn.execute(
        select(people.id, people.language, people.zone, contacts.channel)
        .join(tables.contacts, contacts.recipient == people.id)
        .where(people.kind == Kind.TARGET)
    ).all()
    return {row.id: _target(conn, keys, row) for row in rows}


def _target(conn: Connection, keys: Keys, row: Any) -> Registration:
    variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
    found = register.open_addresses(conn, keys, row.channel, variant, [row.id])
    address = found.addresses[row.id]
    return Registration(kind=Kind.TARGET, language=variant.language, contacts={row.channel: address})
