"""The register: who may be reached where. Addresses lie sealed, twice.

`contacts` is the record, a field each. `packs` (`hub.ledger.packs`) is the same, rebuilt on change, in
blocks that open in microseconds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from hub.blocks import blocks
from hub.channel import Target
from hub.delivery import Variant
from hub.errors import Conflict
from hub.keys import Keys
from hub.language import Language
from hub.ledger import packs, support, tables, trials
from hub.ledger.columns import one_at_a_time, streamed
from hub.ledger.packs import Opened, Trait
from hub.recipient import Kind, RecipientId, Town, Zone

_LOCK = 0x7461_7267  # processes that start together register the same targets


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient as it is registered. `contacts` maps a channel to an address."""

    kind: Kind
    language: Language
    contacts: dict[str, str]
    town: Town = Town("")
    zone: Zone = Zone("")
    drills: bool = False
    support: bool = False
    """Whether they need help to evacuate, as they have said. Of residents only."""

    def __repr__(self) -> str:
        return f"Registration({self.kind}, {self.language}, {self.town}, {sorted(self.contacts)})"


def add(
    conn: Connection, keys: Keys, registrations: Sequence[Registration], *, at: datetime
) -> list[RecipientId]:
    """Register; call `rebuild` when done. Ids in the order given.

    Raises:
        Conflict: an address is registered on that channel already.
    """
    ids = _insert_recipients(conn, registrations, at)
    rows = [
        _contact(keys, recipient, channel, address)
        for recipient, registration in zip(ids, registrations, strict=True)
        for channel, address in registration.contacts.items()
    ]
    if rows:
        taken = _taken(conn, rows)
        if taken:
            raise Conflict(
                f"{taken} of these addresses are registered already / すでに登録されている宛先があります"
            )
        conn.execute(insert(tables.contacts), rows)
    residents = zip(ids, registrations, strict=True)
    support.add(conn, keys, {id_: one.support for id_, one in residents if one.kind is Kind.RESIDENT})
    return ids


def add_staff(
    conn: Connection, keys: Keys, contacts: dict[str, str], *, language: Language, at: datetime
) -> RecipientId:
    """Register one of the staff, in force with this commit, however large the register is.

    They lie in packs of their own until the next `rebuild`: theirs is the highest number, so those come last.

    Raises:
        Conflict: an address is registered on that channel already.
    """
    revise(conn)  # first of all, as in `end`
    (recipient,) = add(
        conn, keys, [Registration(kind=Kind.STAFF, language=language, contacts=contacts)], at=at
    )
    trait = Trait(Town(""), Kind.STAFF, False, False)
    for channel, address in contacts.items():
        row = packs.written(
            keys, channel, language, "", ids=[recipient], traits=[trait], addresses=[address], support=[False]
        )
        conn.execute(insert(tables.packs).values(row))
    return recipient


def remove(conn: Connection, recipients: Sequence[RecipientId]) -> None:
    """Take out of the record who is in no pack yet."""
    conn.execute(delete(tables.bounces).where(tables.bounces.c.recipient.in_(recipients)))
    conn.execute(delete(tables.contacts).where(tables.contacts.c.recipient.in_(recipients)))
    support.forget(conn, recipients)
    trials.forget(conn, recipients)
    conn.execute(delete(tables.recipients).where(tables.recipients.c.id.in_(recipients)))


def end(conn: Connection, keys: Keys, channel: str, recipient: RecipientId) -> bool:
    """Take one contact out of the record and out of its pack; with the last one the recipient. False: it is not there.

    In this one transaction, however large the register is. Whoever packs it anew meanwhile begins again.

    Raises:
        BadInput: the pack was changed by somebody without the key.
    """
    contact, person = tables.contacts.c, tables.recipients.c
    here = (contact.recipient == recipient, contact.channel == channel)
    if conn.execute(select(contact.recipient).where(*here)).first() is None:
        return False
    revise(conn)  # first of all: it holds off everybody else who changes packs
    if conn.execute(delete(tables.contacts).where(*here)).rowcount == 0:  # somebody was faster meanwhile
        return False
    packs.take_out(conn, keys, channel, recipient)
    trials.forget(conn, [recipient], channel)
    bounced = tables.bounces.c
    conn.execute(delete(tables.bounces).where(bounced.recipient == recipient, bounced.channel == channel))
    if conn.execute(select(contact.channel).where(contact.recipient == recipient)).first() is None:
        support.forget(conn, [recipient])
        # not the newest: SQLite would give its number out again, to somebody to whom old mail does not belong
        newer = select(person.id).where(person.id > recipient).exists()
        conn.execute(delete(tables.recipients).where(person.id == recipient, newer))
    return True


