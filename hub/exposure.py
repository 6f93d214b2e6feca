"""Most exposed first: in which order a channel that calls people one by one walks an alert's audience.

A thousand calls at one a second take a quarter of an hour, so it matters who is called first. The city says
which towns a hazard reaches first (`exposure.toml`), as its own hazard maps have it. Nobody is left out by
that: whoever lives elsewhere comes after them, and where a city says nothing all are equal. Among equals, who has
said that they need help to evacuate comes first: they need the time most.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from zlib import crc32

import msgspec
import structlog
from msgspec import Meta
from sqlalchemy import Connection

from hub import codec, source
from hub import folder as files
from hub.alert import Alert
from hub.capabilities import Capabilities
from hub.city import City
from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from hub.hazard import Hazard
from hub.keys import Keys
from hub.ledger import packs
from hub.ledger.packs import Pack, Trait
from hub.ledger.plans import Cursor
from hub.recipient import RecipientId, Town
from hub.source import Registered, Run, Source

log = structlog.get_logger(__name__)

FILE = "exposure.toml"

Tiers = tuple[frozenset[Town], ...]
"""Towns, the most exposed first; no town is in two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Of a city. `invented`: the hazards whose order is not from a published map.

    `leaving`: whose people must leave their houses, upstairs or not: of the 家屋倒壊等氾濫想定区域, and where the water
    rises above the upper floor.
    """

    tiers: Mapping[Hazard, Tiers] = field(default_factory=dict)
    leaving: Mapping[Hazard, frozenset[Town]] = field(default_factory=dict)
    invented: frozenset[Hazard] = frozenset()

    def may_stay(self, hazard: Hazard, town: Town) -> bool:
        """Whether the upper floor of a house there may be spoken of (屋内安全確保). Not where no map says so."""
        return town != "" and hazard in self.leaving and town not in self.leaving[hazard]


NOBODY_FIRST = Exposure()


def source_of(
    alert: Alert,
    chain: Sequence[str],
    channel: str,
    capabilities: Capabilities,
    *,
    exposure: Exposure,
    keys: Keys,
) -> Source:
    """As `hub.source.source_of`, in the order of exposure where requests go out one by one.

    A correction keeps the order in which people were told what it corrects.
    """
    plain = source.source_of(alert, chain, channel, capabilities)
    if capabilities.single_requests and isinstance(plain, Registered):
        return MostExposedFirst(alert, channel, exposure.tiers.get(alert.hazard, ()), keys)
    return plain


class MostExposedFirst(Registered):
    """The register, tier by tier, and then whoever is in none; of each tier first who needs help. A run's `link` is its
    place in this order."""

    def __init__(self, alert: Alert, channel: str, tiers: Tiers, keys: Keys) -> None:
        super().__init__(alert, channel)
        self._tiers = tiers
        self._keys = keys
        self._walked = 0
        self._in_need = True
        self._order = crc32(codec.encode(["who needs help first", *(sorted(tier) for tier in tiers)]))
        """A run's `family`: which order it was found in."""

    def resume(self, conn: Connection, cursor: Cursor) -> Cursor:
        """In another order than the cursor's the walk begins anew: people may stand on its other side (I3)."""
        resumed = super().resume(conn, cursor)
        if cursor.after and cursor.family != self._order:
            return Cursor(revision=resumed.revision, again=True)
        return resumed

    def walk(self, conn: Connection, cursor: Cursor) -> Iterator[Run]:
        for place in range(cursor.link, 2 * (len(self._tiers) + 1)):
            self._walked, others = divmod(place, 2)
            self._in_need = not others
            begin = Cursor(revision=cursor.revision, again=cursor.again)
            for run in super().walk(conn, cursor if place == cursor.link else begin):
                yield run._replace(link=place, family=self._order)

    def _chosen(self, pack: Pack, after: int) -> Sequence[RecipientId]:
        chosen = super()._chosen(pack, after)
        needing = self._needing(pack) if chosen else set()
        return [id_ for id_ in chosen if (id_ in needing) is self._in_need]

    def _needing(self, pack: Pack) -> set[RecipientId]:
        try:
            return packs.needing(self._keys, self._channel, pack)
        except BadInput as e:  # an order is worth no call: they are called with the others
            log.warning("who needs help cannot be read", channel=self._channel, reason=e.message)
            return set()

    def _includes(self, trait: Trait) -> bool:
        return self._tier(trait.town) == self._walked and super()._includes(trait)

    def _tier(self, town: Town) -> int:
        return next((n for n, tier in enumerate(self._tiers) if town in tier), len(self._tiers))


class _Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    hazard: Hazard
    source: Annotated[str, Meta(min_length=1)]
    invented: bool = False
    leaving_tiers: Annotated[int, Meta(ge=0)] | None = None
    tiers: Annotated[list[Annotated[list[str], Meta(min_length=1)]], Meta(min_length=1)]


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    exposures: list[_Row] = []


def load(folder: Folder, city: City) -> Exposure:
    """Read `exposure.toml`, which a city need not have.

    Raises:
        BadSettings: a town there is not, or one that is named twice; names the hazard.
    """
    rows = files.optional(folder, FILE, _File).exposures
    by_name = {town.name.ja: town.code for town in city.towns.values()}
    for row in rows:
        _check(row, by_name, others=[other for other in rows if other is not row])
    return Exposure(
        tiers={
            row.hazard: tuple(frozenset(by_name[name] for name in tier) for tier in row.tiers) for row in rows
        },
        leaving={
            row.hazard: frozenset(by_name[name] for tier in row.tiers[: row.leaving_tiers] for name in tier)
            for row in rows
        },
        invented=frozenset(row.hazard for row in rows if row.invented),
    )


def _check(row: _Row, known: Collection[str], *, others: Sequence[_Row]) -> None:
    place = f"{FILE} {row.hazard} tiers"
    named = [name for tier in row.tiers for name in tier]
    if unknown := [name for name in named if name not in known]:
        raise BadSettings(place, f"{', '.join(unknown)}: not in towns.csv / 町がありません")
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise BadSettings(
            place, f"{', '.join(twice)}: named twice; a town has one place / 同じ町が2つあります"
        )
    if any(other.hazard is row.hazard for other in others):
        raise BadSettings(place, "this hazard is there twice / 同じ災害が2つあります")
