"""One resident at a time: enrolled, moved, held back and let in again, each in force with its own commit.

The register's way for many is `register.add` and a rebuild. Here the packs are changed where they stand, however large
the register is; whoever plans or packs meanwhile begins again, since the register is another one.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from hub.errors import Conflict
from hub.keys import Keys
from hub.language import Language
from hub.ledger import bounces, packs, register, seen, support, tables
from hub.ledger.columns import one_at_a_time
from hub.ledger.packs import Packed, Place, Trait
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId, Town, Zone

_LOCK = 0x656E_726F  # somebody who leaves, returns and moves at once

CALLING = frozenset({"voice", "sms", "fax"})
"""Where somebody waits for their turn, so that it matters who needs help to evacuate. Nobody else is asked that."""

_people = tables.recipients.c
_contacts = tables.contacts.c


class Enrolled(StrEnum):
    """What it came to."""

    NEW = "new"
    MOVED = "moved"
    """They were registered, and now in another town or language."""
    SAME = "same"


class Home(NamedTuple):
    """For which town somebody is told, in which language, and whether drills concern them.

    `support`: whether they need help to evacuate; None where they were not asked: as they said before.
    """

    town: Town
    zone: Zone
    language: Language
    drills: bool
    support: bool | None = None


class Standing(NamedTuple):
    """Somebody who is registered on a channel."""

    recipient: RecipientId
    kind: Kind
    home: Home
    suppressed: bool
    withdrawn: bool
    """They left by themselves; nobody else lets them in again."""
    called: bool
    """They have a number, too, on a channel that calls people one by one."""


def standing(conn: Connection, keys: Keys, channel: str, address: str) -> Standing | None:
    """Who is registered under this address, if anybody is."""
    query = (
        select(tables.recipients, _contacts.suppressed, _contacts.withdrawn)
        .join(tables.contacts, _contacts.recipient == _people.id)
        .where(_contacts.channel == channel, _contacts.blind == keys.blind(channel, address))
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    needs = row.id in support.needed(conn, keys, [row.id])
    home = Home(Town(row.town), Zone(row.zone), Language(row.language), bool(row.drills), needs)
    called = any(contact.channel in CALLING for contact in _contacts_of(conn, RecipientId(row.id)))
    return Standing(
        RecipientId(row.id), Kind(row.kind), home, bool(row.suppressed), bool(row.withdrawn), called
    )


def enrol(
    conn: Connection, keys: Keys, channel: str, address: str, home: Home, *, at: datetime
) -> tuple[RecipientId, Enrolled]:
    """Register a resident, or take over where they live now, on every channel of theirs; they are sent to again.

    Raises:
        Conflict: the address is that of one of the staff, whose record residents' pages do not touch.
        BadInput: a pack or a contact was changed by somebody without the key.
    """
    one_at_a_time(conn, _LOCK)
    register.revise(conn)  # before anything is read: it holds off everybody else who changes packs
    known = standing(conn, keys, channel, address)
    if known is None:
        return _new(conn, keys, channel, address, home, at=at), Enrolled.NEW
    if known.kind is not Kind.RESIDENT:
        raise Conflict(
            "this address is registered for staff / 職員として登録されています。担当課に連絡してください"
        )
    hold(conn, keys, channel, address, suppressed=False)
    if home.support is None:
        home = home._replace(support=known.home.support)
    if known.home == home:
        return known.recipient, Enrolled.SAME
    _move(conn, keys, known.recipient, home)
    return known.recipient, Enrolled.MOVED


def say(conn: Connection, keys: Keys, channel: str, address: str, *, support: bool) -> RecipientId | None:
    """Whether a resident needs help to evacuate, in their own words. None: no resident has this address.

    Raises:
        BadInput: a pack or a contact was changed by somebody without the key.
    """
    one_at_a_time(conn, _LOCK)
    register.revise(conn)
    known = standing(conn, keys, channel, address)
    if known is None or known.kind is not Kind.RESIDENT:
        return None
    if known.home.support is not support:
        _move(conn, keys, known.recipient, known.home._replace(support=support))
    return known.recipient


def hold(
    conn: Connection,
    keys: Keys,
    channel: str,
    address: str,
    *,
    suppressed: bool,
    at: datetime | None = None,
) -> RecipientId | None:
    """Whether one who has left the chat, or come back, is sent to; whoever comes back is, whatever came of it before.
    `at`: when they did, where that may be told late. None: they are not registered, it was so already, or something later
    is known of them.

    Raises:
        BadInput: a pack was changed by somebody without the key.
    """
    one_at_a_time(conn, _LOCK)  # the register is another one only if something changes
    known = standing(conn, keys, channel, address)
    if known is None:
        return None
    if at is not None and not seen.newer(conn, f"{channel} coming", str(known.recipient), at=at):
        return None
    if not suppressed:
        bounces.forget(conn, channel, [known.recipient])
    if known.suppressed is suppressed and known.withdrawn is suppressed:
        return None
    register.revise(conn)
    here = (_contacts.channel == channel, _contacts.recipient == known.recipient)
    conn.execute(update(tables.contacts).where(*here).values(suppressed=suppressed, withdrawn=suppressed))
    packs.hold_back(conn, keys, channel, [known.recipient], suppressed=suppressed)
    return known.recipient


def _new(
    conn: Connection, keys: Keys, channel: str, address: str, home: Home, *, at: datetime
) -> RecipientId:
    registration = Registration(
        kind=Kind.RESIDENT,
        language=home.language,
        contacts={channel: address},
        town=home.town,
        zone=home.zone,
        drills=home.drills,
        support=bool(home.support),
    )
    (recipient,) = register.add(conn, keys, [registration], at=at)
    trait = Trait(home.town, Kind.RESIDENT, home.drills, False)
    person = Packed(recipient, trait, address, bool(home.support))
    packs.put_in(conn, keys, Place(channel, home.language, home.zone), person)
    return recipient


def _move(conn: Connection, keys: Keys, recipient: RecipientId, home: Home) -> None:
    conn.execute(
        update(tables.recipients)
        .where(_people.id == recipient)
        .values(town=home.town, zone=home.zone, language=home.language, drills=home.drills)
    )
    support.change(conn, keys, recipient, needs=bool(home.support))
    for contact in _contacts_of(conn, recipient):
        (address,) = register.addresses(conn, keys, contact.channel, [recipient]).values()
        packs.take_out(conn, keys, contact.channel, recipient)
        trait = Trait(home.town, Kind.RESIDENT, home.drills, bool(contact.suppressed))
        person = Packed(recipient, trait, address, bool(home.support))
        packs.put_in(conn, keys, Place(contact.channel, home.language, home.zone), person)


def _contacts_of(conn: Connection, recipient: RecipientId) -> Sequence[Any]:
    query = select(_contacts.channel, _contacts.suppressed).where(_contacts.recipient == recipient)
    return conn.execute(query.order_by(_contacts.channel)).all()