def keep_targets(
    conn: Connection, keys: Keys, channel: str, targets: Sequence[Target], *, at: datetime
) -> bool:
    """Register a channel's fixed targets that are new; call `rebuild` when this says True.

    One that is configured no more keeps its row: its connector then says `UNSUPPORTED` of it.
    """
    one_at_a_time(conn, _LOCK)
    known = {target.ref: find(conn, keys, channel, target.ref) for target in targets}
    new = [target for target in targets if known[target.ref] is None]
    add(
        conn,
        keys,
        [
            Registration(kind=Kind.TARGET, language=target.language, contacts={channel: target.ref})
            for target in new
        ],
        at=at,
    )
    return bool(new)


def rebuild(conn: Connection, keys: Keys, channels: Iterable[str] | None = None) -> int:
    """Write the packs anew from the contacts (of `channels`, or all). Returns the number of contacts.

    In one transaction, so for a register that is small or that nobody waits for; else `packing.repack`.
    """
    revise(conn)
    names = list(channels) if channels is not None else in_use(conn)
    conn.execute(delete(tables.packs).where(tables.packs.c.channel.in_(names)))
    written = 0
    for channel in names:
        for row in built(conn, keys, channel):
            conn.execute(insert(tables.packs).values(row))
            written += len(row["ids"])
    return written


def built(conn: Connection, keys: Keys, channel: str) -> Iterator[dict[str, Any]]:
    """The rows of a channel's packs as its contacts are now, one pack in memory."""
    for (language, zone), rows in groupby(_contacts(conn, channel), key=lambda row: (row.language, row.zone)):
        for block in blocks(rows, packs.PACK):
            yield _pack(keys, channel, language, zone, block)


def in_use(conn: Connection) -> list[str]:
    """The channels on which anybody has a contact, or had one when the packs were written."""
    contacts, packed = select(tables.contacts.c.channel), select(tables.packs.c.channel)
    return list(conn.execute(contacts.union(packed)).scalars())


def open_addresses(
    conn: Connection, keys: Keys, channel: str, variant: Variant, members: Collection[RecipientId]
) -> Opened:
    """The members' addresses and which are suppressed, with those of others in the same packs.

    A member without one is left out; one who has moved to another variant since is looked up by itself.

    Raises:
        BadInput: a pack or a contact was changed by somebody without the key.
    """
    found = packs.opened(conn, keys, channel, variant, members)
    if missing := set(members) - found.addresses.keys():
        _open_singly(conn, keys, channel, missing, found)
    return found


def addresses(
    conn: Connection, keys: Keys, channel: str, members: Sequence[RecipientId]
) -> dict[RecipientId, str]:
    """From the record, one by one: for the few that staff ask for.

    Raises:
        BadInput: a contact was changed by somebody without the key.
    """
    found = Opened({}, set())
    _open_singly(conn, keys, channel, set(members), found)
    return found.addresses


def staff(conn: Connection, channel: str, named: Sequence[RecipientId]) -> dict[Variant, list[RecipientId]]:
    """Who of the named is of the staff and has a contact on the channel: variants in order, numbers ascending."""
    people, contact = tables.recipients.c, tables.contacts.c
    found: dict[Variant, list[RecipientId]] = {}
    rows = conn.execute(
        select(people.id, people.language, people.zone)
        .join(tables.contacts, contact.recipient == people.id)
        .where(contact.channel == channel, people.kind == Kind.STAFF, people.id.in_(named))
        .order_by(people.language, people.zone, people.id)
    )
    for row in rows:
        variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
        found.setdefault(variant, []).append(RecipientId(row.id))
    return found


def headcount(conn: Connection, channel: str) -> dict[tuple[Language, Town], int]:
    """Residents with a contact on the channel, by language and town."""
    rows = conn.execute(
        select(tables.recipients.c.language, tables.recipients.c.town, func.count())
        .join(tables.contacts, tables.contacts.c.recipient == tables.recipients.c.id)
        .where(tables.contacts.c.channel == channel, tables.recipients.c.kind == Kind.RESIDENT)
        .group_by(tables.recipients.c.language, tables.recipients.c.town)
    )
    return {(Language(language), Town(town)): number for language, town, number in rows}


