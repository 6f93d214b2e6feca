"""The trial call: staff type a registered number, and it rings once (`hub.trial`)."""

from aiohttp import web

from hub.authorise import Action, authorise
from hub.delivery import REACHED, Result
from hub.errors import BadInput, Conflict
from hub.ledger import trials
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Problem
from operator_ui.staff.console import ACTOR, CONSOLE, page


def routes() -> list[web.RouteDef]:
    return [web.get("/trial-call", show), web.post("/trial-call", call)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.TRY_CALL)
    return await _page(request)


async def call(request: web.Request) -> web.Response:
    """The number stays in this one request: it is in no address and in no answer."""
    authorise(request[ACTOR], Action.TRY_CALL)
    console = request.app[CONSOLE]
    typed = await form.read(request)
    if console.try_call is None:
        raise web.HTTPNotFound
    try:
        return await _page(request, tried=await console.try_call(typed.text("number"), request[ACTOR]))
    except (BadInput, Conflict) as e:
        return await _page(
            request, status=status_of(e), problems=[Problem("number", e.message.removeprefix("number: "))]
        )


async def _page(
    request: web.Request,
    *,
    status: int = 200,
    tried: Result | None = None,
    problems: list[Problem] | None = None,
) -> web.Response:
    return page(
        request,
        "trial_call.html",
        status=status,
        there=request.app[CONSOLE].try_call is not None,
        tried=tried,
        counted=await request.app[CONSOLE].ledger.read(trials.counted),
        taken=tried is not None and tried.outcome in REACHED,
        problems=problems or [],
    )
