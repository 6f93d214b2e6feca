"""Bounces in the ledger: what came back from whom for which alert, and whom that holds back.

Who is suppressed follows from these rows and nothing else: a contact from which mail came back hard for
two alerts. Lifting takes the rows away.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, delete, func, select, update

from hub.ledger import tables
from hub.ledger.columns import insert_new
from hub.recipient import RecipientId

ALERTS = 2
"""Alerts that came back hard before a contact is held back."""

MASS = 0.10
"""Of an alert's recipients: where more came back hard, a carrier or our own sending was out of order, and
no address can be blamed …"""

MASS_LEAST = 50
"""… unless they are fewer than this."""

_bounces = tables.bounces.c
_contacts = tables.contacts.c
_plans = tables.plans.c


class Noted(NamedTuple):
    """`policy`: the refusal was about us, our authentication or our content."""

    recipient: RecipientId
    alert: str
    hard: bool
    policy: bool
    reason: str


class Tally(NamedTuple):
    """Recipients of an alert: from whom mail came back hard, who refused what we are, and all of them."""

    hard: int
    policy: int
    planned: int

    @property
    def mass(self) -> bool:
        return self.hard >= MASS_LEAST and self.hard > MASS * self.planned


class Suppressed(NamedTuple):
    recipient: RecipientId
    alerts: int
    reasons: tuple[str, ...]
    since: datetime


def note(conn: Connection, channel: str, noted: Sequence[Noted], *, at: datetime) -> None:
    """Keep them; what is known of the same recipient and alert gives way only to what is hard."""
    for each in noted:
        row = each._asdict() | {"channel": channel, "reason": each.reason[:32], "at": at}
        conn.execute(insert_new(conn, tables.bounces).values(row))
        if each.hard:
            conn.execute(
                update(tables.bounces)
                .where(
                    _bounces.recipient == each.recipient,
                    _bounces.channel == channel,
                    _bounces.alert == each.alert,
                    _bounces.hard.is_(False),
                )
                .values(row)
            )


def settle(conn: Connection, channel: str) -> int:
    """Hold back who is to be held back, and nobody else. Returns how many contacts changed: then repack."""
    due = _due(channel, _mass(conn, channel)).subquery()
    ids = select(due.c.recipient)
    ours = _contacts.channel == channel
    held = conn.execute(
        update(tables.contacts)
        .where(ours, _contacts.suppressed.is_(False), _contacts.recipient.in_(ids))
        .values(suppressed=True)
    )
    let_go = conn.execute(
        update(tables.contacts)
        .where(ours, _contacts.suppressed.is_(True), _contacts.recipient.not_in(ids))
        .values(suppressed=False)
    )
    return held.rowcount + let_go.rowcount


def suppressed(conn: Connection, channel: str) -> list[Suppressed]:
    """Who is held back, the newest first."""
    query: Select[Any] = (
        select(_bounces.recipient, _bounces.reason, _bounces.at)
        .join(
            tables.contacts,
            (_contacts.recipient == _bounces.recipient) & (_contacts.channel == _bounces.channel),
        )
        .where(_bounces.channel == channel, _bounces.hard.is_(True), _contacts.suppressed.is_(True))
        .order_by(_bounces.recipient, _bounces.at)
    )
    rows = conn.execute(query).all()
    found = [_suppressed(list(each)) for _, each in groupby(rows, key=lambda row: row.recipient)]
    return sorted(found, key=lambda each: each.since, reverse=True)


def anybody_suppressed(conn: Connection, channel: str) -> bool:
    query = select(_contacts.recipient).where(_contacts.channel == channel, _contacts.suppressed.is_(True))
    return conn.execute(query.limit(1)).first() is not None


def forget(conn: Connection, channel: str, recipients: Collection[RecipientId] | None = None) -> int:
    """Begin anew with these contacts (or all): mail reached them, or staff say so. Call `settle` then.

    Returns how many contacts anything was known of.
    """
    known = [_bounces.channel == channel]
    if recipients is not None:
        known.append(_bounces.recipient.in_(recipients))
    number = conn.execute(select(func.count(_bounces.recipient.distinct())).where(*known)).scalar_one()
    conn.execute(delete(tables.bounces).where(*known))
    return int(number)


def tally(conn: Connection, alert: str, channel: str) -> Tally:
    """What came back of one alert."""
    kinds = select(
        func.count().filter(_bounces.hard.is_(True)), func.count().filter(_bounces.policy.is_(True))
    ).where(_bounces.alert == alert, _bounces.channel == channel)
    hard, policy = conn.execute(kinds).one()
    planned = select(_plans.planned).where(_plans.alert == alert, _plans.channel == channel)
    return Tally(hard, policy, int(conn.execute(planned).scalar_one_or_none() or 0))


def _due(channel: str, but: Collection[str]) -> Select[tuple[RecipientId]]:
    return (
        select(_bounces.recipient)
        .where(_bounces.channel == channel, _bounces.hard.is_(True), _bounces.alert.not_in(but))
        .group_by(_bounces.recipient)
        .having(func.count() >= ALERTS)
    )


def _mass(conn: Connection, channel: str) -> list[str]:
    """The alerts of which too much came back hard."""
    many = (
        select(_bounces.alert)
        .where(_bounces.channel == channel, _bounces.hard.is_(True))
        .group_by(_bounces.alert)
        .having(func.count() >= MASS_LEAST)
    )
    return [alert for alert in conn.execute(many).scalars() if tally(conn, alert, channel).mass]


def _suppressed(rows: Sequence[Row[Any]]) -> Suppressed:
    reasons = tuple(dict.fromkeys(row.reason for row in rows))
    return Suppressed(
        recipient=RecipientId(rows[0].recipient), alerts=len(rows), reasons=reasons, since=rows[-1].at
    )
