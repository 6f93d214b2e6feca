"""訓練: the year's plan, each drill with what was sent as it, its report to print, and the words afterwards."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from hub import drills
from hub.alert import Mode
from hub.authorise import Action, authorise, may
from hub.clock import JST, fiscal_year
from hub.drills import Drill, Kind, State
from hub.errors import BadInput, Conflict
from hub.ledger import accounts, alerts, musters
from hub.ledger.alerts import Accepted
from hub.muster import Counts, counts, said
from hub.place import Name
from hub.recipient import Called
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff import phrasing, report
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.pace import drawn

NEAR = timedelta(days=14)
"""Between a drill's day and what may have been sent as it."""
MODES = {Kind.RESIDENTS: Mode.RESIDENT_DRILL}
"""In which mode a drill of that kind is sent; the others as a staff drill."""
DRILLS = (Mode.STAFF_DRILL, Mode.RESIDENT_DRILL)
_YEAR = r"{year:[0-9]{4}}"
_ONE = f"/drills/{_YEAR}/{{drill:[0-9a-f]{{12}}}}"


class Row(NamedTuple):
    drill: Drill
    overdue: bool


class Sent(NamedTuple):
    """An alert, or the first call of a muster, that was, or may have been, sent as the drill."""

    accepted: Accepted
    title: Name
    linked: bool


def routes() -> list[web.RouteDef]:
    return [
        web.get("/drills", show_now),
        web.get(f"/drills/{_YEAR}", show),
        web.post(f"/drills/{_YEAR}", add),
        web.get(_ONE, show_one),
        web.post(_ONE, change),
        web.post(f"{_ONE}/alerts", link),
        web.post(f"{_ONE}/review", write_review),
        web.get(f"{_ONE}/report", show_report),
    ]


async def show_now(request: web.Request) -> web.Response:
    """This fiscal year's plan."""
    authorise(request[ACTOR], Action.VIEW)
    return see_other(f"/drills/{fiscal_year(_today(request))}")


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _plan(request)


async def add(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.COMPOSE)
    typed, year = await form.read(request), _year(request)
    try:
        drill = _from_form(typed, None)
        await _save(request, drill)
    except BadInput as e:
        return await _plan(request, typed=typed, problem=_problem(e), status=422)
    return see_other(f"/drills/{year}#drill-{drill.id}")


