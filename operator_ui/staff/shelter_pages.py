"""Shelters, for staff: the list, and one site's page with its steps and the report of who is inside."""

from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from aiohttp import web
from sqlalchemy import Connection

from hub.alert import Mode
from hub.authorise import Action, authorise, may
from hub.clock import JST
from hub.errors import BadInput, Conflict, HubError
from hub.hazard import DESIGNABLE, Hazard
from hub.ledger import accounts, alerts, audit
from hub.shelter_list import Crowding
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.glance import Look, glance, look_of
from shelters import record
from shelters.board import Board, Row
from shelters.crowding import JAPANESE, LEAST_FIRST
from shelters.record import Report
from shelters.shelter import TRANSITIONS, IllegalStep, Stage, Step

log = structlog.get_logger(__name__)

OPENING_STEPS = (
    Stage.PREPARING,
    Stage.STAFF_ARRIVED,
    Stage.UNLOCKED,
    Stage.SAFETY_CHECKED,
    Stage.RECEIVING,
)
NEEDS = ("水", "食料", "毛布", "トイレ", "医薬品", "ミルク・おむつ", "通訳", "人手")
"""What is asked for most; the note says the rest."""


async def show_all(request: web.Request) -> web.Response:
    """Those with people in them first, the fullest on top; then what is being opened; then the rest."""
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    board, hazard = await console.board(), await _hazard(request, console)
    rows = sorted(board.rows, key=lambda row: _order(row, hazard))
    return page(
        request,
        "shelters.html",
        now=board.at,
        hazard=hazard,
        hazards=[each for each in Hazard if each in DESIGNABLE],
        glance=glance(board, hazard),
        rows=[(row, look_of(row, hazard)) for row in rows],
    )


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _show(request, _row(await request.app[CONSOLE].board(), request))


