"""What was sent, the newest first."""

from aiohttp import web

from hub.authorise import Action, authorise
from hub.draft import State
from hub.ledger import alerts, drafts
from operator_ui.staff import phrasing
from operator_ui.staff.console import ACTOR, CONSOLE, page

MOST = 100


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    recent = await console.ledger.read(lambda conn: alerts.recent(conn, console.keys, limit=MOST))
    rejected = await console.ledger.read(lambda conn: drafts.in_state(conn, State.REJECTED))
    return page(
        request,
        "history.html",
        recent=[(each, phrasing.title_of(each.alert.infos, each.alert.hazard)) for each in recent],
        rejected=[(draft, phrasing.title(draft.message)) for draft in reversed(rejected)],
        now=console.clock(),
    )
