"""The census: how many people an alert would be planned for, before anybody sends it.

Counted as `fanout` plans: everyone with a contact on the channel, by mode, town and consent. One look
at the register answers every question of a screen; it holds until `revision` changes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select

from hub.alert import Mode
from hub.capabilities import Capabilities, Drilling
from hub.ledger import tables
from hub.recipient import Kind, Town

_recipients = tables.recipients.c
_contacts = tables.contacts.c


class _Group(NamedTuple):
    """People who are alike: bit i of `channels` says that they have a contact on channel i."""

    kind: Kind
    drills: bool
    town: Town
    channels: int
    number: int


class Census:
    def __init__(self, groups: Sequence[_Group], channels: Sequence[str], residents: int) -> None:
        self._groups = groups
        self._bits = {channel: 1 << bit for bit, channel in enumerate(channels)}
        self.residents = residents
        """Residents registered, each counted once, wherever they live and with or without a contact."""

    def people(self, mode: Mode, towns: Collection[Town] | None, channels: Collection[str]) -> int:
        """Persons reached on at least one of `channels`, each counted once. `towns` None: the whole city."""
        wanted = sum(self._bits.get(channel, 0) for channel in channels)
        return self._count(wanted, lambda group: _person(group, mode, towns))

    def by_town(self, channels: Collection[str]) -> Counter[Town]:
        """Residents reached on at least one of `channels`, each counted once, by where they live."""
        wanted = sum(self._bits.get(channel, 0) for channel in channels)
        counted: Counter[Town] = Counter()
        for group in self._groups:
            if group.kind is Kind.RESIDENT and group.channels & wanted:
                counted[group.town] += group.number
        return counted

    def on(self, channel: str, capabilities: Capabilities, mode: Mode, towns: Collection[Town] | None) -> int:
        """Recipients of one channel in its own unit: people, or its posts, facilities, sheets."""
        if mode is not Mode.LIVE and capabilities.drilling is Drilling.PREVIEW_ONLY:
            return 0
        return self._count(
            self._bits.get(channel, 0),
            lambda group: group.kind is Kind.TARGET or _person(group, mode, towns),
        )

    def _count(self, wanted: int, includes: Callable[[_Group], bool]) -> int:
        return sum(group.number for group in self._groups if group.channels & wanted and includes(group))


def revision(conn: Connection) -> int:
    """Rises whenever the register is rebuilt."""
    return int(conn.execute(select(tables.deployment.c.register_revision)).scalar_one())


def take(conn: Connection, channels: Sequence[str]) -> Census:
    """Count the whole register once (half a second for 100,000 people)."""
    bits = case({channel: 1 << bit for bit, channel in enumerate(channels)}, value=_contacts.channel, else_=0)
    each = (
        select(_recipients.kind, _recipients.drills, _recipients.town, func.sum(bits).label("channels"))
        .join(tables.contacts, _contacts.recipient == _recipients.id)
        .where(_contacts.channel.in_(channels))
        .group_by(_recipients.id)
        .subquery()
    )
    alike = (each.c.kind, each.c.drills, each.c.town, each.c.channels)
    rows = conn.execute(select(*alike, func.count().label("number")).group_by(*alike))
    residents = conn.execute(
        select(func.count()).select_from(tables.recipients).where(_recipients.kind == Kind.RESIDENT)
    ).scalar_one()
    return Census([_group(row) for row in rows], channels, int(residents))


def _group(row: Any) -> _Group:
    return _Group(Kind(row.kind), bool(row.drills), Town(row.town), int(row.channels), int(row.number))


def _person(group: _Group, mode: Mode, towns: Collection[Town] | None) -> bool:
    match mode:
        case Mode.STAFF_DRILL:
            return group.kind is Kind.STAFF
        case Mode.RESIDENT_DRILL if not group.drills:
            return False
    return group.kind is Kind.RESIDENT and (towns is None or group.town in towns)
