"""The console as a web application. Wired, not started: whoever builds it decides where it listens."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.authorise import Action, may
from hub.groups import Groups
from hub.language import Language
from hub.schedule import ASK_BEFORE, GIVE_UP_AFTER
from operator_ui.changes import Changes
from operator_ui.map import CityMap
from operator_ui.pages import FOLDER, Pages
from operator_ui.staff import (
    accounts_pages,
    alert_page,
    answer_page,
    approve,
    channels_page,
    compare,
    compose,
    dead_letters,
    decisions,
    device_doors,
    device_keys,
    device_pages,
    devices_page,
    drill_pages,
    failed_numbers,
    groups_page,
    headquarters_page,
    held_back_page,
    here,
    history,
    home,
    hourly_page,
    monitor,
    muster_page,
    muster_rules_page,
    musters_page,
    new,
    on_call_page,
    own_account,
    phone_desk,
    pointing_page,
    poster_page,
    proposals,
    public_notices_page,
    replies_page,
    report,
    review,
    roster_page,
    schedule_pages,
    settings_page,
    shelter_links,
    shelter_list,
    shelter_look,
    shelter_pages,
    sign_in,
    sounds,
    thresholds_page,
    trial_page,
    wall,
    wifi_page,
)
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, CSRF, HEADCOUNTS, LINK, PAGES, Console
from operator_ui.staff.guard import guard
from operator_ui.staff.headcount import Headcounts
from operator_ui.staff.sessions import Sessions

FORM_BYTES = 512 * 1024
"""A form with eight languages of text is some 40 KB."""
_PAGES = (
    sign_in,
    home,
    decisions,
    new,
    compose,
    sounds,
    approve,
    schedule_pages,
    compare,
    history,
    alert_page,
    poster_page,
    report,
    wall,
    phone_desk,
    answer_page,
    dead_letters,
    channels_page,
    monitor,
    device_doors,
    device_keys,
    device_pages,
    devices_page,
    pointing_page,
    drill_pages,
    hourly_page,
    proposals,
    replies_page,
    public_notices_page,
    shelter_list,
    shelter_pages,
    shelter_links,
    here,
    settings_page,
    own_account,
    accounts_pages,
    review,
    on_call_page,
    headquarters_page,
    musters_page,
    muster_page,
    muster_rules_page,
    roster_page,
    thresholds_page,
    trial_page,
    failed_numbers,
    held_back_page,
    groups_page,
    wifi_page,
)
"""The modules that answer; each names its own addresses in `routes`."""


def create_app(console: Console) -> web.Application:
    """Pages, forms and live updates of the console, behind sign-in. Must be made in the running loop."""
    groups = Groups(console.city.presets, console.city.towns)
    console = replace(console, city=replace(console.city, presets=groups))
    app = web.Application(client_max_size=FORM_BYTES)
    pages = Pages(
        templates=[Path(str(FOLDER / "staff" / "templates"))],
        styles=[
            FOLDER / "staff.css",
            FOLDER / "line.css",
            FOLDER / "wall.css",
            FOLDER / "desk.css",
            FOLDER / "report.css",
        ],
        https=console.https,
        context=partial(_context, console),
        policy={"media-src": "'self'"},
    )
    sessions = Sessions(ledger=console.ledger, keys=console.keys, clock=console.clock, https=console.https)
    changes = Changes(partial(_looks, console), console.background)
    app[CONSOLE], app[PAGES], app[CHANGES] = console, pages, changes
    app[groups_page.GROUPS] = groups
    app[HEADCOUNTS] = Headcounts(console.ledger, console.keys, console.city, console.capabilities)
    app[sign_in.SESSIONS], app[compose.MAP] = sessions, CityMap(console.city)
    pages.setup(app)
    app.middlewares.append(guard(sessions))
    app.middlewares.append(groups_page.fresh)
    app.on_shutdown.append(changes.close)
    app.add_routes(routes())
    return app


def routes() -> list[web.RouteDef]:
    """Every address of the console but those of its static files."""
    return [route for module in _PAGES for route in module.routes()]


async def _looks(console: Console, subject: str) -> bytes:
    by_name = {
        home.HOME: home.looks,
        wall.WALL: wall.looks,
        phone_desk.PHONES: phone_desk.looks,
        shelter_list.SHELTERS: shelter_list.looks,
        wifi_page.WIFI: wifi_page.looks,
    }
    if subject in by_name:
        return await by_name[subject](console)
    if shelter_look.is_watched_by(subject):
        return await shelter_look.looks(console, subject)
    if subject.startswith(muster_page.WATCHED):
        return await muster_page.looks(console, subject)
    return await alert_page.looks(console, subject)


def _context(console: Console, request: web.Request) -> Mapping[str, Any]:
    """What every page of the console may use. Before signing in there is no `actor`."""
    actor = request.get(ACTOR)
    return {
        "actor": actor,
        "csrf": request.get(CSRF, ""),
        "rehearsal": console.deployment.value == "rehearsal",
        "city_ja": console.city.names[Language.JA],
        "city_en": console.city.names[Language.EN],
        "here": LINK in request,
        "ask_before": ASK_BEFORE,
        "give_up_after": GIVE_UP_AFTER,
        "may": lambda action: actor is not None and may(actor, Action(action)),
    }
