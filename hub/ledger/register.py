"""The register: who may be reached where. Addresses lie sealed, twice.

`contacts` is the record, a field each. `packs` is the same, rebuilt on change, in blocks of 500
per (channel, language, zone): a block opens in microseconds, and what planning needs (ids and
traits) is beside it in the clear, so that planning opens nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from hub import codec
from hub.blocks import blocks
from hub.channel import Target
from hub.delivery import Variant
from hub.errors import Conflict
from hub.idset import IdSet
from hub.keys import Keys
from hub.language import Language
from hub.ledger import tables
from hub.ledger.columns import one_at_a_time, streamed
from hub.recipient import Kind, Recipient, RecipientId, Town, Zone

PACK = 500

_LOCK = 0x7461_7267  # processes that start together register the same targets


class Trait(NamedTuple):
    """What planning asks of a recipient."""

    town: Town
    kind: Kind
    drills: bool
    suppressed: bool


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient as it is registered. `contacts` maps a channel to an address."""

    kind: Kind
    language: Language
    contacts: dict[str, str]
    town: Town = Town("")
    zone: Zone = Zone("")
    drills: bool = False

    def __repr__(self) -> str:
        return f"Registration({self.kind}, {self.language}, {self.town}, {sorted(self.contacts)})"


class Pack(NamedTuple):
    """One block, unopened: ids with their traits, in ascending order."""

    ids: tuple[RecipientId, ...]
    traits: tuple[Trait, ...]


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
    return ids


def remove(conn: Connection, recipients: Sequence[RecipientId]) -> None:
    """Take out of the record who is in no pack yet."""
    conn.execute(delete(tables.contacts).where(tables.contacts.c.recipient.in_(recipients)))
    conn.execute(delete(tables.recipients).where(tables.recipients.c.id.in_(recipients)))


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
    names = list(channels) if channels is not None else in_use(conn)
    conn.execute(delete(tables.packs).where(tables.packs.c.channel.in_(names)))
    written = 0
    for channel in names:
        for pack in built(conn, keys, channel):
            conn.execute(insert(tables.packs).values(pack))
            written += len(pack["ids"])
    conn.execute(
        update(tables.deployment).values(register_revision=tables.deployment.c.register_revision + 1)
    )
    return written


def built(conn: Connection, keys: Keys, channel: str) -> Iterator[dict[str, Any]]:
    """The rows of a channel's packs as its contacts are now, one pack in memory."""
    for (language, zone), rows in groupby(_contacts(conn, channel), key=lambda row: (row.language, row.zone)):
        for block in blocks(rows, PACK):
            yield _pack(keys, channel, language, zone, block)


def in_use(conn: Connection) -> list[str]:
    """The channels on which anybody has a contact, or had one when the packs were written."""
    contacts, packs_ = select(tables.contacts.c.channel), select(tables.packs.c.channel)
    return list(conn.execute(contacts.union(packs_)).scalars())


def variants(conn: Connection, channel: str) -> list[Variant]:
    """The variants in which the channel has anyone, in a fixed order (planning's cursor relies on it)."""
    packs = tables.packs.c
    rows = conn.execute(
        select(packs.language, packs.zone)
        .where(packs.channel == channel, packs.staged.is_(None))
        .distinct()
        .order_by(packs.language, packs.zone)
    )
    return [Variant(Language(row.language), Zone(row.zone) if row.zone else None) for row in rows]


def walk(conn: Connection, channel: str, variant: Variant, *, after: int) -> Iterator[Pack]:
    """The packs that hold an id above `after`, in ascending order, a few at a time."""
    table = tables.packs.c
    query = (
        select(table.ids, table.traits)
        .where(
            table.channel == channel,
            table.language == variant.language,
            table.zone == (variant.zone or ""),
            table.last_id > after,
            table.staged.is_(None),
        )
        .order_by(table.last_id)
    )
    for row in streamed(conn, query, at_once=8):
        yield Pack(row.ids, codec.decode(tuple[Trait, ...], row.traits, what="pack"))


def packs(conn: Connection, channel: str, variant: Variant, *, after: int, limit: int) -> list[Pack]:
    """The next `limit` packs that hold an id above `after`."""
    return list(islice(walk(conn, channel, variant, after=after), limit))


