"""The display on the wall of the 本部: what is live, who was reached, where there is room. It only looks.

Everybody in the room reads it, visitors and cameras too: so it names no person, staff or resident. It
follows by the stream of changes, and by reloading where there is no script.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub import codec, headquarters, targets
from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.capabilities import Unit
from hub.draft import State
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.headquarters import Standing
from hub.inbound import occasions
from hub.ledger import alerts, drafts, musters, ticks
from hub.ledger.alerts import Accepted
from hub.muster import Counts, Muster
from hub.place import Name
from hub.progress import progress
from operator_ui.changes import version_of
from operator_ui.map import Marker
from operator_ui.staff import areas, phrasing
from operator_ui.staff.compose import MAP
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, Console, page, part
from operator_ui.staff.glance import Look, glance, look_of
from operator_ui.staff.musters_page import counted
from operator_ui.staff.progress_view import Line, lines, total
from shelters.board import Board, Row

WALL = "wall"
"""What the display watches."""
MOST_ALERTS = 3
"""That fit on a screen; how many more there are is said."""
MOST_SITES = 8


class Sheet(NamedTuple):
    """Work by hand. `at` None: not done yet."""

    name: str
    at: datetime | None


class Showing(NamedTuple):
    """An alert in force. `people`: the sum of the channels that reach people."""

    accepted: Accepted
    title: Name
    lines: Sequence[Line]
    people: Line
    sheets: Sequence[Sheet]


class Waiting(NamedTuple):
    """A warning that nobody has answered yet. It names the office that issued it, and no person."""

    title: str
    level: Level | None
    since: datetime
    drill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What the ledger knows right now."""

    now: datetime
    showing: Sequence[Showing]
    waiting: Sequence[Waiting]
    submitted: int
    musters: Sequence[tuple[Muster, Counts]]
    """Staff who are being called together: how many, and no names."""
    standing: Standing | None
    target: int
    """Minutes; a decision that waits longer is marked."""

    @property
    def mode(self) -> Mode | None:
        """Live as soon as one alert is: a drill never covers what is real (I6)."""
        modes = [each.accepted.alert.mode for each in self.showing]
        return next((mode for mode in Mode if mode in modes), None)

    @property
    def late(self) -> int:
        return sum(self.now - each.since >= timedelta(minutes=self.target) for each in self.waiting)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/wall", show),
        web.get("/wall/live", fragment),
        web.get("/wall/changes", changes),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return page(request, "wall.html", **await _values(request))


async def fragment(request: web.Request) -> web.Response:
    """The part that changes, for the script to put in place."""
    authorise(request[ACTOR], Action.VIEW)
    return part(request, "wall_live.html", **await _values(request))


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    return await request.app[CHANGES].stream(request, WALL)


async def looks(console: Console) -> bytes:
    """What the display shows, as bytes that differ when it would. Passing minutes are no change."""
    wall = await console.ledger.read(lambda conn: _wall(conn, console))
    return _looks(wall, await console.board())


def _looks(wall: Wall, board: Board) -> bytes:
    return codec.encode(
        [
            [
                [each.accepted.alert.identifier, [[line.kind, *line.shares()] for line in each.lines]]
                for each in wall.showing
            ],
            [[each.accepted.number, *(sheet.at for sheet in each.sheets)] for each in wall.showing],
            [[each.title, each.since] for each in wall.waiting],
            [[muster.id, counts.shares()] for muster, counts in wall.musters],
            [wall.submitted, wall.late, board.version, wall.standing and wall.standing.number],
        ]
    )


async def _values(request: web.Request) -> dict[str, Any]:
    console = request.app[CONSOLE]
    wall = await console.ledger.read(lambda conn: _wall(conn, console))
    board = await console.board()
    shown = wall.showing[:MOST_ALERTS]
    hazard = next((each.accepted.alert.hazard for each in shown), Hazard.FLOOD)
    hazard = hazard if hazard.designable else Hazard.FLOOD
    sites = _sites(board, hazard)
    gravest = shown[0].accepted.alert if shown else None
    towns = areas.towns(gravest.targeting.audience, console.city) if gravest else frozenset()
    return {
        "wall": wall,
        "mode": wall.mode,
        "standing": wall.standing,
        "organisation": console.organisation,
        "shown": shown,
        "sites": sites[:MOST_SITES],
        "more_sites": max(0, len(sites) - MOST_SITES),
        "glance": glance(board, hazard),
        "map": request.app[MAP],
        "painted": towns,
        "area": gravest.area.description if gravest else "",
        "level": gravest.level if gravest else None,
        "markers": [_marker(number, row, look) for number, (row, look) in enumerate(sites, start=1)],
        "population": console.city.population(towns).total,
        "version": version_of(_looks(wall, board)),
    }


def _wall(conn: Connection, console: Console) -> Wall:
    now = console.clock()
    active = sorted(alerts.active(conn, console.keys, at=now), key=_gravity)
    return Wall(
        now=now,
        showing=[_showing(conn, console, each, now) for each in active],
        waiting=[
            Waiting(
                telegram.title,
                max((each.level for each in telegram.warnings if each.level is not None), default=None),
                telegram.issued_at,
                telegram.status.value != "通常",
            )
            for telegram in (occasion.telegram for occasion in occasions.waiting(conn))
        ],
        submitted=len(drafts.in_state(conn, State.SUBMITTED)),
        musters=[counted(conn, each) for each in musters.running(conn, console.keys)],
        target=targets.in_force(conn, console.keys, console.organisation.targets).decision_minutes,
        standing=headquarters.standing(conn, console.keys),
    )


def _gravity(accepted: Accepted) -> tuple[int, int, float]:
    """What is real before drills, then the gravest, then the newest."""
    alert = accepted.alert
    return list(Mode).index(alert.mode), -int(alert.level or 0), -alert.sent.timestamp()


def _showing(conn: Connection, console: Console, accepted: Accepted, now: datetime) -> Showing:
    alert = accepted.alert
    told = lines(progress(conn, alert.identifier, console.capabilities, now=now), console.capabilities)
    done = ticks.of_alert(conn, alert.identifier)
    sheets = [
        Sheet(target.name, done[target.ref].at if target.ref in done else None)
        for line in told
        if line.unit is Unit.SHEETS
        for target in console.targets.get(line.kind, ())
    ]
    sent = [line for line in told if line.unit is not Unit.SHEETS]
    people = total([line for line in sent if line.unit is Unit.PEOPLE])
    return Showing(accepted, phrasing.title_of(alert.infos, alert.hazard), sent, people, sheets)


def _sites(board: Board, hazard: Hazard) -> list[tuple[Row, Look]]:
    """Those that residents see too (I16), the fullest first: there somebody has to act."""
    shown = [(row, look_of(row, hazard)) for row in board.shown(hazard)]
    return sorted(shown, key=lambda each: (_URGENT.index(each[1]), -(each[0].people or 0)))


_URGENT = [Look.FULL, Look.CROWDED, Look.SOME, Look.UNKNOWN, Look.HAS_ROOM, *list(Look)[5:]]


def _marker(number: int, row: Row, look: Look) -> Marker:
    return Marker(
        position=row.site.position,
        label=str(number),
        title=f"{number} {row.site.name.ja} {look.japanese}",
        kind=f"w-{look.value}",
    )
