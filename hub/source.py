"""Where an alert's recipients come from, and how they are cut into batches.

A source gives one channel's recipients a variant at a time, in ascending order of id, so that a
cursor says where to go on. Typed targets become a source; no default means everyone (I9).
"""

from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection

from hub.alert import Alert, Mode
from hub.blocks import blocks
from hub.channel import Capabilities, Drilling
from hub.delivery import MERGED, REACHED, Outcome, Variant
from hub.errors import WrongMode
from hub.language import Language
from hub.ledger import batches, census, register
from hub.ledger.plans import Cursor
from hub.ledger.register import Trait
from hub.recipient import Kind, Reached, RecipientId, Towns, Zone


class Cut(NamedTuple):
    """The members of one batch to be."""

    variant: Variant
    seq: int
    members: tuple[RecipientId, ...]


class Source(Protocol):
    """Where a channel's recipients come from, a variant at a time, in ascending order of id."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """Where to go on, given where the last step ended."""
        ...

    def variants(self, conn: Connection) -> list[Variant]: ...

    def first_seq(self, variant: Variant) -> int:
        """The first batch number of a variant that is free."""
        ...

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        """Ids above `after`, and whether there may be more. Fewer than `at_least` only when there are not."""
        ...


def source_of(alert: Alert, channel: str, capabilities: Capabilities) -> Source:
    """Typed targets become a source; there is no default, so a bad target is an error, never everyone (I9)."""
    if alert.mode is not Mode.LIVE and capabilities.drilling is Drilling.PREVIEW_ONLY:
        return Nobody()
    audience = alert.targeting.audience
    if isinstance(audience, Reached):
        return Corrected(audience.identifier, channel, alert.mode)
    return Registered(channel, alert)


def gather(
    conn: Connection, source: Source, cursor: Cursor, *, size: int, limit: int
) -> tuple[list[Cut], Cursor, bool]:
    """About `limit` batches of `size` from the cursor on; the cursor behind them; whether that was the end."""
    cuts: list[Cut] = []
    for variant in sorted(source.variants(conn), key=_order):
        if _order(variant) < (cursor.language, cursor.zone):
            continue
        if _order(variant) > (cursor.language, cursor.zone):
            cursor = msgspec.structs.replace(
                cursor,
                language=variant.language,
                zone=variant.zone or "",
                after=0,
                seq=source.first_seq(variant),
            )
        more = True
        while more:
            if len(cuts) >= limit:
                return cuts, cursor, False
            ids, more = source.take(conn, variant, after=cursor.after, at_least=size * (limit - len(cuts)))
            for members in blocks(ids, size):
                if more and len(members) < size:
                    break  # the rest of this batch comes with the next packs
                cuts.append(Cut(variant, cursor.seq, members))
                cursor = msgspec.structs.replace(cursor, after=members[-1], seq=cursor.seq + 1)
    return cuts, cursor, True


class Nobody:
    """A drill on a channel that can only show a preview."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return 0

    def variants(self, conn: Connection) -> list[Variant]:
        return []

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        return [], False


class Registered:
    """The register, narrowed to the alert's mode and towns."""

    def __init__(self, channel: str, alert: Alert) -> None:
        self._channel = channel
        self._alert = alert.identifier
        self._planned: set[RecipientId] = set()
        self._free: dict[Variant, int] = {}
        audience = alert.targeting.audience
        self._towns = frozenset(audience.towns) if isinstance(audience, Towns) else None
        self._mode = alert.mode

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """A register rebuilt meanwhile is walked anew: people may have moved to or from behind the cursor (I3)."""
        revision = census.revision(conn)
        if cursor == Cursor():
            return Cursor(revision=revision)
        if cursor.revision != revision:
            cursor = Cursor(revision=revision, again=True)
        if cursor.again:
            self._planned, self._free = batches.planned(conn, self._alert, self._channel)
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return self._free.get(variant, 0)

    def variants(self, conn: Connection) -> list[Variant]:
        return register.variants(conn, self._channel)

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        found: list[RecipientId] = []
        scanned, want = after, max(1, -(-at_least // register.PACK)) + 1
        while True:
            packs = register.packs(conn, self._channel, variant, after=scanned, limit=want)
            for pack in packs:
                found.extend(
                    id_
                    for id_, trait in zip(pack.ids, pack.traits, strict=True)
                    if id_ > after and id_ not in self._planned and self._includes(trait)
                )
                scanned = pack.ids[-1]
            more = len(packs) == want
            if not more or len(found) >= at_least:
                return found, more

    def _includes(self, trait: Trait) -> bool:
        if trait.kind is Kind.TARGET:
            return True
        if self._mode is Mode.STAFF_DRILL:
            return trait.kind is Kind.STAFF
        if trait.kind is not Kind.RESIDENT or (self._mode is Mode.RESIDENT_DRILL and not trait.drills):
            return False
        return self._towns is None or trait.town in self._towns


class Corrected:
    """Whoever an earlier alert reached, or may have reached, on this channel (I5)."""

    def __init__(self, identifier: str, channel: str, mode: Mode) -> None:
        self._identifier = identifier
        self._channel = channel
        self._mode = mode
        self._found: dict[Variant, set[RecipientId]] | None = None

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        return cursor

    def first_seq(self, variant: Variant) -> int:
        return 0

    def variants(self, conn: Connection) -> list[Variant]:
        return list(self._reached(conn))

    def take(
        self, conn: Connection, variant: Variant, *, after: int, at_least: int
    ) -> tuple[list[RecipientId], bool]:
        return sorted(id_ for id_ in self._reached(conn)[variant] if id_ > after), False

    def _reached(self, conn: Connection) -> dict[Variant, set[RecipientId]]:
        if self._found is None:
            self._found = self._find(conn)
        return self._found

    def _find(self, conn: Connection) -> dict[Variant, set[RecipientId]]:
        reached: dict[Variant, set[RecipientId]] = {}
        for row in batches.of_alert(conn, self._identifier, channel=self._channel):
            if row.mode != self._mode:
                raise WrongMode(
                    f"alert {self._identifier} is {row.mode}; a {self._mode} alert never goes to those"
                )
            variant = Variant(Language(row.language), Zone(row.zone) if row.zone else None)
            members = reached.setdefault(variant, set())
            for id_, pair in zip(row.members, zip(row.handover, row.receipt, strict=True), strict=True):
                if MERGED[pair] in REACHED or MERGED[pair] is Outcome.AMBIGUOUS:
                    members.add(id_)
        return reached


def _order(variant: Variant) -> tuple[str, str]:
    return variant.language, variant.zone or ""
