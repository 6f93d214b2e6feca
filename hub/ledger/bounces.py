"""Bounces in the ledger: what came back from whom for which alert, and whom that holds back.

Of mail by its reports, of every channel by its provider's word that there is no such address (`hub.gone`). Who is
suppressed follows from these rows, and from nothing else but that somebody left by themselves (`contacts.withdrawn`): a
contact that came back hard for two alerts, and was not reached since. Lifting takes the rows away.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from hub.keys import Keys
from hub.ledger import audit, packs, register, tables
from hub.ledger.columns import insert_new, one_at_a_time
from hub.recipient import RecipientId

_LOCK = 0x626F_756E  # processes that settle at the same moment

ALERTS = 2
"""Alerts that came back hard before a contact is held back."""

AT_ONCE = 20
"""Contacts that change with one commit: each may lie in a pack of its own, and others wait for the ledger."""

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


def note(conn: Connection, channel: str, noted: Sequence[Noted], *, at: datetime) -> None:
    """Keep them; what is known of the same recipient and alert gives way only to what is hard. Whoever is not registered
    on the channel any more is passed over."""
    if not noted:
        return
    present = _registered(conn, channel, [each.recipient for each in noted])
    rows = [
        each._asdict() | {"channel": channel, "reason": each.reason[:32], "at": at}
        for each in noted
        if each.recipient in present
    ]
    if rows:
        conn.execute(insert_new(conn, tables.bounces), rows)
    if hard := [{f"its_{name}": value for name, value in row.items()} for row in rows if row["hard"]]:
        conn.execute(_HARDEN, hard)


def settle(conn: Connection, keys: Keys, channel: str, *, at: datetime) -> int:
    """Hold back who is to be held back, and nobody else but who left; `AT_ONCE` of them, with an audit row.

    Returns how many changed: call it again while anybody is `to_change`. In force with this commit.

    Raises:
        BadInput: a pack was changed by somebody without the key.
    """
    one_at_a_time(conn, _LOCK)  # the register is another one only if something changes
    if not to_change(conn, channel):
        return 0
    register.revise(conn)
    changing = to_change(conn, channel)
    for suppressed in (True, False):
        ids = [who for who, was in changing if was is not suppressed]
        if ids:
            _hold(conn, keys, channel, ids, suppressed=suppressed)
            action = "register.hold" if suppressed else "register.resume"
            audit.append(
                conn, keys, at=at, actor="gateway", action=action, subject=f"channel {channel}",
                detail={"recipients": ids},
            )  # fmt: skip
    return len(changing)


def to_change(conn: Connection, channel: str) -> list[tuple[RecipientId, bool]]:
    """The next contacts, and whether each is suppressed now, which it should not be, or the other way round."""
    due = _due(channel, _mass(conn, channel)).subquery()
    here, held = _contacts.channel == channel, _contacts.suppressed.is_(True)
    to_hold = (
        select(_contacts.recipient)
        .join(due, due.c.recipient == _contacts.recipient)
        .where(here, _contacts.suppressed.is_(False))
    )
    to_free = select(_contacts.recipient).where(
        here, held, _contacts.withdrawn.is_(False), _contacts.recipient.not_in(select(due.c.recipient))
    )
    return [
        (RecipientId(who), suppressed)
        for suppressed, query in ((False, to_hold), (True, to_free))
        for who in conn.execute(query.order_by(_contacts.recipient).limit(AT_ONCE)).scalars()
    ][:AT_ONCE]


def forget(conn: Connection, channel: str, recipients: Collection[RecipientId]) -> int:
    """Begin anew with these contacts: they were reached, or staff say so. `settle` then lets them in.

    Returns how many contacts anything was known of.
    """
    known = (_bounces.channel == channel, _bounces.recipient.in_(recipients))
    number = conn.execute(select(func.count(_bounces.recipient.distinct())).where(*known)).scalar_one()
    conn.execute(delete(tables.bounces).where(*known))
    return int(number)


def doubted(conn: Connection, channel: str, recipients: Sequence[RecipientId]) -> set[RecipientId]:
    """Of whom anything came back."""
    if not recipients:
        return set()
    among = _bounces.recipient.between(min(recipients), max(recipients))
    known = conn.execute(select(_bounces.recipient).where(_bounces.channel == channel, among)).scalars()
    return {RecipientId(who) for who in known}.intersection(recipients)


def reached(conn: Connection, channel: str, recipients: Sequence[RecipientId]) -> None:
    """These were reached: what came back from them before was a passing trouble, and is forgotten."""
    if known := doubted(conn, channel, recipients):
        forget(conn, channel, known)


def tally(conn: Connection, alert: str, channel: str) -> Tally:
    """What came back of one alert."""
    kinds = select(
        func.count().filter(_bounces.hard.is_(True)), func.count().filter(_bounces.policy.is_(True))
    ).where(_bounces.alert == alert, _bounces.channel == channel)
    hard, policy = conn.execute(kinds).one()
    planned = select(_plans.planned).where(_plans.alert == alert, _plans.channel == channel)
    return Tally(hard, policy, int(conn.execute(planned).scalar_one_or_none() or 0))


def blameless(conn: Connection, channel: str, *, since: datetime) -> list[str]:
    """The alerts of which so much came back hard, some of it after `since`, that no address is blamed for it."""
    newest = select(_bounces.alert).where(_bounces.channel == channel, _bounces.at > since)
    lately = set(conn.execute(newest.distinct()).scalars())
    return [alert for alert in _mass(conn, channel) if alert in lately]


def _hold(
    conn: Connection, keys: Keys, channel: str, ids: Sequence[RecipientId], *, suppressed: bool
) -> None:
    here = (_contacts.channel == channel, _contacts.recipient.in_(ids))
    conn.execute(update(tables.contacts).where(*here).values(suppressed=suppressed))
    packs.hold_back(conn, keys, channel, ids, suppressed=suppressed)


def _registered(conn: Connection, channel: str, recipients: Collection[RecipientId]) -> set[RecipientId]:
    """Those of them who have a contact, and keep it until this commit."""
    here = (_contacts.channel == channel, _contacts.recipient.in_(recipients))
    rows = conn.execute(select(_contacts.recipient).where(*here).with_for_update(read=True))
    return {RecipientId(who) for who in rows.scalars()}


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


_HARDEN = (
    update(tables.bounces)
    .where(
        _bounces.recipient == bindparam("its_recipient"),
        _bounces.channel == bindparam("its_channel"),
        _bounces.alert == bindparam("its_alert"),
        _bounces.hard.is_(False),
    )
    .values(hard=True, policy=bindparam("its_policy"), reason=bindparam("its_reason"), at=bindparam("its_at"))
)
"""What is hard takes the place of what was not."""
