"""The board: every site, what it is doing, how full it is, and how old that is."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import structlog

from hub import codec
from hub.clock import Clock
from hub.errors import HubError, TemporaryFailure
from hub.hazard import Hazard
from hub.live import Live
from hub.place import Position
from hub.recipient import Zone
from hub.shelter_list import MOST_HIDDEN, MOST_LINES, STALE_AFTER, Crowding, ShelterLine, ShelterLines
from shelters import plans
from shelters.disclosure import Disclosed, disclosed
from shelters.keeper import live_key
from shelters.occupancy import Occupancy
from shelters.plans import AtOnce, Made, Origins, Plans
from shelters.record import unopened
from shelters.routing import ARRIVAL, USABLE, Choice, Place, Plan, coming
from shelters.shelter import Step
from shelters.site import Site, SiteCode
from shelters.suited import Suited, suited
from shelters.walking import way_m

log = structlog.get_logger(__name__)

Steps = Callable[[], Awaitable[Mapping[SiteCode, Step]]]
"""`record.all_current` through the ledger."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One site at one moment. `people` and `crowding` both None: 不明.

    `full_expected`: the forecast says it is full before people who set out now arrive.
    """

    site: Site
    step: Step
    occupancy: Occupancy
    full_expected: bool = False

    @classmethod
    def at(cls, now: datetime, site: Site, step: Step, said: Occupancy) -> "Row":
        """As it must be read at `now`."""
        said = said.at(now)
        full = said.full_at is not None and said.full_at <= now + ARRIVAL
        return cls(site=site, step=step, occupancy=said, full_expected=full)

    @property
    def people(self) -> int | None:
        """As staff see it: perhaps a guess."""
        return self.occupancy.people

    @property
    def disclosed(self) -> Disclosed:
        """`people` as residents may be told it. A guess is told nobody as a number."""
        return disclosed(None if self.occupancy.guessed else self.people)

    @property
    def crowding(self) -> Crowding | None:
        """By number or staff's word; what the state 満員 adds is `suited`'s to say."""
        return self.occupancy.crowding

    @property
    def version(self) -> int:
        """Rises with every step, with every new count, when it is to be full soon, and when a count is no longer
        fresh: after which nothing is expected any more."""
        stale = self.occupancy.fresh_until is None
        return 3 * (self.step.number + self.occupancy.version) + 2 * stale + self.full_expected

    def suited(self, hazard: Hazard) -> Suited:
        return suited(self.site, hazard, self.step, self.crowding, full_expected=self.full_expected)

    def place(self, hazard: Hazard, usable: float = USABLE) -> Place:
        """As a plan for `hazard` sees it: by what residents may know, since its prices and the order of its lists are
        public. A guess is no number, and so no room (I13); a few are as many as they may be."""
        said = self.disclosed
        return Place(
            site=self.site.code,
            position=self.site.position,
            verdict=self.suited(hazard),
            capacity=self.site.capacity,
            people=MOST_HIDDEN if said.few else said.people,
            coming=0.0 if said.people is None else coming(said.people, self.occupancy.ahead),
            usable=usable,
        )


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All sites at `at`, in the order of the city's list.

    `version` rises with every change and is the same in every process, so that a page can be told
    «version n changed» and fetch what it shows anew.
    """

    at: datetime
    rows: tuple[Row, ...]
    made: Plans = msgspec.field(default_factory=Plans)
    """The plans in force, by hazard. None for a hazard for which no site's room is known."""

    @property
    def version(self) -> int:
        return sum(row.version for row in self.rows) + self.made.version

    def later(self, now: datetime) -> "Board":
        """The same as it must be read at `now`: counts that are no longer fresh are unknown (I13)."""
        rows = (Row.at(now, row.site, row.step, row.occupancy) for row in self.rows)
        return msgspec.structs.replace(self, at=now, rows=tuple(rows))

    def plan(self, hazard: Hazard) -> Plan | None:
        made = self.made.get(hazard)
        return made.plan if made else None

    def places(self, hazard: Hazard, usable: float = USABLE) -> list[Place]:
        """What a plan for `hazard` is made of: every site that may be shown. `usable`: of each capacity."""
        return [place for place in (row.place(hazard, usable) for row in self.rows) if place.verdict.shown]

    def shown(
        self, hazard: Hazard, *, near: Position | None = None, about: Position | None = None
    ) -> list[Row]:
        """What residents may see during an alert for `hazard`.

        From `near`: first where the plan wants people from there to go, then what it does not count on. Without a
        place: by word. Without a plan: by way, to which a worse word adds (`_WORTH_M`). `about`: the middle of those
        whom it concerns, where nobody said where they stand: it decides for the plan, and between sites of one word.
        """
        rows = [row for row in self.rows if row.suited(hazard).shown]
        return sorted(rows, key=lambda row: _order(row, hazard, near, about, self.plan(hazard)))

    def recommended(self, hazard: Hazard, *, near: Position | None = None) -> list[Row]:
        """Where people may be sent during an alert for `hazard`, in the order of `shown`."""
        return [row for row in self.shown(hazard, near=near) if row.suited(hazard).recommended]

    def sent(self, hazard: Hazard, zone: Zone) -> list[tuple[Row, Choice]]:
        """Where the plan sends people of `zone`, most people first: only what still receives and has room."""
        plan = self.plan(hazard)
        rows = {row.site.code: row for row in self.rows}
        choices = plan.zones.get(zone, ()) if plan else ()
        return [
            (rows[choice.site], choice)
            for choice in choices
            if choice.site in rows and rows[choice.site].place(hazard).room
        ]

    def prices(self, hazard: Hazard) -> dict[SiteCode, float]:
        """By how many metres of way each site that the plan counts on is to be taken as further away than it is."""
        plan = self.plan(hazard)
        prices = plan.prices if plan else {}
        with_room = (row.site.code for row in self.rows if row.place(hazard).room)
        return {code: prices[code] for code in with_room if code in prices}

    def lines(self, hazard: Hazard, *, near: Position, zone: Zone | None = None) -> ShelterLines | None:
        """What a text names to people of `zone`, or around `near`; None when there is no site to name.

        Only where there is room when they arrive, as far as anybody can say; whose room is not known comes last.
        """
        sent = [row for row, _ in self.sent(hazard, zone)] if zone is not None else []
        around = [row for row in self.recommended(hazard, near=near) if row.place(hazard).room != 0]
        rows = (sent or around)[:MOST_LINES]
        if not rows:
            return None
        told = [row if _worth_saying(row, self.at) else _unsaid(row) for row in rows]
        ages = [row.occupancy.as_of or self.at for row in told]
        return ShelterLines(lines=tuple(_line(row) for row in told), as_of=min(ages))


