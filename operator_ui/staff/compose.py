"""Composing: one form that is saved as it is typed, and submitted for a second person's approval.

Without a script every button posts the whole form; with one it is also saved every few seconds, and the
parts that follow from it (people, counters, previews) are fetched with the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.channel import Health
from hub.clock import JST
from hub.draft import Draft, Message, State
from hub.errors import BadInput, Conflict
from hub.evacuation import Issuer, Level
from hub.language import Language
from hub.ledger import alerts, drafts
from hub.phrases import Earlier
from operator_ui import form
from operator_ui.failures import wants_json
from operator_ui.form import Form, Problem
from operator_ui.map import CityMap
from operator_ui.moments import clock
from operator_ui.staff import areas, checks, phrasing
from operator_ui.staff.beginning import first_river
from operator_ui.staff.console import ACTOR, CONSOLE, HEADCOUNTS, PAGES, Console, page, see_other
from operator_ui.staff.draft_form import HOURS, field, local_time, message_from
from operator_ui.staff.headcount import Headcount
from operator_ui.staff.named_sites import Named, named
from operator_ui.staff.phrasing import TextState
from operator_ui.staff.previews import Previews, previews
from operator_ui.words import one_language

MAP = web.AppKey("map", CityMap)

CITY_LEVELS = [level for level in sorted(Level, reverse=True) if level.meaning.issuer is Issuer.CITY]
JMA_LEVELS = [level for level in sorted(Level, reverse=True) if level.meaning.issuer is Issuer.JMA]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Everything the compose page shows of a message."""

    message: Message
    headcount: Headcount
    previews: Previews
    states: dict[Language, TextState]
    health: dict[str, Health]
    earlier: Earlier | None
    sites: Sequence[Named]
    """Those that a text names in its own words."""


async def show(request: web.Request) -> web.Response:
    """The form. A submitted draft may be taken back into it; saving then withdraws the submission."""
    authorise(request[ACTOR], Action.COMPOSE)
    draft = await load(request)
    if draft.state not in (State.EDITING, State.SUBMITTED):
        return see_other(f"/drafts/{draft.id}")
    return await show_form(request, draft, await compose(request, draft.message))


async def save(request: web.Request) -> web.Response:
    """Every button of the form. What cannot be used is said, the rest is kept."""
    authorise(request[ACTOR], Action.COMPOSE)
    console, typed, draft = request.app[CONSOLE], await form.read(request), await load(request)
    seen = typed.number("version") or 0
    if seen != draft.version:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    message, problems = await _typed_message(request, typed, draft.message)
    if message != draft.message or draft.state is not State.EDITING:
        draft = await console.intake.save(message, request[ACTOR], draft=draft.id, seen=seen)
    composed = await compose(request, message, language=_language(typed))
    if typed.text("act") == "submit" and not problems:
        problems = checks.stops(message, composed.previews, console.capabilities, composed.sites)
        if not problems:
            draft = await console.intake.submit(draft.id, request[ACTOR], seen=draft.version)
            return see_other(f"/drafts/{draft.id}")
    if wants_json(request):
        return _answer(request, draft, composed, problems)
    return await show_form(request, draft, composed, problems=problems)


async def load(request: web.Request) -> Draft:
    return await request.app[CONSOLE].ledger.read(lambda conn: drafts.get(conn, request.match_info["draft"]))


async def compose(request: web.Request, message: Message, *, language: Language = Language.JA) -> Composition:
    console = request.app[CONSOLE]
    earlier = await console.ledger.read(lambda conn: _earlier(conn, console, message))
    return Composition(
        message=message,
        headcount=await request.app[HEADCOUNTS].of(
            message.mode, message.targeting.audience, message.targeting.channels
        ),
        previews=await previews(console, message, language),
        states=phrasing.states(
            message,
            console.templates,
            console.city,
            earlier=earlier,
            today=console.clock().astimezone(JST).date(),
        ),
        health=dict(await console.health()),
        earlier=earlier,
        sites=await _sites(console, message),
    )


async def show_form(
    request: web.Request, draft: Draft, composed: Composition, *, problems: list[Problem] | None = None
) -> web.Response:
    return page(
        request,
        "compose.html",
        status=422 if problems else 200,
        **_values(request, draft, composed),
        problems=problems or [],
    )


async def _sites(console: Console, message: Message) -> Sequence[Named]:
    sites = [row.site for row in (await console.board()).rows]
    return list(named(message.infos, sites, console.city.names[Language.JA]))


def _values(request: web.Request, draft: Draft, composed: Composition) -> dict[str, Any]:
    console, audience = request.app[CONSOLE], composed.message.targeting.audience
    return {
        "draft": draft,
        "composed": composed,
        "message": composed.message,
        "mode": composed.message.mode,
        "console": console,
        "city_levels": CITY_LEVELS,
        "jma_levels": JMA_LEVELS,
        "area_choice": areas.choice_of(audience, console.city),
        "towns": areas.towns(audience, console.city),
        "towns_by_zone": areas.by_zone(console.city),
        "map": request.app[MAP],
        "hours": HOURS,
        "local_time": local_time,
        "field": field,
        "title": phrasing.title(composed.message),
        "origin": phrasing.origin(
            composed.message, console.templates, console.city, earlier=composed.earlier
        ),
    }


async def _typed_message(request: web.Request, typed: Form, old: Message) -> tuple[Message, list[Problem]]:
    console = request.app[CONSOLE]
    message, problems = message_from(typed, old, console.city, console.capabilities)
    earlier = await console.ledger.read(lambda conn: _earlier(conn, console, message))
    message = phrasing.rewritten(old, message, console.templates, console.city, earlier=earlier)
    if typed.text("act") == "template":
        message = _from_other_template(console, typed, message)
    return message, problems


def _from_other_template(console: Console, typed: Form, message: Message) -> Message:
    """Texts, hazard and level of another template; order, area and channels stay."""
    template = console.templates.get(typed.text("template"))
    if template is None or message.references:
        raise BadInput("template", "定型文を選んでください / Choose a template")
    river = typed.text("river") or first_river(template, console.city)
    return msgspec.structs.replace(
        message,
        hazard=template.hazard,
        level=template.level,
        infos=phrasing.write(template, console.city, message.targeting.audience, river=river),
    )


def _answer(
    request: web.Request, draft: Draft, composed: Composition, problems: list[Problem]
) -> web.Response:
    """For the script: the new version, and the parts of the page that follow from what was typed."""
    language = request.app[PAGES].language(request)
    fragment = request.app[PAGES].text(
        request, "compose_live.html", **_values(request, draft, composed), problems=problems
    )
    return web.json_response(
        {
            "version": draft.version,
            "saved_at": clock(draft.updated_at, seconds=True),
            "problems": [
                {"field": problem.field, "message": one_language(problem.message, language)}
                for problem in problems
            ],
            "html": fragment,
        }
    )


def _language(typed: Form) -> Language:
    return typed.choice("preview", Language) or Language.JA


def _earlier(conn: Connection, console: Console, message: Message) -> Earlier | None:
    """The alert that this one speaks of."""
    if not message.references:
        return None
    accepted = alerts.get(conn, console.keys, message.references[0])
    return Earlier(number=accepted.number, sent=accepted.alert.sent)
