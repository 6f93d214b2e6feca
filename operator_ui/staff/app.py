"""The console as a web application. Wired, not started: whoever builds it decides where it listens."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.authorise import Action, may
from hub.language import Language
from operator_ui.changes import Changes
from operator_ui.map import CityMap
from operator_ui.pages import FOLDER, Pages
from operator_ui.staff import (
    alert_page,
    approve,
    compose,
    dead_letters,
    decisions,
    history,
    home,
    new,
    shelter_pages,
    sign_in,
)
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, CSRF, HEADCOUNTS, PAGES, Console
from operator_ui.staff.guard import guard
from operator_ui.staff.headcount import Headcounts
from operator_ui.staff.sessions import Sessions

FORM_BYTES = 512 * 1024
"""A form with eight languages of text is some 40 KB."""
_ROW = r"[0-9]{1,9}"
"""The number of a row: no longer than every database takes."""


def create_app(console: Console) -> web.Application:
    """Pages, forms and live updates of the console, behind sign-in. Must be made in the running loop."""
    app = web.Application(client_max_size=FORM_BYTES)
    pages = Pages(
        templates=[Path(str(FOLDER / "staff" / "templates"))],
        styles=[FOLDER / "staff.css"],
        https=console.https,
        context=partial(_context, console),
    )
    sessions = Sessions(ledger=console.ledger, keys=console.keys, clock=console.clock, https=console.https)
    changes = Changes(partial(_looks, console), console.background)
    app[CONSOLE], app[PAGES], app[CHANGES] = console, pages, changes
    app[HEADCOUNTS] = Headcounts(console.ledger, console.keys, console.city, console.capabilities)
    app[sign_in.SESSIONS], app[compose.MAP] = sessions, CityMap(console.city)
    pages.setup(app)
    app.middlewares.append(guard(sessions))
    app.on_shutdown.append(changes.close)
    app.add_routes(_routes())
    return app


async def _looks(console: Console, subject: str) -> bytes:
    return await (home.looks(console) if subject == home.HOME else alert_page.looks(console, subject))


def _context(console: Console, request: web.Request) -> Mapping[str, Any]:
    """What every page of the console may use. Before signing in there is no `actor`."""
    actor = request.get(ACTOR)
    return {
        "actor": actor,
        "csrf": request.get(CSRF, ""),
        "rehearsal": console.deployment.value == "rehearsal",
        "city_ja": console.city.names[Language.JA],
        "city_en": console.city.names[Language.EN],
        "may": lambda action: actor is not None and may(actor, Action(action)),
    }


def _routes() -> list[web.RouteDef]:
    return [
        web.get("/signin", sign_in.show),
        web.post("/signin", sign_in.sign_in),
        web.post("/signout", sign_in.sign_out),
        web.get("/language/{language}", sign_in.choose_language),
        web.get("/", home.show),
        web.get("/changes", home.changes),
        web.post(rf"/pages/{{page:{_ROW}}}/acknowledge", home.acknowledge_page),
        web.post(rf"/occasions/{{occasion:{_ROW}}}/not-yet", decisions.not_yet),
        web.get("/new/{mode}", new.show),
        web.post("/new/{mode}", new.begin),
        web.get("/drafts/{draft}", approve.show),
        web.get("/drafts/{draft}/edit", compose.show),
        web.post("/drafts/{draft}", compose.save),
        web.post("/drafts/{draft}/send", approve.send),
        web.post("/drafts/{draft}/return", approve.send_back),
        web.post("/drafts/{draft}/reject", approve.reject),
        web.get("/alerts", history.show),
        web.get("/alerts/{alert}", alert_page.show),
        web.get("/alerts/{alert}/live", alert_page.fragment),
        web.get("/alerts/{alert}/changes", alert_page.changes),
        web.post("/alerts/{alert}/stop", alert_page.stop),
        web.post("/alerts/{alert}/follow", alert_page.follow),
        web.post("/alerts/{alert}/ticks", alert_page.tick),
        web.get("/dead-letters", dead_letters.show),
        web.post("/dead-letters/seen", dead_letters.mark_seen),
        web.get("/shelters", shelter_pages.show_all),
        web.get("/shelters/{site}", shelter_pages.show),
        web.post("/shelters/{site}/step", shelter_pages.take_step),
        web.post("/shelters/{site}/report", shelter_pages.report),
    ]
