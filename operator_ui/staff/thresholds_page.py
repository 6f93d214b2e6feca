"""Numbers that staff may set over the city's files: when a count becomes a word, and when waiting is late."""

import re
from typing import NamedTuple

import msgspec
from aiohttp import web

from hub import codec, targets
from hub.authorise import Action, authorise
from hub.errors import BadInput, Conflict
from hub.ledger import revisions
from hub.ledger.revisions import Revision
from hub.targets import Targets
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from shelters import crowding
from shelters.crowding import Thresholds

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")


class Earlier(NamedTuple):
    """What was set, for the list below."""

    subject: str
    value: Thresholds | Targets
    revision: Revision


def routes() -> list[web.RouteDef]:
    return [
        web.get("/thresholds", show),
        web.post("/thresholds/crowding", set_crowding),
        web.post("/thresholds/targets", set_targets),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    return await _show(request)


async def set_crowding(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    typed = await form.read(request)
    try:
        given = Thresholds(
            some_from_percent=_percent(typed, "some_from_percent"),
            crowded_from_percent=_percent(typed, "crowded_from_percent"),
            full_from_percent=_percent(typed, "full_from_percent")
            if typed.text("full_from_percent")
            else None,
        )
        crowding.check(given)
    except BadInput as e:
        return await _refused(request, e)
    return await _keep(request, typed, crowding.SUBJECT, given)


async def set_targets(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    typed = await form.read(request)
    try:
        given = Targets(
            decision_minutes=_minutes(typed, "decision_minutes"),
            approval_minutes=_minutes(typed, "approval_minutes"),
        )
    except BadInput as e:
        return await _refused(request, e)
    return await _keep(request, typed, targets.SUBJECT, given)


async def _keep(request: web.Request, typed: Form, subject: str, given: Thresholds | Targets) -> web.Response:
    console = request.app[CONSOLE]
    try:
        await console.ledger.write(
            lambda conn: revisions.add(
                conn,
                console.keys,
                subject,
                codec.encode(given),
                seen=typed.number("revision") or 0,
                at=console.clock(),
                by=request[ACTOR].login,
                detail=msgspec.to_builtins(given),
            )
        )
    except Conflict as e:
        return await _show(request, Problem(subject, e.message), status=409)
    return see_other("/thresholds?saved")


async def _refused(request: web.Request, error: BadInput) -> web.Response:
    problem = Problem(error.path, error.message.removeprefix(f"{error.path}: "))
    return await _show(request, problem, status=422)


async def _show(request: web.Request, problem: Problem | None = None, *, status: int = 200) -> web.Response:
    console = request.app[CONSOLE]

    words = await _history(console, crowding.SUBJECT, Thresholds)
    minutes = await _history(console, targets.SUBJECT, Targets)
    typed = (await form.read(request)) if request.method == "POST" else None
    return page(
        request,
        "thresholds.html",
        status=status,
        crowding=words[0].value if words else console.thresholds,
        targets=minutes[0].value if minutes else console.organisation.targets,
        typed=typed if problem and status == 422 else None,
        crowding_revision=words[0].revision.number if words else 0,
        targets_revision=minutes[0].revision.number if minutes else 0,
        history=sorted([*words, *minutes], key=lambda each: each.revision.at, reverse=True),
        problems=[problem] if problem else [],
        saved="saved" in request.query,
    )


async def _history(console: Console, subject: str, kind: type[Thresholds | Targets]) -> list[Earlier]:
    found = await console.ledger.read(lambda conn: revisions.history(conn, console.keys, subject, limit=10))
    return [Earlier(subject, codec.decode(kind, each.value, what=subject), each) for each in found]


def _percent(typed: Form, field: str) -> float:
    text = typed.text(field)
    if not _PERCENT.fullmatch(text):
        raise BadInput(field, "0より大きく100以下の数を入れてください / A number above 0, and 100 at most")
    return float(text)


def _minutes(typed: Form, field: str) -> int:
    number = typed.number(field)
    if number is None or not 1 <= number <= 240:
        raise BadInput(field, "1から240までの数を入れてください / A number from 1 to 240")
    return number