def board(
    sites: Mapping[SiteCode, Site],
    steps: Mapping[SiteCode, Step],
    occupancies: Mapping[SiteCode, Occupancy],
    *,
    now: datetime,
) -> Board:
    """Put together what is known. A count that is no longer fresh reads as unknown, whoever wrote it."""
    rows = (
        Row.at(
            now,
            site,
            steps.get(code) or unopened(code),
            occupancies.get(code) or Occupancy(site=code, version=0),
        )
        for code, site in sites.items()
    )
    return Board(at=now, rows=tuple(rows))


class LiveBoard:
    """The board as it is now: steps from the record, counts and plans from `Live`."""

    def __init__(
        self,
        *,
        sites: Mapping[SiteCode, Site],
        steps: Steps,
        live: Live,
        clock: Clock,
        origins: Origins | None = None,
        usable: float = USABLE,
    ) -> None:
        """`origins`: from where people come, by hazard; without them there are no plans. `usable`: of a capacity, for
        a plan that is made at once."""
        self._sites, self._steps, self._live, self._clock = sites, steps, live, clock
        self._counts = {live_key(code): code for code in sites}
        self._plans = {plans.live_key(hazard): hazard for hazard in origins or {}}
        self._at_once = AtOnce(origins or {}, usable=usable)
        self._read: dict[str, tuple[bytes, Made | None]] = {}

    async def now(self) -> Board:
        steps = await self._steps()
        latest = await self._latest()
        said = {code: _said(key, latest[key]) for key, code in self._counts.items() if key in latest}
        occupancies = {code: each for code, each in said.items() if each is not None}
        found = board(self._sites, steps, occupancies, now=self._clock())
        return with_plans(found, self._at_once, known=self._made(latest))

    async def _latest(self) -> Mapping[str, bytes]:
        try:
            return await self._live.get([*self._counts, *self._plans])
        except TemporaryFailure as e:  # which sites receive is still known: the numbers are 不明
            log.warning("latest occupancy not read", reason=e.reason)
            return {}

    def _made(self, latest: Mapping[str, bytes]) -> dict[Hazard, Made]:
        """A plan changes seldom: it is decoded when it does. One of another release is none."""
        for key in self._plans.keys() & latest.keys():
            if key not in self._read or self._read[key][0] != latest[key]:
                try:
                    made = codec.decode(Made, latest[key], what=key)
                except HubError as e:
                    log.warning("a plan cannot be read", error=e.message)
                    made = None
                self._read[key] = latest[key], made
        known = {hazard: self._read[key][1] for key, hazard in self._plans.items() if key in latest}
        return {hazard: made for hazard, made in known.items() if made is not None}


