"""Where an alert's recipients come from, and how they are cut into batches.

A source walks one channel's recipients in an order of its own, from a cursor on, a run at a time: of an
audience of any size it holds no more than a bitmap. Typed targets become a source; no default means
everyone (I9).
"""

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection, Row

from hub.alert import Alert, Mode
from hub.blocks import blocks
from hub.capabilities import Capabilities, Drilling
from hub.delivery import Variant
from hub.errors import WrongMode
from hub.idset import IdSet
from hub.language import Language
from hub.ledger import batches, census, packs, register
from hub.ledger.batches import Place
from hub.ledger.corrections import Late
from hub.ledger.packs import Pack, Trait
from hub.ledger.plans import Cursor
from hub.recipient import Called, Kind, Reached, RecipientId, Towns, Zone
from hub.told import told


class Cut(NamedTuple):
    """The members of one batch to be."""

    variant: Variant
    seq: int
    members: tuple[RecipientId, ...]


class Run(NamedTuple):
    """Recipients of one variant that stand together, in ascending order."""

    link: int
    variant: Variant
    family: int
    ids: Sequence[RecipientId]


class Source(Protocol):
    """Where a channel's recipients come from. Lives as long as nobody else plans the same."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """Where to go on, given where the last step ended."""
        ...

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        """Whoever comes behind the cursor and is in no batch yet."""
        ...

    def next_seq(self, conn: Connection, variant: Variant) -> int:
        """The first batch number of a variant that is free."""
        ...

    def took(self, cuts: Iterable[Cut]) -> None:
        """These are in the ledger now."""
        ...


def source_of(alert: Alert, chain: Sequence[str], channel: str, capabilities: Capabilities) -> Source:
    """Typed targets become a source; there is no default, so a bad target is an error, never everyone (I9).

    `chain`: the alerts that are corrected, as `corrections.chain` gives them.
    """
    if alert.mode is not Mode.LIVE and capabilities.drilling is Drilling.PREVIEW_ONLY:
        return Nobody()
    audience = alert.targeting.audience
    if isinstance(audience, Called):
        return CalledStaff(alert, audience, channel)
    if isinstance(audience, Reached):
        return Corrected(alert, chain, channel)
    return Registered(alert, channel)


def gather(
    conn: Connection, source: Source, cursor: Cursor, *, size: int, limit: int
) -> tuple[list[Cut], Cursor, bool]:
    """About `limit` batches of `size` from the cursor on; the cursor behind them; whether that was the end.

    Batches are full but for the last of a variant.
    """
    cursor = source.resume(conn, cursor)
    cuts: list[Cut] = []
    with closing(_cut(source.walk(conn, cursor), size)) as pieces:
        for run, members in pieces:
            ours = sum(cut.variant == run.variant for cut in cuts)
            cuts.append(Cut(run.variant, source.next_seq(conn, run.variant) + ours, members))
            cursor = _behind(cursor, run, members[-1])
            if len(cuts) == limit:
                return cuts, cursor, False
    return cuts, cursor, True


def cut_late(conn: Connection, alert: str, channel: str, late: Iterable[Late], *, size: int) -> list[Cut]:
    """Batches for those of `late` who are in none of the alert's. Call with its plan held."""
    by_variant: defaultdict[Variant, set[RecipientId]] = defaultdict(set)
    for each in late:
        by_variant[each.variant].add(each.recipient)
    cuts: list[Cut] = []
    for variant, missing in by_variant.items():
        for members in batches.planned(conn, alert, channel, variant):
            missing.difference_update(members)
        free = batches.next_seq(conn, alert, channel, variant)
        cuts += [
            Cut(variant, seq, members) for seq, members in enumerate(blocks(sorted(missing), size), free)
        ]
    return cuts


def _cut(runs: Iterator[Run], size: int) -> Generator[tuple[Run, tuple[RecipientId, ...]]]:
    """The members of one batch after the other, each with the run in which its last one stands."""
    for _, stretch in groupby(runs, key=lambda run: (run.link, run.variant)):
        members: list[RecipientId] = []
        for run in stretch:
            begin = 0
            while begin < len(run.ids):
                end = begin + size - len(members)
                members += run.ids[begin:end]
                begin = end
                if len(members) == size:
                    yield run, tuple(members)
                    members = []
        if members:
            yield run, tuple(members)


def _behind(cursor: Cursor, run: Run, last: RecipientId) -> Cursor:
    return msgspec.structs.replace(
        cursor,
        link=run.link,
        language=run.variant.language,
        zone=run.variant.zone or "",
        family=run.family,
        after=last,
    )