def packed(conn: Connection, channel: str) -> IdSet:
    """Everybody in the channel's packs: for whom alerts are planned."""
    table, found = tables.packs.c, IdSet()
    query = select(table.ids).where(table.channel == channel, table.staged.is_(None))
    for row in streamed(conn, query):
        found.update(row.ids)
    return found


def open_addresses(
    conn: Connection, keys: Keys, channel: str, variant: Variant, members: Sequence[RecipientId]
) -> dict[RecipientId, tuple[Recipient, bool]]:
    """The members' addresses, and whether each is suppressed. A member without one is left out.

    From the packs; a member who has moved to another variant since is looked up by itself.

    Raises:
        BadInput: a pack or a contact was changed by somebody without the key.
    """
    table = tables.packs.c
    rows = conn.execute(
        select(table.ids, table.traits, table.key_id, table.sealed).where(
            table.channel == channel,
            table.language == variant.language,
            table.zone == (variant.zone or ""),
            table.last_id >= min(members),
            table.first_id <= max(members),
            table.staged.is_(None),
        )
    )
    wanted = set(members)
    found: dict[RecipientId, tuple[Recipient, bool]] = {}
    for row in rows:
        found.update(_open_pack(keys, channel, variant, row, wanted))
    if missing := wanted - found.keys():
        found.update(_open_singly(conn, keys, channel, missing))
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
    table = tables.contacts.c
    query = select(table.recipient).where(
        table.channel == channel, table.blind == keys.blind(channel, address)
    )
    return conn.execute(query).scalar_one_or_none()


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
        )
        .join(tables.contacts, contact.recipient == people.id)
        .where(contact.channel == channel)
        .order_by(people.language, people.zone, people.id)
    )  # fmt: skip
    return streamed(conn, query, at_once=PACK)


def _pack(keys: Keys, channel: str, language: str, zone: str, block: Sequence[Any]) -> dict[str, Any]:
    first, last = block[0].id, block[-1].id
    addresses = [
        keys.unseal(row.sealed, key_id=row.key_id, bound_to=_contact_place(channel, row.id)).decode()
        for row in block
    ]
    traits = [Trait(row.town, row.kind, bool(row.drills), bool(row.suppressed)) for row in block]
    ids, clear = [row.id for row in block], codec.encode(traits).decode()
    place = _pack_place(channel, language, zone, ids, clear)
    return {
        "channel": channel,
        "language": language,
        "zone": zone,
        "first_id": first,
        "last_id": last,
        "ids": ids,
        "traits": clear,
        "key_id": keys.active,
        "sealed": keys.seal(codec.encode(addresses), bound_to=place),
    }


def _open_pack(
    keys: Keys, channel: str, variant: Variant, row: Any, wanted: set[RecipientId]
) -> Iterator[tuple[RecipientId, tuple[Recipient, bool]]]:
    place = _pack_place(channel, variant.language, variant.zone or "", row.ids, row.traits)
    plain = keys.unseal(row.sealed, key_id=row.key_id, bound_to=place)
    addresses = codec.decode(list[str], plain, what="pack")
    traits = codec.decode(list[Trait], row.traits, what="pack")
    for recipient, address, trait in zip(row.ids, addresses, traits, strict=True):
        if recipient in wanted:
            yield recipient, (Recipient(id=recipient, address=address), trait.suppressed)


def _open_singly(
    conn: Connection, keys: Keys, channel: str, missing: set[RecipientId]
) -> Iterator[tuple[RecipientId, tuple[Recipient, bool]]]:
    table = tables.contacts
    rows = conn.execute(select(table).where(table.c.channel == channel, table.c.recipient.in_(missing)))
    for row in rows:
        place = _contact_place(channel, row.recipient)
        address = keys.unseal(row.sealed, key_id=row.key_id, bound_to=place).decode()
        yield row.recipient, (Recipient(id=row.recipient, address=address), row.suppressed)


def _contact_place(channel: str, recipient: RecipientId) -> str:
    return f"contacts {channel} {recipient}"


def _pack_place(channel: str, language: str, zone: str, ids: Sequence[RecipientId], traits: str) -> str:
    """With what stands in the clear: a pack whose ids or traits were changed does not open."""
    clear = hashlib.sha256(codec.encode([list(ids), traits])).hexdigest()
    return f"packs {channel} {language} {zone} {clear}"
