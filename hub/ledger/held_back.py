"""Who is held back, as staff are told: by number, and with the ways that are left to them. Never with an address."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select

from hub.blocks import blocks
from hub.language import Language
from hub.ledger import audit, tables
from hub.recipient import Kind, RecipientId, Town

_bounces = tables.bounces.c
_contacts = tables.contacts.c
_people = tables.recipients.c


class HeldBack(NamedTuple):
    """`alerts`: that came back from them. `since`: the last one. `others`: the channels on which they are sent to still."""

    recipient: RecipientId
    channel: str
    kind: Kind
    town: Town
    language: Language
    alerts: int
    reasons: tuple[str, ...]
    since: datetime
    others: tuple[str, ...] = ()


def listed(conn: Connection, channels: Collection[str]) -> list[HeldBack]:
    """Of all whom something came back from, and who did not leave by themselves; the newest first."""
    query: Select[Any] = (
        select(
            _bounces.recipient, _bounces.channel, _bounces.reason, _bounces.at,
            _people.kind, _people.town, _people.language,
        )
        .join(
            tables.contacts,
            (_contacts.recipient == _bounces.recipient) & (_contacts.channel == _bounces.channel),
        )
        .join(tables.recipients, _people.id == _bounces.recipient)
        .where(_bounces.hard.is_(True), _bounces.channel.in_(channels))
        .where(_contacts.suppressed.is_(True), _contacts.withdrawn.is_(False))
        .order_by(_bounces.recipient, _bounces.channel, _bounces.at)
    )  # fmt: skip
    rows = conn.execute(query).all()
    found = [
        _held_back(list(each)) for _, each in groupby(rows, key=lambda row: (row.recipient, row.channel))
    ]
    others = _others(conn, [each.recipient for each in found])
    return sorted(
        (each._replace(others=tuple(others.get(each.recipient, ()))) for each in found),
        key=lambda each: each.since,
        reverse=True,
    )


def number(conn: Connection) -> int:
    """How many contacts are held back of people who did not leave by themselves."""
    held = (_contacts.suppressed.is_(True), _contacts.withdrawn.is_(False))
    return int(conn.execute(select(func.count()).select_from(tables.contacts).where(*held)).scalar_one())


def left(conn: Connection) -> Counter[str]:
    """How many left by themselves, by channel."""
    query = select(_contacts.channel, func.count().label("number")).where(_contacts.withdrawn.is_(True))
    return Counter({row.channel: row.number for row in conn.execute(query.group_by(_contacts.channel))})


def ended(conn: Connection, channel: str, *, since: datetime) -> int:
    """How many addresses left the register because their provider called them gone for good."""
    rows = audit.about(conn, [f"channel {channel}"], limit=1000)
    return sum(
        int(row.detail["recipients"]) for row in rows if row.action == "register.gone" and row.at > since
    )


def _held_back(rows: Sequence[Row[Any]]) -> HeldBack:
    last = rows[-1]
    return HeldBack(
        recipient=RecipientId(last.recipient),
        channel=last.channel,
        kind=Kind(last.kind),
        town=Town(last.town),
        language=Language(last.language),
        alerts=len(rows),
        reasons=tuple(dict.fromkeys(row.reason for row in rows)),
        since=last.at,
    )


def _others(conn: Connection, recipients: Collection[RecipientId]) -> Mapping[RecipientId, list[str]]:
    found: defaultdict[RecipientId, list[str]] = defaultdict(list)
    for block in blocks(sorted(set(recipients)), 500):
        query = select(_contacts.recipient, _contacts.channel).where(
            _contacts.recipient.in_(block), _contacts.suppressed.is_(False)
        )
        for row in conn.execute(query.order_by(_contacts.channel)):
            found[RecipientId(row.recipient)].append(row.channel)
    return found