async def show_one(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _one(request)


async def change(request: web.Request) -> web.Response:
    """Day, kind, scenario, leader, and whether it was held or called off."""
    authorise(request[ACTOR], Action.COMPOSE)
    typed = await form.read(request)
    return await _changed(request, typed, lambda drill: _from_form(typed, drill))


async def link(request: web.Request) -> web.Response:
    """What was sent as this drill. With the first alert it was held, unless somebody says otherwise later."""
    authorise(request[ACTOR], Action.COMPOSE)
    typed = await form.read(request)

    def linked(drill: Drill) -> Drill:
        chosen = tuple(dict.fromkeys(typed.all("alert")))
        held = bool(chosen) and not drill.alerts and drill.state is State.PLANNED
        return msgspec.structs.replace(drill, alerts=chosen, state=State.HELD if held else drill.state)

    return await _changed(request, typed, linked)


async def write_review(request: web.Request) -> web.Response:
    """振り返り: what went well, what did not, what is changed by when."""
    authorise(request[ACTOR], Action.COMPOSE)
    typed, at = await form.read(request), request.app[CONSOLE].clock()
    by = request[ACTOR].login
    return await _changed(
        request,
        typed,
        lambda drill: msgspec.structs.replace(
            drill, review=typed.text("review"), reviewed_by=by, reviewed_at=at
        ),
    )


async def show_report(request: web.Request) -> web.Response:
    """What was sent, by whom, how fast, with what outcome, and what staff wrote afterwards; to print."""
    authorise(request[ACTOR], Action.VIEW)
    console, drill = request.app[CONSOLE], await _drill(request)
    sent = await console.ledger.read(
        lambda conn: [alerts.get(conn, console.keys, each) for each in drill.alerts]
    )
    told = [
        report.told(await report.figures_of(request, each)) | {"came": await _came(request, each)}
        for each in sorted(sent, key=lambda each: each.alert.sent)
    ]
    return page(
        request,
        "drill_report.html",
        drill=drill,
        told=told,
        drawn=drawn,
        now=console.clock(),
        names=await _names(request),
    )


async def _came(request: web.Request, sent: Accepted) -> Counts | None:
    """Who answered what, of a muster; None: it is none."""
    console, audience = request.app[CONSOLE], sent.alert.targeting.audience
    if not isinstance(audience, Called):
        return None
    muster, given = await console.ledger.read(
        lambda conn: (
            musters.get(conn, console.keys, audience.muster),
            musters.answers(conn, audience.muster),
        )
    )
    return counts(muster.roll.people, said(given))


async def _changed(request: web.Request, typed: Form, changed: Callable[[Drill], Drill]) -> web.Response:
    """Save what `changed` makes of the drill, if it still is what the form was made from."""
    drill = await _drill(request)
    try:
        if drill.version != typed.number("version"):
            raise Conflict(
                "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
            )
        await _save(request, changed(drill))
    except BadInput as e:
        return await _one(request, typed=typed, problem=_problem(e), status=422)
    except Conflict as e:
        return await _one(request, typed=typed, problem=Problem("drill", e.message), status=409)
    return see_other(f"/drills/{_year(request)}/{drill.id}")


async def _save(request: web.Request, drill: Drill) -> None:
    console, year = request.app[CONSOLE], _year(request)
    await console.ledger.write(
        lambda conn: drills.save(conn, console.keys, drill, request[ACTOR], year=year, at=console.clock())
    )


def _from_form(typed: Form, old: Drill | None) -> Drill:
    kind = typed.choice("kind", Kind)
    if kind is None:
        raise BadInput("kind", "訓練の種類を選んでください / Choose the kind of drill")
    try:
        day = date.fromisoformat(typed.text("day"))
    except ValueError as e:
        raise BadInput("day", "日付を入れてください / Give a date") from e
    scenario, leader = typed.text("scenario"), typed.text("leader")
    if old is None:
        return Drill(id=drills.new_id(), day=day, kind=kind, scenario=scenario, leader=leader)
    state = typed.choice("state", State) or old.state
    return msgspec.structs.replace(old, day=day, kind=kind, scenario=scenario, leader=leader, state=state)


def _problem(error: BadInput) -> Problem:
    return Problem(error.path, error.message.removeprefix(f"{error.path}: "))


async def _plan(
    request: web.Request, *, typed: Form | None = None, problem: Problem | None = None, status: int = 200
) -> web.Response:
    console, year, today = request.app[CONSOLE], _year(request), _today(request)
    found = await console.ledger.read(lambda conn: drills.plan(conn, console.keys, year))
    rows = [Row(drill, drill.overdue(today)) for drill in found]
    return page(
        request,
        "drills.html",
        status=status,
        year=year,
        this_year=fiscal_year(today),
        overdue=[row for row in rows if row.overdue],
        ahead=[row for row in rows if row.drill.state is State.PLANNED and not row.overdue],
        over=[row for row in rows if row.drill.state is not State.PLANNED],
        kinds=list(Kind),
        first=date(year, 4, 1),
        last=date(year + 1, 3, 31),
        typed=typed,
        problems=[problem] if problem else [],
        longest=drills.LONGEST,
        may_plan=may(request[ACTOR], Action.COMPOSE),
    )


async def _one(
    request: web.Request, *, typed: Form | None = None, problem: Problem | None = None, status: int = 200
) -> web.Response:
    console, drill, year = request.app[CONSOLE], await _drill(request), _year(request)
    sent = await console.ledger.read(lambda conn: _sent(conn, request, drill))
    return page(
        request,
        "drill.html",
        status=status,
        drill=drill,
        year=year,
        overdue=drill.overdue(_today(request)),
        sent=sent,
        mode=MODES.get(drill.kind, Mode.STAFF_DRILL),
        kinds=list(Kind),
        states=list(State),
        first=date(year, 4, 1),
        last=date(year + 1, 3, 31),
        typed=typed,
        problems=[problem] if problem else [],
        longest=drills.LONGEST,
        names=await _names(request),
        may_plan=may(request[ACTOR], Action.COMPOSE),
    )


def _sent(conn: Connection, request: web.Request, drill: Drill) -> list[Sent]:
    """What is linked, and the drills sent near its day that no other one of the plan has. By time."""
    console = request.app[CONSOLE]
    day = datetime.combine(drill.day, time(), JST)
    others = {
        alert
        for each in drills.plan(conn, console.keys, _year(request))
        if each.id != drill.id
        for alert in each.alerts
    }
    _, near = alerts.search(
        conn,
        console.keys,
        lambda each: each.alert.identifier not in others,
        modes=DRILLS,
        since=day - NEAR,
        before=day + NEAR + timedelta(days=1),
        limit=50,
    )
    called = [
        calls[-1]
        for muster in musters.recent(conn, console.keys)
        if muster.mode in DRILLS and day - NEAR <= muster.called_at < day + NEAR + timedelta(days=1)
        if (calls := alerts.of_muster(conn, console.keys, muster.id))
        and calls[-1].alert.identifier not in others
    ]
    linked = [alerts.get(conn, console.keys, each) for each in drill.alerts]
    found = {each.alert.identifier: each for each in (*near, *called, *linked)}
    return [
        Sent(each, phrasing.title_of(each.alert.infos, each.alert.hazard), identifier in drill.alerts)
        for identifier, each in sorted(found.items(), key=lambda item: item[1].alert.sent)
    ]


async def _drill(request: web.Request) -> Drill:
    console, year, wanted = request.app[CONSOLE], _year(request), request.match_info["drill"]
    return await console.ledger.read(lambda conn: drills.get(conn, console.keys, year, wanted))


async def _names(request: web.Request) -> dict[str, str]:
    everyone = await request.app[CONSOLE].ledger.read(accounts.everyone)
    return {each.actor.login: each.actor.name for each in everyone}


def _today(request: web.Request) -> date:
    return request.app[CONSOLE].clock().astimezone(JST).date()


def _year(request: web.Request) -> int:
    return int(request.match_info["year"])
