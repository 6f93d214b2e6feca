"""The first page: what waits for somebody, what is being sent, and two ways in that nobody confuses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub import codec, headquarters, scheduling, targets
from hub.authorise import Action, Actor, authorise, may
from hub.capabilities import Unit
from hub.channel import Health
from hub.disk import Room
from hub.draft import Draft, State
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.headquarters import Standing
from hub.health import SILENT_AFTER
from hub.inbound import occasions
from hub.inbound.occasions import Occasion
from hub.inbound.warning import Suggestion
from hub.ledger import accounts, alerts, audit, dead_letters, drafts, musters
from hub.ledger.alerts import Accepted
from hub.muster import Counts, Muster
from hub.outage import Outage
from hub.page import acknowledge, unacknowledged
from hub.place import Name
from hub.progress import progress
from hub.targets import Targets
from operator_ui.changes import version_of
from operator_ui.staff import (
    decisions,
    musters_page,
    phrasing,
    public_notices_page,
    review,
    schedule_pages,
    wifi_page,
)
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, HEADCOUNTS, ROW, Console, page, see_other
from operator_ui.staff.glance import glance
from operator_ui.staff.progress_view import Line, lines, total


class Active(NamedTuple):
    """An alert in force. `people`: the sum over the channels that reach people."""

    accepted: Accepted
    title: Name
    people: Line


class Decision(NamedTuple):
    """`level`: the gravest that the telegram names."""

    occasion: Occasion
    suggestion: Suggestion | None
    level: Level | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the ledger knows right now."""

    active: Sequence[Active]
    submitted: Sequence[Draft]
    scheduled: Sequence[Draft]
    """The next one first."""
    editing: Sequence[Draft]
    decisions: Sequence[Decision]
    pages: Sequence[tuple[int, datetime, str, str]]
    names: Mapping[str, str]
    letters: int
    """Dead letters that nobody has looked at."""
    targets: Targets
    standing: Standing | None
    """How far the headquarters has grown."""
    unreviewed: int
    """Accounts that the yearly review still waits for."""
    musters: Sequence[tuple[Muster, Counts]]
    """Staff who are being called together."""


class Down(NamedTuple):
    """A channel that takes nothing, or does not answer its probe."""

    kind: str
    since: datetime


def down(capabilities: Iterable[str], health: Mapping[str, Health], outages: Sequence[Outage]) -> list[Down]:
    """A quota that is used up is an answer too."""
    found = []
    for kind in capabilities:
        known = health.get(kind)
        times = [each.since for each in outages if each.channel == kind]
        if known and not known.ok and known.remaining != 0:
            times.append(known.failing_since or known.checked_at)
        if times:
            found.append(Down(kind, min(times)))
    return found


HOME = "home"
"""What the page of this name watches."""


def routes() -> list[web.RouteDef]:
    return [
        web.get("/", show),
        web.get("/changes", changes),
        web.post(rf"/pages/{{page:{ROW}}}/acknowledge", acknowledge_page),
    ]


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    return await request.app[CHANGES].stream(request, HOME)