class Nobody:
    """A drill on a channel that can only show a preview."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        return iter(())

    def next_seq(self, conn: Connection, variant: Variant) -> int:
        return 0

    def took(self, cuts: Iterable[Cut]) -> None:
        """Of nobody, nothing is."""


class _Counted:
    """A source that knows what of its alert is in batches already."""

    def __init__(self, alert: Alert, channel: str) -> None:
        self._alert = alert.identifier
        self._channel = channel
        self._mode = alert.mode
        self._planned: IdSet | None = None
        self._free: dict[Variant, int] = {}

    def next_seq(self, conn: Connection, variant: Variant) -> int:
        if variant not in self._free:
            self._free[variant] = batches.next_seq(conn, self._alert, self._channel, variant)
        return self._free[variant]

    def took(self, cuts: Iterable[Cut]) -> None:
        for cut in cuts:
            if self._planned is not None:
                self._planned.update(cut.members)
            self._free[cut.variant] = cut.seq + 1

    def _members(self, conn: Connection) -> IdSet:
        """Read once, then kept up by `took`."""
        if self._planned is None:
            self._planned = IdSet()
            for ids in batches.planned(conn, self._alert, self._channel):
                self._planned.update(ids)
        return self._planned


class Registered(_Counted):
    """The register, narrowed to the alert's mode and towns."""

    def __init__(self, alert: Alert, channel: str) -> None:
        super().__init__(alert, channel)
        audience = alert.targeting.audience
        self._towns = frozenset(audience.towns) if isinstance(audience, Towns) else None
        self._known: tuple[int, Sequence[Variant]] | None = None

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """A register rebuilt meanwhile is walked anew: people may have moved to or from behind the cursor (I3)."""
        revision = census.revision(conn)
        if cursor == Cursor():
            return Cursor(revision=revision)
        if cursor.revision != revision:
            return Cursor(revision=revision, again=True)
        return cursor

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        again = cursor.again
        passed_over = self._members(conn) if again else IdSet()
        for variant in self._variants(conn, cursor.revision):
            if _order(variant) < (cursor.language, cursor.zone):
                continue
            after = cursor.after if _order(variant) == (cursor.language, cursor.zone) else 0
            for pack in packs.walk(conn, self._channel, variant, after=after):
                ids = self._chosen(pack, after)
                yield Run(0, variant, 0, [id_ for id_ in ids if id_ not in passed_over] if again else ids)

    def _chosen(self, pack: Pack, after: int) -> Sequence[RecipientId]:
        included = [self._includes(kind) for kind in pack.traits.kinds]
        if all(included) and pack.ids[0] > after:
            return pack.ids
        people = zip(pack.ids, pack.traits.of, strict=True)
        return [id_ for id_, kind in people if included[kind] and id_ > after]

    def _variants(self, conn: Connection, revision: int) -> Sequence[Variant]:
        """In order; of one revision of the register they are always the same."""
        if self._known is None or self._known[0] != revision:
            self._known = revision, sorted(packs.variants(conn, self._channel), key=_order)
        return self._known[1]

    def _includes(self, trait: Trait) -> bool:
        if trait.kind is Kind.TARGET:
            return True
        if self._mode is Mode.STAFF_DRILL:
            return trait.kind is Kind.STAFF
        if trait.kind is not Kind.RESIDENT or (self._mode is Mode.RESIDENT_DRILL and not trait.drills):
            return False
        return self._towns is None or trait.town in self._towns


class Corrected(_Counted):
    """Whoever was told one of the alerts that are corrected, each once (I5)."""

    def __init__(self, alert: Alert, chain: Sequence[str], channel: str) -> None:
        super().__init__(alert, channel)
        self._chain = chain

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        seen = self._members(conn).copy()
        for link in range(cursor.link, len(self._chain)):
            since = Place(cursor.language, cursor.zone, cursor.family) if link == cursor.link else _START
            for place, rows in batches.families(conn, self._chain[link], self._channel, since=since):
                ids = {id_ for row in rows for id_ in self._told(row) if id_ not in seen}
                seen.update(ids)
                yield Run(link, _variant(place), place.seq, sorted(ids))

    def _told(self, row: Row[Any]) -> list[RecipientId]:
        if row.mode != self._mode:
            raise WrongMode(
                f"what {self._alert} corrects is {row.mode}; a {self._mode} alert never goes to those"
            )
        return told(row.members, row.handover, row.receipt)


class CalledStaff(_Counted):
    """The staff whom a muster names, by the record: whoever was put on the list a moment ago is called too."""

    def __init__(self, alert: Alert, called: Called, channel: str) -> None:
        super().__init__(alert, channel)
        self._named = called.recipients

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        for variant, ids in register.staff(conn, self._channel, self._named).items():
            if _order(variant) < (cursor.language, cursor.zone):
                continue
            after = cursor.after if _order(variant) == (cursor.language, cursor.zone) else 0
            yield Run(0, variant, 0, [id_ for id_ in ids if id_ > after])


_START = Place("", "", 0)


def _variant(place: Place) -> Variant:
    return Variant(Language(place.language), Zone(place.zone) if place.zone else None)


def _order(variant: Variant) -> tuple[str, str]:
    return variant.language, variant.zone or ""