def _said(key: str, value: bytes) -> Occupancy | None:
    """None: it cannot be read, perhaps because another release wrote it. That site's number is unknown then."""
    try:
        return codec.decode(Occupancy, value, what=key)
    except HubError as e:
        log.warning("an occupancy cannot be read", key=key, error=e.message)
        return None


def with_plans(found: Board, at_once: AtOnce, *, known: Mapping[Hazard, Made]) -> Board:
    """With the plans that are known, as far as they hold, and otherwise with some made at once."""
    places = {hazard: found.places(hazard, at_once.usable) for hazard in at_once.origins}
    return msgspec.structs.replace(found, made=at_once.plans(places, known, found.at))


_WORTH_M = {
    Crowding.HAS_ROOM: 0,
    Crowding.SOME: 500,
    None: 1_000,
    Crowding.CROWDED: 1_500,
    Crowding.FULL: 1_500,
}
"""How many more metres of way a better word is worth, where no plan says it: 500 m are some eight minutes. By the word
alone, whoever stands before a site that nobody has counted would be sent across the city to one that has room."""


def _order(
    row: Row, hazard: Hazard, near: Position | None, about: Position | None, plan: Plan | None
) -> tuple[bool, bool, float, float]:
    """What the plan counts on comes first: its room is in the plan, and the word says nothing more."""
    place, start = row.place(hazard), near or about
    way = way_m(start, place.position) if start else 0.0
    by_word = _WORTH_M[row.crowding] + (way if near else 0.0)
    by_plan = plan.rank_m(place.site, place.position, start) if plan and start and place.room else None
    return not place.verdict.recommended, by_plan is None, by_word if by_plan is None else by_plan, way


WORTH_SAYING = STALE_AFTER - timedelta(minutes=10)
"""So old may a count be in a text. One slow counter would else make the whole list too old to be sent."""


def _worth_saying(row: Row, now: datetime) -> bool:
    as_of = row.occupancy.as_of
    return as_of is None or now - as_of <= WORTH_SAYING


def _unsaid(row: Row) -> Row:
    """Named as one whose room is not known."""
    return msgspec.structs.replace(
        row, occupancy=Occupancy(site=row.site.code, version=row.occupancy.version)
    )


def _line(row: Row) -> ShelterLine:
    return ShelterLine(
        name=row.site.name.ja, latin=row.site.name.en, crowding=row.crowding, **row.disclosed._asdict()
    )