async def take_step(request: web.Request) -> web.Response:
    """One step; refused when somebody else took one since the page was opened, or people are inside."""
    authorise(request[ACTOR], Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row = _row(await console.board(), request)
    try:
        step = _step(row, typed, by=request[ACTOR].login, now=console.clock())
        await console.ledger.write(lambda conn: _record_step(conn, console, step, row.people))
    except (IllegalStep, Conflict, BadInput) as e:
        return await _show(request, row, problems=[_problem(e, "step")], status=_status(e))
    return see_other(f"/shelters/{row.site.code}")


async def report(request: web.Request) -> web.Response:
    """Who is inside. In the ledger first; the board follows within moments."""
    authorise(request[ACTOR], Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row = _row(await console.board(), request)
    given = _report(row, typed, by=request[ACTOR].login, now=console.clock())
    try:
        await console.ledger.write(lambda conn: _record_report(conn, console, given))
    except BadInput as e:
        return await _show(request, row, problems=[_problem(e, e.path)], status=422)
    await _publish(console, given)
    return see_other(f"/shelters/{row.site.code}?reported")


async def _publish(console: Console, given: Report) -> None:
    """A report that the transport loses is found again in the ledger by whoever keeps the occupancy."""
    reading = record.reading(given, received_at=console.clock())
    if reading is None:
        return
    try:
        await console.report(reading)
    except HubError as e:
        log.warning("a shelter report is not published yet", site=given.site, error=str(e))


async def _show(
    request: web.Request, row: Row, *, problems: list[Problem] | None = None, status: int = 200
) -> web.Response:
    console, site = request.app[CONSOLE], row.site.code
    steps = await console.ledger.read(lambda conn: record.history(conn, site))
    latest = await console.ledger.read(lambda conn: record.latest_report(conn, site))
    hazard = await _hazard(request, console)
    return page(
        request,
        "shelter.html",
        status=status,
        now=console.clock(),
        row=row,
        look=look_of(row, hazard),
        hazard=hazard,
        steps=steps,
        names=await console.ledger.read(_names),
        opening=OPENING_STEPS,
        next_stages=TRANSITIONS[row.step.stage],
        stage=Stage,
        crowdings=[(each, JAPANESE[each]) for each in LEAST_FIRST],
        needs=NEEDS,
        latest=latest,
        report_id=str(uuid4()),
        problems=problems or [],
        reported="reported" in request.query,
        may_report=may(request[ACTOR], Action.REPORT_SHELTER),
    )


def _row(board: Board, request: web.Request) -> Row:
    wanted = request.match_info["site"]
    row = next((row for row in board.rows if row.site.code == wanted), None)
    if row is None:
        raise web.HTTPNotFound
    return row


async def _hazard(request: web.Request, console: Console) -> Hazard:
    """As asked for, else that of the alert in force, else flood."""
    asked = request.query.get("hazard", "")
    if asked in DESIGNABLE:
        return Hazard(asked)
    active = await console.ledger.read(lambda conn: alerts.active(conn, console.keys, at=console.clock()))
    hazards = (each.alert.hazard for each in active if each.alert.mode is Mode.LIVE)
    return next((hazard for hazard in hazards if hazard.designable), Hazard.FLOOD)


def _order(row: Row, hazard: Hazard) -> tuple[int, float]:
    look = look_of(row, hazard)
    people = row.people if row.people is not None else -1
    share = people / row.site.capacity if row.site.capacity else people / 100_000
    return _RANKS[look], -share


_RANKS = {
    Look.FULL: 0,
    Look.CROWDED: 1,
    Look.SOME: 2,
    Look.UNKNOWN: 3,
    Look.HAS_ROOM: 4,
    Look.PAUSED: 5,
    Look.PLANNED: 6,
    Look.NOT_OPEN: 7,
    Look.UNSUITED: 8,
}


def _step(row: Row, typed: Form, *, by: str, now: datetime) -> Step:
    stage = typed.choice("stage", Stage)
    if stage is None:
        raise BadInput("stage", "次の段階を選んでください / Choose the next step")
    return Step(
        site=row.site.code,
        number=(typed.number("seen") or 0) + 1,
        stage=stage,
        at=now,
        by=by,
        opens_at=_opens_at(typed.text("opens_at"), now) or (row.step.opens_at if stage.opening else None),
        note=typed.text("note"),
    )


def _opens_at(text: str, now: datetime) -> datetime | None:
    """「22:30」: the next time that the clock shows this."""
    if not text:
        return None
    try:
        hour, minute = (int(part) for part in text.split(":"))
        local = now.astimezone(JST).replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError as e:
        raise BadInput(
            "opens_at", "開設予定の時刻を 22:30 のように入れてください / A time such as 22:30"
        ) from e
    return local if local > now else local + timedelta(days=1)


def _record_step(conn: Connection, console: Console, step: Step, people: int | None) -> None:
    record.take_step(conn, step, people=people, recorded_at=console.clock())
    audit.append(
        conn,
        console.keys,
        at=step.at,
        actor=step.by,
        action="shelter.step",
        subject=step.site,
        detail={"number": step.number, "stage": step.stage},
    )


def _record_report(conn: Connection, console: Console, given: Report) -> None:
    record.report(conn, given, recorded_at=console.clock())
    audit.append(
        conn,
        console.keys,
        at=given.at,
        actor=given.by,
        action="shelter.report",
        subject=given.site,
        detail={"report": given.id, "people": given.people, "crowding": given.crowding},
    )


def _report(row: Row, typed: Form, *, by: str, now: datetime) -> Report:
    chosen = typed.all("need")
    return Report(
        id=typed.text("id")[:64] or str(uuid4()),
        site=row.site.code,
        at=now,
        by=by,
        people=typed.number("people"),
        households=typed.number("households"),
        need_support=typed.number("need_support"),
        crowding=typed.choice("crowding", Crowding),
        needs=tuple(need for need in NEEDS if need in chosen),
        note=typed.text("note"),
    )


def _problem(error: HubError, field: str) -> Problem:
    prefix = f"{error.path}: " if isinstance(error, BadInput) else ""
    return Problem(field, error.message.removeprefix(prefix))


def _status(error: HubError) -> int:
    return status_of(error) if isinstance(error, Conflict) else 422


def _names(conn: Connection) -> dict[str, str]:
    return {account.actor.login: account.actor.name for account in accounts.everyone(conn)}
