"""Packs: the addresses of one (channel, language, zone) in sealed blocks of 500, as sending reads them.

What planning needs (ids and traits) is beside them in the clear, so that planning opens nothing. `register`
writes them anew when its contacts change.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence, Set
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from hub import codec
from hub.delivery import Variant
from hub.idset import IdSet
from hub.keys import Keys
from hub.language import Language
from hub.ledger import tables
from hub.ledger.columns import streamed
from hub.recipient import Kind, Recipient, RecipientId, Town, Zone

PACK = 500


class Trait(NamedTuple):
    """What planning asks of a recipient."""

    town: Town
    kind: Kind
    drills: bool
    suppressed: bool


class Opened(NamedTuple):
    """Addresses, unsealed; in memory only. Its `repr` hides them."""

    addresses: dict[RecipientId, str]
    suppressed: set[RecipientId]

    def recipients(self, ids: Sequence[RecipientId]) -> list[Recipient]:
        """Raises `KeyError` where one has no address."""
        return [
            Recipient(id=id_, address=address)
            for id_, address in zip(ids, map(self.addresses.__getitem__, ids), strict=True)
        ]

    def __repr__(self) -> str:
        return f"Opened({len(self.addresses)} addresses)"


class Traits(msgspec.Struct, frozen=True):
    """Of a pack: the kinds of people in it, of which there are few, and which of them each one is."""

    kinds: tuple[Trait, ...]
    of: tuple[int, ...]

    @staticmethod
    def made(each: Sequence[Trait]) -> "Traits":
        places = {trait: place for place, trait in enumerate(dict.fromkeys(each))}
        return Traits(tuple(places), tuple(places[trait] for trait in each))

    @staticmethod
    def read(clear: str) -> "Traits":
        """Also of a pack as an earlier version wrote it, with a trait for each member; the next change writes it anew."""
        if clear.startswith("["):
            return Traits.made(codec.decode(list[Trait], clear, what="pack"))
        return codec.decode(Traits, clear, what="pack")


class Place(NamedTuple):
    """Whose pack it is."""

    channel: str
    language: str
    zone: str


class Packed(NamedTuple):
    """One recipient of a pack, opened."""

    id: RecipientId
    trait: Trait
    address: str
    support: bool = False

    def __repr__(self) -> str:
        return f"Packed(id={self.id}, address=…)"


class Pack(NamedTuple):
    """One block, unopened: ids in ascending order, with their traits. `support`: sealed with `key_id`, `needing` opens it."""

    ids: tuple[RecipientId, ...]
    traits: "Traits"
    support: bytes | None
    key_id: str


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
    place = {"channel": channel, "language": variant.language, "zone": variant.zone or "", "after": after}
    for row in streamed(conn, _BEHIND.params(place), at_once=8):
        yield Pack(row.ids, Traits.read(row.traits), row.support, row.key_id)


def needing(keys: Keys, channel: str, pack: Pack) -> set[RecipientId]:
    """Who of them has said that they need help to evacuate. Raises `BadInput` as `opened`."""
    if pack.support is None:
        return set()
    plain = keys.unseal(pack.support, key_id=pack.key_id, bound_to=_support_place(channel, pack.ids))
    return {id_ for id_, needs in zip(pack.ids, plain, strict=True) if needs}


def some(conn: Connection, channel: str, variant: Variant, *, after: int, limit: int) -> list[Pack]:
    """The next `limit` packs that hold an id above `after`."""
    return list(islice(walk(conn, channel, variant, after=after), limit))


def everyone(conn: Connection, channel: str) -> IdSet:
    """Everybody in the channel's packs: for whom alerts are planned."""
    table, found = tables.packs.c, IdSet()
    query = select(table.ids).where(table.channel == channel, table.staged.is_(None))
    for row in streamed(conn, query):
        found.update(row.ids)
    return found


def opened(
    conn: Connection, keys: Keys, channel: str, variant: Variant, members: Collection[RecipientId]
) -> Opened:
    """The addresses of the packs in which the members may be; who is in none is missing.

    Raises:
        BadInput: a pack was changed by somebody without the key.
    """
    place = {"channel": channel, "language": variant.language, "zone": variant.zone or ""}
    found = Opened({}, set())
    for row in conn.execute(_HOLDING, place | {"first": min(members), "last": max(members)}):
        pack = _opened(keys, channel, variant, row)
        found.addresses.update(pack.addresses)
        found.suppressed.update(pack.suppressed)
    return found


def take_out(conn: Connection, keys: Keys, channel: str, recipient: RecipientId) -> None:
    """Take somebody out of the pack that they are in, whatever variant they had when that was written.

    Raises:
        BadInput: the pack was changed by somebody without the key.
    """
    for row in _holding(conn, channel, {recipient}):
        _rewrite(conn, keys, row, [each for each in _people(keys, row) if each.id != recipient])


def put_in(conn: Connection, keys: Keys, place: Place, person: Packed) -> None:
    """Put somebody who is in no pack of the channel into the one where their number belongs.

    Raises:
        BadInput: the pack was changed by somebody without the key.
    """
    table = tables.packs.c
    here = select(tables.packs).where(
        table.channel == place.channel,
        table.language == place.language,
        table.zone == place.zone,
        table.staged.is_(None),
    )
    row = conn.execute(here.where(table.last_id > person.id).order_by(table.last_id).limit(1)).first()
    if row is None:  # nobody's number is higher: the last pack, while it has room
        row = conn.execute(here.order_by(table.last_id.desc()).limit(1)).first()
        if row is None or len(row.ids) >= PACK:
            conn.execute(insert(tables.packs).values(_sealed(keys, place, [person])))
            return
    _rewrite(conn, keys, row, sorted([*_people(keys, row), person], key=lambda each: each.id))


