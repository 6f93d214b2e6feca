"""The board: every site, what it is doing, how full it is, and how old that is."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec
import structlog

from hub import codec
from hub.clock import Clock
from hub.errors import TemporaryFailure
from hub.hazard import Hazard
from hub.live import Live
from hub.place import Position
from hub.shelter_list import MOST_LINES, Crowding, ShelterLine, ShelterLines
from shelters.crowding import LEAST_FIRST
from shelters.disclosure import Disclosed, disclosed
from shelters.keeper import live_key
from shelters.occupancy import Occupancy
from shelters.record import unopened
from shelters.shelter import Step
from shelters.site import Site, SiteCode
from shelters.suited import Suited, suited

log = structlog.get_logger(__name__)

Steps = Callable[[], Awaitable[Mapping[SiteCode, Step]]]
"""`record.all_current` through the ledger."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One site at one moment. `people` and `crowding` both None: 不明."""

    site: Site
    step: Step
    occupancy: Occupancy

    @property
    def people(self) -> int | None:
        return self.occupancy.people

    @property
    def disclosed(self) -> Disclosed:
        """`people` as residents may be told it."""
        return disclosed(self.people)

    @property
    def crowding(self) -> Crowding | None:
        """By number or staff's word; what the state 満員 adds is `suited`'s to say."""
        return self.occupancy.crowding

    @property
    def version(self) -> int:
        """Rises with every step, with every new count, and when a count is no longer fresh."""
        stale = self.occupancy.fresh_until is None
        return 2 * (self.step.number + self.occupancy.version) + stale

    def suited(self, hazard: Hazard) -> Suited:
        return suited(self.site, hazard, self.step, self.crowding)


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All sites at `at`, in the order of the city's list.

    `version` rises with every change and is the same in every process, so that a page can be told
    «version n changed» and fetch what it shows anew.
    """

    at: datetime
    rows: tuple[Row, ...]

    @property
    def version(self) -> int:
        return sum(row.version for row in self.rows)

    def later(self, now: datetime) -> "Board":
        """The same as it must be read at `now`: counts that are no longer fresh are unknown (I13)."""
        rows = (msgspec.structs.replace(row, occupancy=row.occupancy.at(now)) for row in self.rows)
        return Board(at=now, rows=tuple(rows))

    def shown(self, hazard: Hazard, *, near: Position | None = None) -> list[Row]:
        """What residents may see during an alert for `hazard`: by room, then by distance from `near`."""
        rows = [row for row in self.rows if row.suited(hazard).shown]
        return sorted(rows, key=lambda row: _order(row, hazard, near))

    def recommended(self, hazard: Hazard, *, near: Position | None = None) -> list[Row]:
        """Where people may be sent during an alert for `hazard`: by room, then by distance from `near`."""
        return [row for row in self.shown(hazard, near=near) if row.suited(hazard).recommended]

    def lines(self, hazard: Hazard, *, near: Position) -> ShelterLines | None:
        """What a text names to people around `near`; None when there is no site to name."""
        rows = self.recommended(hazard, near=near)[:MOST_LINES]
        if not rows:
            return None
        ages = [row.occupancy.as_of or self.at for row in rows]
        return ShelterLines(lines=tuple(_line(row) for row in rows), as_of=min(ages))


def board(
    sites: Mapping[SiteCode, Site],
    steps: Mapping[SiteCode, Step],
    occupancies: Mapping[SiteCode, Occupancy],
    *,
    now: datetime,
) -> Board:
    """Put together what is known. A count that is no longer fresh reads as unknown, whoever wrote it."""
    rows = (
        Row(
            site=site,
            step=steps.get(code) or unopened(code),
            occupancy=(occupancies.get(code) or Occupancy(site=code, version=0)).at(now),
        )
        for code, site in sites.items()
    )
    return Board(at=now, rows=tuple(rows))


class LiveBoard:
    """The board as it is now: steps from the record, counts from `Live`."""

    def __init__(self, *, sites: Mapping[SiteCode, Site], steps: Steps, live: Live, clock: Clock) -> None:
        self._sites, self._steps, self._live, self._clock = sites, steps, live, clock

    async def now(self) -> Board:
        return board(self._sites, await self._steps(), await self._occupancies(), now=self._clock())

    async def _occupancies(self) -> dict[SiteCode, Occupancy]:
        keys = {live_key(code): code for code in self._sites}
        try:
            latest = await self._live.get(list(keys))
        except TemporaryFailure as e:  # which sites receive is still known: the numbers are 不明
            log.warning("latest occupancy not read", reason=e.reason)
            return {}
        return {keys[key]: codec.decode(Occupancy, value, what=key) for key, value in latest.items()}


_UNKNOWN_ROOM = LEAST_FIRST.index(Crowding.CROWDED)
"""An unknown count is offered after a site that has room, and no later than a crowded one."""


def _order(row: Row, hazard: Hazard, near: Position | None) -> tuple[bool, int, float]:
    room = LEAST_FIRST.index(row.crowding) if row.crowding else _UNKNOWN_ROOM
    distance_m = row.site.position.distance_m(near) if near else 0.0
    return not row.suited(hazard).recommended, room, distance_m


def _line(row: Row) -> ShelterLine:
    return ShelterLine(
        name=row.site.name.ja, latin=row.site.name.en, crowding=row.crowding, **row.disclosed._asdict()
    )
