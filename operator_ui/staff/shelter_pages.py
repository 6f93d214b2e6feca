"""One shelter's page, for staff: its steps with the manual to tick, and the report of who is inside.

A step, a report or a tick may have waited offline in the browser: it comes with the device's time, and with an id
or its number, and a script asks for the answer as JSON. As plain forms all of them work without.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import hdrs, web
from sqlalchemy import Connection

from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict, HubError
from hub.ledger import accounts, audit
from hub.shelter_list import Crowding
from operator_ui import form, words
from operator_ui.changes import version_of
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.moments import clock
from operator_ui.staff import device_time, outlook, shelter_hazards, shelter_look, shelter_steps
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, LINK, PAGES, Console, page, part, see_other
from operator_ui.staff.device_time import happened
from operator_ui.staff.glance import look_of
from operator_ui.staff.shelter_row import row_of
from shelters import checklist, record
from shelters import link as links
from shelters.board import Row
from shelters.checklist import Tick
from shelters.crowding import JAPANESE, LEAST_FIRST
from shelters.manual import BEFORE, Item
from shelters.occupancy import STAFF_INTERVAL
from shelters.record import Report
from shelters.shelter import INHABITED, OPENING_ORDER, TRANSITIONS, IllegalStep, Stage, Step
from shelters.site import SiteCode
from shelters.support import Support

log = structlog.get_logger(__name__)

NEEDS = ("水", "食料", "毛布", "トイレ", "医薬品", "ミルク・おむつ", "通訳", "人手")
"""What is asked for most; the note says the rest."""


def routes() -> list[web.RouteDef]:
    return [
        web.get("/shelters/{site}", show),
        web.get("/shelters/{site}/live", fragment),
        web.get("/shelters/{site}/changes", changes),
        web.post("/shelters/{site}/step", take_step),
        web.post("/shelters/{site}/report", report),
        web.post("/shelters/{site}/ticks", tick),
    ]


async def show(request: web.Request) -> web.Response:
    _authorise(request, Action.VIEW)
    return await _show(request, row_of(await request.app[CONSOLE].board(), request))


async def fragment(request: web.Request) -> web.Response:
    """The same page: the script takes the parts of it that live."""
    _authorise(request, Action.VIEW)
    return part(
        request, "shelter.html", **await _values(request, row_of(await request.app[CONSOLE].board(), request))
    )


async def changes(request: web.Request) -> web.StreamResponse:
    _authorise(request, Action.VIEW)
    row = row_of(await request.app[CONSOLE].board(), request)
    return await request.app[CHANGES].stream(request, shelter_look.subject(row))


async def take_step(request: web.Request) -> web.Response:
    """One step; refused when somebody else took one since the page was opened, or people are inside.

    It stands at the time of the tap, though never before the step that it follows. With 受入開始 comes the number
    inside: doors tell change only, so that counting begins from it.
    """
    _authorise(request, Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row = row_of(await console.board(), request)
    try:
        step = _step(row, typed, by=request[ACTOR].login, now=console.clock())
        await shelter_steps.take(console, step, people=row.people, device_at=typed.text("at"))
        if step.stage is Stage.RECEIVING and typed.text("inside"):
            await _give(console, _count_inside(step, typed))
    except (IllegalStep, Conflict, BadInput) as e:
        return await _refused(request, row, Problem("step", shelter_steps.told(e)), _status(e))
    return _taken(request, _base(request, row))


async def report(request: web.Request) -> web.Response:
    """Who is inside. In the ledger first; the board follows within moments."""
    _authorise(request, Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row = row_of(await console.board(), request)
    given = _report(row, typed, by=request[ACTOR].login, now=console.clock())
    try:
        await _give(console, given, device_at=typed.text("at"))
    except BadInput as e:
        return await _refused(request, row, Problem(e.path, shelter_steps.told(e)), 422)
    return _taken(request, f"{_base(request, row)}?reported")


async def tick(request: web.Request) -> web.Response:
    """One item of the manual is done, or was ticked by mistake."""
    _authorise(request, Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row, item = row_of(await console.board(), request), typed.choice("item", Item)
    if item is None:
        return await _refused(request, row, Problem("step", "項目がありません / There is no such item"), 422)
    given = Tick(
        id=typed.text("id")[:64] or str(uuid4()),
        site=row.site.code,
        opening=typed.number("opening") or 0,
        item=item,
        done=typed.text("done") == "yes",
        at=happened(typed.text("at"), console.clock()),
        by=request[ACTOR].login,
    )
    try:
        await console.ledger.write(lambda conn: _record_tick(conn, console, given))
    except Conflict as e:
        return await _refused(request, row, Problem("step", e.message), status_of(e))
    return _taken(request, f"{_base(request, row)}#step")


async def _give(console: Console, given: Report, *, device_at: str = "") -> None:
    await console.ledger.write(lambda conn: _record_report(conn, console, given, device_at))
    reading = record.reading(given, received_at=console.clock())
    if reading is None:
        return
    try:
        await console.report(reading)
    except HubError as e:  # whoever keeps the occupancy finds it in the ledger
        log.warning("a shelter report is not published yet", site=given.site, error=str(e))


async def _show(
    request: web.Request, row: Row, *, problems: list[Problem] | None = None, status: int = 200
) -> web.Response:
    values = await _values(request, row)
    return page(request, "shelter.html", status=status, **(values | {"problems": problems or []}))


async def _values(request: web.Request, row: Row) -> dict[str, Any]:
    console, site = request.app[CONSOLE], row.site.code
    steps = await console.ledger.read(lambda conn: record.history(conn, site))
    begun = checklist.opening(steps)
    latest = await console.ledger.read(lambda conn: record.latest_report(conn, site))
    hazard = shelter_hazards.shown(request, await shelter_hazards.live(console))
    now = console.clock()
    seen = outlook.outlook(row, now)
    return {
        "version": version_of(await console.ledger.read(lambda conn: shelter_look.look(conn, row))),
        "now": now,
        "base": _base(request, row),
        "row": row,
        "look": look_of(row, hazard),
        "hazard": hazard,
        "inhabited": INHABITED,
        "outlook": seen,
        "was": await outlook.past_of(row, console.samples, now) if seen else [],
        "drawn": outlook.drawn,
        "for_a_table": outlook.for_a_table,
        "steps": steps[begun - 1 :] if begun else steps,
        "names": await console.ledger.read(lambda conn: _names(conn, site)),
        "opening": OPENING_ORDER,
        "begun": begun,
        "before": BEFORE,
        "ticked": await console.ledger.read(lambda conn: checklist.ticked(conn, site, begun)),
        "ways": list(_ways()),
        "stage": Stage,
        "crowdings": [(each, JAPANESE[each]) for each in LEAST_FIRST],
        "needs": NEEDS,
        "kinds": list(Support),
        "latest": latest,
        "due": latest.report.at + STAFF_INTERVAL if latest else None,
        "new_id": lambda: str(uuid4()),
        "problems": [],
        "reported": "reported" in request.query,
        "may_report": LINK in request or may(request[ACTOR], Action.REPORT_SHELTER),
        "may_invite": may(request[ACTOR], Action.INVITE_SHELTER),
        "links": await console.ledger.read(lambda conn: links.of_site(conn, site)),
        "uncovered": console.devices.uncovered(site),
    }


def _ways() -> Iterator[tuple[Stage, list[Stage]]]:
    """Each button of the steps, and the stages at which it is there: calling an opening off has words of its own."""
    for to in Stage:
        at = [each for each in Stage if to in TRANSITIONS[each]]
        for together in ([each for each in at if each.opening], [each for each in at if not each.opening]):
            if together:
                yield to, together


def _authorise(request: web.Request, action: Action) -> None:
    """Whoever comes by a link holds no role, and may look at its own shelter and report of it."""
    if LINK not in request:
        authorise(request[ACTOR], action)


def _base(request: web.Request, row: Row) -> str:
    """Under which address the page and its forms are for whoever asks."""
    return "/here" if LINK in request else f"/shelters/{row.site.code}"


async def _refused(request: web.Request, row: Row, problem: Problem, status: int) -> web.Response:
    if _wants_json(request):
        language = request.app[PAGES].language(request)
        return web.json_response({"said": words.one_language(problem.message, language)}, status=status)
    return await _show(request, row, problems=[problem], status=status)


def _taken(request: web.Request, path: str) -> web.Response:
    return web.json_response({}) if _wants_json(request) else see_other(path)


def _wants_json(request: web.Request) -> bool:
    return request.headers.get(hdrs.ACCEPT, "") == "application/json"


def _step(row: Row, typed: Form, *, by: str, now: datetime) -> Step:
    stage = typed.choice("stage", Stage)
    if stage is None:
        raise BadInput("stage", "次の段階を選んでください / Choose the next step")
    at = max(happened(typed.text("at"), now), row.step.at)
    return Step(
        site=row.site.code,
        number=(typed.number("seen") or 0) + 1,
        stage=stage,
        at=at,
        by=by,
        opens_at=shelter_steps.opens_at(typed.text("opens_at"), at)
        or (row.step.opens_at if stage.opening else None),
        note=typed.text("note"),
    )


def _count_inside(step: Step, typed: Form) -> Report:
    return Report(
        id=f"{step.site}-{step.number}", site=step.site, at=step.at, by=step.by, people=typed.number("inside")
    )


def _report(row: Row, typed: Form, *, by: str, now: datetime) -> Report:
    chosen = typed.all("need")
    counted = {kind: typed.number(f"support-{kind}") for kind in Support}
    return Report(
        id=typed.text("id")[:64] or str(uuid4()),
        site=row.site.code,
        at=happened(typed.text("at"), now),
        by=by,
        people=typed.number("people"),
        households=typed.number("households"),
        need_support=typed.number("need_support"),
        crowding=typed.choice("crowding", Crowding),
        needs=tuple(need for need in NEEDS if need in chosen),
        support={kind: number for kind, number in counted.items() if number is not None},
        note=typed.text("note"),
    )


def _record_report(conn: Connection, console: Console, given: Report, device_at: str) -> None:
    if not record.report(conn, given, recorded_at=console.clock()):
        return
    detail = {"report": given.id, "people": given.people, "crowding": given.crowding}
    _audit(conn, console, given, "shelter.report", detail | device_time.told(device_at))


def _record_tick(conn: Connection, console: Console, given: Tick) -> None:
    begun = checklist.opening(record.history(conn, given.site))
    if not checklist.record(conn, given, begun=begun, recorded_at=console.clock()):
        return
    detail = {"item": given.item, "done": given.done, "opening": given.opening}
    _audit(conn, console, given, "shelter.tick", detail)


def _audit(
    conn: Connection, console: Console, given: Report | Tick, action: str, detail: dict[str, object]
) -> None:
    """At the time it came to us: when it happened stands in what it is about."""
    audit.append(
        conn,
        console.keys,
        at=console.clock(),
        actor=given.by,
        action=action,
        subject=given.site,
        detail=detail,
    )


def _status(error: HubError) -> int:
    return status_of(error) if isinstance(error, Conflict) else 422


def _names(conn: Connection, site: SiteCode) -> dict[str, str]:
    """What stands for each login; a link's is said by the time it was made at."""
    names = {account.actor.login: account.actor.name for account in accounts.everyone(conn)}
    return names | {link.login: f"QR {clock(link.created_at)}" for link in links.of_site(conn, site)}