def hold_back(
    conn: Connection, keys: Keys, channel: str, recipients: Collection[RecipientId], *, suppressed: bool
) -> None:
    """Say in their packs whether these are sent to; each pack is written once.

    Raises:
        BadInput: a pack was changed by somebody without the key.
    """
    wanted = set(recipients)
    for row in _holding(conn, channel, wanted):
        people = [
            each._replace(trait=each.trait._replace(suppressed=suppressed)) if each.id in wanted else each
            for each in _people(keys, row)
        ]
        _rewrite(conn, keys, row, people)


def written(
    keys: Keys,
    channel: str,
    language: str,
    zone: str,
    *,
    ids: Sequence[RecipientId],
    traits: Sequence[Trait],
    addresses: Sequence[str],
    support: Sequence[bool],
) -> dict[str, Any]:
    """The row of one pack: `ids` ascend, and each has at the same place its trait, its address, and whether they need
    support."""
    clear = codec.encode(Traits.made(traits)).decode()
    place = _place(channel, language, zone, ids, clear)
    return {
        "channel": channel,
        "language": language,
        "zone": zone,
        "first_id": ids[0],
        "last_id": ids[-1],
        "ids": ids,
        "traits": clear,
        "key_id": keys.active,
        "sealed": keys.seal(codec.encode(addresses), bound_to=place),
        "support": keys.seal(bytes(support), bound_to=_support_place(channel, ids)),
    }


def _holding(conn: Connection, channel: str, recipients: Set[RecipientId]) -> list[Any]:
    """The packs in which they are."""
    table = tables.packs.c
    around = select(table.id, table.ids).where(
        table.channel == channel,
        table.first_id <= max(recipients),
        table.last_id >= min(recipients),
        table.staged.is_(None),
    )
    found = [row.id for row in conn.execute(around) if not recipients.isdisjoint(row.ids)]
    return list(conn.execute(select(tables.packs).where(table.id.in_(found))).all())


def _people(keys: Keys, row: Any) -> list[Packed]:
    variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
    opened, traits = _opened(keys, row.channel, variant, row), Traits.read(row.traits)
    in_need = needing(keys, row.channel, Pack(row.ids, traits, row.support, row.key_id))
    return [
        Packed(id_, traits.kinds[kind], opened.addresses[id_], id_ in in_need)
        for id_, kind in zip(row.ids, traits.of, strict=True)
    ]


def _rewrite(conn: Connection, keys: Keys, row: Any, people: Sequence[Packed]) -> None:
    conn.execute(delete(tables.packs).where(tables.packs.c.id == row.id))
    if people:
        place = Place(row.channel, row.language, row.zone)
        conn.execute(insert(tables.packs).values(_sealed(keys, place, people)))


def _sealed(keys: Keys, place: Place, people: Sequence[Packed]) -> dict[str, Any]:
    """The row of a pack."""
    return written(
        keys,
        *place,
        ids=[each.id for each in people],
        traits=[each.trait for each in people],
        addresses=[each.address for each in people],
        support=[each.support for each in people],
    )


_BEHIND = (
    select(tables.packs.c.ids, tables.packs.c.traits, tables.packs.c.support, tables.packs.c.key_id)
    .where(
        tables.packs.c.channel == bindparam("channel"),
        tables.packs.c.language == bindparam("language"),
        tables.packs.c.zone == bindparam("zone"),
        tables.packs.c.last_id > bindparam("after"),
        tables.packs.c.staged.is_(None),
    )
    .order_by(tables.packs.c.last_id)
)
_HOLDING = select(
    tables.packs.c.ids, tables.packs.c.traits, tables.packs.c.key_id, tables.packs.c.sealed
).where(
    tables.packs.c.channel == bindparam("channel"),
    tables.packs.c.language == bindparam("language"),
    tables.packs.c.zone == bindparam("zone"),
    tables.packs.c.last_id >= bindparam("first"),
    tables.packs.c.first_id <= bindparam("last"),
    tables.packs.c.staged.is_(None),
)


def _opened(keys: Keys, channel: str, variant: Variant, row: Any) -> Opened:
    place = _place(channel, variant.language, variant.zone or "", row.ids, row.traits)
    plain = keys.unseal(row.sealed, key_id=row.key_id, bound_to=place)
    addresses = codec.decode(list[str], plain, what="pack")
    traits = Traits.read(row.traits)
    held_back = {kind for kind, trait in enumerate(traits.kinds) if trait.suppressed}
    suppressed = (
        {id_ for id_, kind in zip(row.ids, traits.of, strict=True) if kind in held_back}
        if held_back
        else set()
    )
    return Opened(dict(zip(row.ids, addresses, strict=True)), suppressed)


def _place(channel: str, language: str, zone: str, ids: Sequence[RecipientId], traits: str) -> str:
    """With what stands in the clear: a pack whose ids or traits were changed does not open."""
    clear = hashlib.sha256(codec.encode([list(ids), traits])).hexdigest()
    return f"packs {channel} {language} {zone} {clear}"


def _support_place(channel: str, ids: Sequence[RecipientId]) -> str:
    return f"packs support {channel} {hashlib.sha256(codec.encode(list(ids))).hexdigest()}"