async def looks(console: Console) -> bytes:
    """What waits and what is live, as bytes that differ when the page would."""
    situation = await console.ledger.read(lambda conn: _situation(conn, console))
    return codec.encode(
        [
            [[each.accepted.alert.identifier, each.people.shares()] for each in situation.active],
            [[draft.id, draft.version, draft.asked] for draft in (*situation.submitted, *situation.editing)],
            [
                [draft.id, draft.schedule, draft.schedule.phase(console.clock())]
                for draft in situation.scheduled
                if draft.schedule
            ],
            [decision.occasion.id for decision in situation.decisions],
            [[muster.id, counted.shares()] for muster, counted in situation.musters],
            [[page[0], page[3]] for page in situation.pages],
            [
                situation.letters,
                _disk(console),
                situation.unreviewed,
                situation.standing and situation.standing.number,
            ],
            [[each.channel, each.lane] for each in await console.outages()],
            [kind for kind, health in (await console.health()).items() if not health.ok],
            (await wifi_page.situation(console)).due,
        ]
    )


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    situation = await console.ledger.read(lambda conn: _situation(conn, console))
    board = await console.board()
    health, outages = await console.health(), await console.outages()
    hazard = next((each.accepted.alert.hazard for each in situation.active), Hazard.FLOOD)
    return page(
        request,
        "home.html",
        now=console.clock(),
        situation=situation,
        version=version_of(await looks(console)),
        title=phrasing.title,
        scheduled=[
            found
            for draft in situation.scheduled
            if (found := schedule_pages.shown(draft, request[ACTOR], console.clock()))
        ],
        health=health,
        down=down(console.capabilities, health, outages),
        silent_after=SILENT_AFTER,
        to_enter=await public_notices_page.waiting(console, board),
        outages=outages,
        capabilities=console.capabilities,
        shelters=glance(board, hazard if hazard.designable else Hazard.FLOOD),
        staff=await request.app[HEADCOUNTS].staff(),
        may_compose=may(request[ACTOR], Action.COMPOSE),
        may_call=may(request[ACTOR], Action.CALL_STAFF),
        disk=_disk(console),
        standing=situation.standing,
        organisation=console.organisation,
        wifi=await wifi_page.situation(console),
        keep_hours=wifi_page.KEEP_HOURS,
        review=await console.ledger.read(lambda conn: review.notice(conn, console, request[ACTOR])),
    )


async def acknowledge_page(request: web.Request) -> web.Response:
    """「対応します」: somebody took it on."""
    authorise(request[ACTOR], Action.COMPOSE)
    console = request.app[CONSOLE]
    number = int(request.match_info["page"])
    await console.ledger.write(lambda conn: _acknowledge(conn, console, number, request[ACTOR]))
    return see_other("/")


def _acknowledge(conn: Connection, console: Console, number: int, actor: Actor) -> None:
    at = console.clock()
    acknowledge(conn, number, actor, at=at)
    audit.append(
        conn, console.keys, at=at, actor=actor.login, action="page.acknowledge", subject=f"page {number}"
    )


def _situation(conn: Connection, console: Console) -> Situation:
    now = console.clock()
    scheduled = sorted(
        drafts.in_state(conn, State.SCHEDULED), key=lambda draft: draft.schedule.at if draft.schedule else now
    )
    asking = {scheduling.topic(draft) for draft in scheduled}
    return Situation(
        active=[_active(conn, console, each, now) for each in alerts.active(conn, console.keys, at=now)],
        submitted=drafts.in_state(conn, State.SUBMITTED),
        scheduled=scheduled,
        editing=drafts.in_state(conn, State.EDITING),
        decisions=[
            Decision(occasion, suggestion, _gravest(occasion))
            for occasion in occasions.waiting(conn)
            for suggestion in decisions.suggestions(occasion, console.city) or (None,)
        ],
        pages=[each for each in unacknowledged(conn) if each[2] not in asking],  # their cards ask
        names={account.actor.login: account.actor.name for account in accounts.everyone(conn)},
        letters=dead_letters.unseen(conn),
        targets=targets.in_force(conn, console.keys, console.organisation.targets),
        standing=headquarters.standing(conn, console.keys),
        unreviewed=len(review.known(conn, console).pending),
        musters=[musters_page.counted(conn, each) for each in musters.running(conn, console.keys)],
    )


def _disk(console: Console) -> str:
    """What to do about the room on the disk; empty while there is enough."""
    if console.disk is None or console.disk.room() is Room.ENOUGH:
        return ""
    return console.disk.warning()


def _gravest(occasion: Occasion) -> Level | None:
    levels = (warned.level for warned in occasion.telegram.warnings if warned.level is not None)
    return max(levels, default=None)


def _active(conn: Connection, console: Console, accepted: Accepted, now: datetime) -> Active:
    alert = accepted.alert
    tallies = progress(conn, alert.identifier, console.capabilities, now=now)
    people = [line for line in lines(tallies, console.capabilities) if line.unit is Unit.PEOPLE]
    return Active(accepted, phrasing.title_of(alert.infos, alert.hazard), total(people))