def registrants(conn: Connection, towns: Sequence[Town] | None = None) -> int:
    """Residents registered (in `towns`, or in all), each counted once."""
    query = (
        select(func.count()).select_from(tables.recipients).where(tables.recipients.c.kind == Kind.RESIDENT)
    )
    if towns is not None:
        query = query.where(tables.recipients.c.town.in_(towns))
    return int(conn.execute(query).scalar_one())


def find(conn: Connection, keys: Keys, channel: str, address: str) -> RecipientId | None:
    """Who is registered under an address, through the blind index."""
    return next(iter(find_all(conn, keys, channel, [address])), None)


def find_all(conn: Connection, keys: Keys, channel: str, addresses: Sequence[str]) -> list[RecipientId]:
    """Who is registered under any of these, in their order."""
    table = tables.contacts.c
    blinds = [keys.blind(channel, address) for address in addresses]
    query = select(table.blind, table.recipient).where(table.channel == channel, table.blind.in_(blinds))
    known = {bytes(row.blind): RecipientId(row.recipient) for row in conn.execute(query)}
    return [known[blind] for blind in blinds if blind in known]


def revise(conn: Connection) -> None:
    """The register is another one when this commits; until then nobody else makes it another."""
    revision = tables.deployment.c.register_revision
    conn.execute(update(tables.deployment).values(register_revision=revision + 1))


def _insert_recipients(
    conn: Connection, registrations: Sequence[Registration], at: datetime
) -> list[RecipientId]:
    rows = [
        {
            "kind": registration.kind,
            "language": registration.language,
            "town": registration.town,
            "zone": registration.zone,
            "drills": registration.drills,
            "registered_at": at,
        }
        for registration in registrations
    ]
    statement = insert(tables.recipients).returning(tables.recipients.c.id, sort_by_parameter_order=True)
    return list(conn.execute(statement, rows).scalars()) if rows else []


def _contact(keys: Keys, recipient: RecipientId, channel: str, address: str) -> dict[str, Any]:
    return {
        "recipient": recipient,
        "channel": channel,
        "sealed": keys.seal(address.encode(), bound_to=_contact_place(channel, recipient)),
        "key_id": keys.active,
        "blind": keys.blind(channel, address),
        "suppressed": False,
        "withdrawn": False,
    }


def _taken(conn: Connection, rows: Sequence[dict[str, Any]]) -> int:
    table = tables.contacts.c
    taken = 0
    for part in blocks(rows, 500):
        blinds = [row["blind"] for row in part]
        found = conn.execute(select(table.channel, table.blind).where(table.blind.in_(blinds)))
        present = {(row.channel, row.blind) for row in found}
        taken += sum((row["channel"], row["blind"]) in present for row in part)
    return taken


def _contacts(conn: Connection, channel: str) -> Iterator[Any]:
    people, contact = tables.recipients.c, tables.contacts.c
    query = (
        select(
            people.id, people.language, people.zone, people.town, people.kind, people.drills,
            contact.suppressed, contact.sealed, contact.key_id,
            tables.support.c.sealed.label("said"), tables.support.c.key_id.label("said_key"),
        )
        .join(tables.contacts, contact.recipient == people.id)
        .outerjoin(tables.support, tables.support.c.recipient == people.id)
        .where(contact.channel == channel)
        .order_by(people.language, people.zone, people.id)
    )  # fmt: skip
    return streamed(conn, query, at_once=packs.PACK)


def _pack(keys: Keys, channel: str, language: str, zone: str, block: Sequence[Any]) -> dict[str, Any]:
    addresses = [
        keys.unseal(row.sealed, key_id=row.key_id, bound_to=_contact_place(channel, row.id)).decode()
        for row in block
    ]
    traits = [Trait(row.town, row.kind, bool(row.drills), bool(row.suppressed)) for row in block]
    return packs.written(
        keys,
        channel,
        language,
        zone,
        ids=[row.id for row in block],
        traits=traits,
        addresses=addresses,
        support=[support.opened(keys, row.id, row.said, row.said_key) for row in block],
    )


def _open_singly(
    conn: Connection, keys: Keys, channel: str, missing: set[RecipientId], found: Opened
) -> None:
    table = tables.contacts
    rows = conn.execute(select(table).where(table.c.channel == channel, table.c.recipient.in_(missing)))
    for row in rows:
        place = _contact_place(channel, row.recipient)
        found.addresses[row.recipient] = keys.unseal(row.sealed, key_id=row.key_id, bound_to=place).decode()
        if row.suppressed:
            found.suppressed.add(row.recipient)


def _contact_place(channel: str, recipient: RecipientId) -> str:
    return f"contacts {channel} {recipient}"
