"""The stage of the headquarters: setting it, with the time it was decided, and how it came to be."""

from aiohttp import web

from hub import headquarters
from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict
from hub.ledger import accounts
from operator_ui import form
from operator_ui.form import Problem
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.draft_form import local_time


def routes() -> list[web.RouteDef]:
    return [web.get("/headquarters", show), web.post("/headquarters", set_stage)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _show(request)


async def set_stage(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.SET_STAGE)
    console, typed = request.app[CONSOLE], await form.read(request)
    if not typed.ticked("stage"):
        return await _show(request, Problem("stage", "体制を選んでください / Choose a stage"), status=422)
    try:
        since = typed.moment("since")
        if since is None:
            raise BadInput("since", "決めた時刻を入れてください / Say when it was decided")
        await console.ledger.write(
            lambda conn: headquarters.set_stage(
                conn,
                console.keys,
                console.organisation,
                typed.text("stage"),
                request[ACTOR],
                since=since,
                note=typed.text("note"),
                seen=typed.number("seen") or 0,
                at=console.clock(),
            )
        )
    except BadInput as e:
        return await _show(request, Problem(e.path, e.message.removeprefix(f"{e.path}: ")), status=422)
    except Conflict as e:
        return await _show(request, Problem("stage", e.message), status=409)
    return see_other("/headquarters")


async def _show(request: web.Request, problem: Problem | None = None, *, status: int = 200) -> web.Response:
    console = request.app[CONSOLE]
    history = await console.ledger.read(lambda conn: headquarters.history(conn, console.keys))
    people = await console.ledger.read(accounts.everyone)
    return page(
        request,
        "headquarters.html",
        status=status,
        standing=history[0] if history else None,
        history=history,
        names={each.actor.login: each.actor.name for each in people},
        organisation=console.organisation,
        local_now=local_time(console.clock()),
        problems=[problem] if problem else [],
        may_set=may(request[ACTOR], Action.SET_STAGE),
    )
