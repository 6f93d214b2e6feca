"""Composing: one form that is saved as it is typed, and submitted for a second person's approval.

Without a script every button posts the whole form; with one it is also saved every few seconds, and the
parts that follow from it (people, counters, previews) are fetched with the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.channel import Health
from hub.clock import JST
from hub.details import OPTIONAL
from hub.draft import Draft, Message, State
from hub.errors import BadInput, Conflict
from hub.evacuation import Issuer, Level
from hub.language import Language
from hub.ledger import alerts, drafts
from hub.ledger.alerts import Accepted
from hub.phrases import Earlier, Template
from hub.slots import Form as TextForm
from hub.slots import normalise
from operator_ui import form
from operator_ui.failures import wants_json
from operator_ui.form import Form, Problem
from operator_ui.map import CityMap
from operator_ui.moments import clock
from operator_ui.staff import areas, checks, detail_form, phrasing
from operator_ui.staff.beginning import first_river, usual_channels
from operator_ui.staff.console import ACTOR, CONSOLE, HEADCOUNTS, PAGES, Console, page, see_other
from operator_ui.staff.counters import WORDS, Counter, counters
from operator_ui.staff.draft_form import HOURS, LONGEST_REASON, field, local_time, message_from, why
from operator_ui.staff.durations import Estimate, estimate
from operator_ui.staff.headcount import Headcount
from operator_ui.staff.looks import Known, Look, looks
from operator_ui.staff.named_sites import Named, named
from operator_ui.staff.phrasing import TextState
from operator_ui.staff.previews import Previews, previews
from operator_ui.staff.sections import Section, sections
from operator_ui.words import one_language

MAP = web.AppKey("map", CityMap)
_OPEN = (State.EDITING, State.SUBMITTED, State.LAPSED)
"""Where the form may take a draft up again."""

CITY_LEVELS = [level for level in sorted(Level, reverse=True) if level.meaning.issuer is Issuer.CITY]
JMA_LEVELS = [level for level in sorted(Level, reverse=True) if level.meaning.issuer is Issuer.JMA]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Everything the compose page shows of a message."""

    message: Message
    headcount: Headcount
    previews: Previews
    states: Mapping[Language, TextState]
    health: Mapping[str, Health]
    earlier: Earlier | None
    sites: Sequence[Named]
    """Those that a text names in its own words."""
    usual: Sequence[str]
    """The channels it goes by unless somebody turns one off, who then says why."""
    times: Mapping[str, Estimate]
    """How long each channel takes, chosen or not, of those whose contract sets a speed."""
    looks: Sequence[Look]
    counters: Mapping[str, Counter]
    """How long each text is by itself, by the id of its field."""


def routes() -> list[web.RouteDef]:
    return [
        web.get("/drafts/{draft}/edit", show),
        web.post("/drafts/{draft}", save),
    ]


async def show(request: web.Request) -> web.Response:
    """The form. A submitted draft may be taken back into it; saving then withdraws the submission."""
    authorise(request[ACTOR], Action.COMPOSE)
    draft = await load(request)
    authorise(request[ACTOR], Action.COMPOSE, draft.message.hazard)
    if draft.state not in _OPEN:
        return see_other(f"/drafts/{draft.id}")
    return await show_form(request, draft, await compose(request, draft.message))


async def save(request: web.Request) -> web.Response:
    """Every button of the form. What cannot be used is said, the rest is kept."""
    authorise(request[ACTOR], Action.COMPOSE)
    console, typed, draft = request.app[CONSOLE], await form.read(request), await load(request)
    seen = typed.number("overwrite") or typed.number("version") or 0
    if await _repeats(request, typed, draft, seen):
        return see_other(f"/drafts/{draft.id}")
    if seen != draft.version:
        return await _overtaken(request, typed, draft)
    message, problems = await _typed_message(request, typed, draft.message)
    if message != draft.message or draft.state is not State.EDITING:
        draft = await console.intake.save(message, request[ACTOR], draft=draft.id, seen=seen)
    composed = await compose(request, message, language=_language(typed))
    if typed.text("act") == "submit" and not problems:
        problems = checks.stops(
            message, composed.previews, console.capabilities, composed.sites, composed.usual
        )
        if not problems:
            draft = await console.intake.submit(draft.id, request[ACTOR], seen=draft.version)
            return see_other(f"/drafts/{draft.id}")
    if wants_json(request):
        return _answer(request, typed, draft, composed, problems)
    return await show_form(request, draft, composed, problems=problems)


async def _overtaken(request: web.Request, typed: Form, draft: Draft) -> web.Response:
    """Somebody changed it meanwhile. Both are shown; nothing is written until a person has chosen."""
    if draft.state not in _OPEN:
        raise Conflict(_OVERTAKEN)
    message, problems = await _typed_message(request, typed, draft.message)
    composed = await compose(request, message, language=_language(typed))
    if message == draft.message and draft.state is State.EDITING and wants_json(request):
        return _answer(request, typed, draft, composed, problems)  # it was saved; only the answer was lost
    changed = sections(draft.message, message, request.app[CONSOLE].capabilities)
    conflict = [each for each in changed if each.changes] if message != draft.message else None
    problems = [Problem("conflict", _OVERTAKEN), *problems]
    if wants_json(request):
        fragment = _fragment(request, draft, composed, problems, conflict=conflict)
        return web.json_response({"conflict": True, "html": fragment}, status=409)
    seen = draft.version if conflict is None else typed.number("version") or 0
    return await show_form(
        request, draft, composed, problems=problems, status=409, seen=seen, conflict=conflict
    )


_OVERTAKEN = (
    "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
)


async def _repeats(request: web.Request, typed: Form, draft: Draft, seen: int) -> bool:
    """Whether this is once more the submission that was carried out already: its answer was lost, or the button
    was pressed twice."""
    if (
        typed.text("act") != "submit"
        or draft.state not in (State.SUBMITTED, State.SENT)
        or seen >= draft.version
    ):
        return False
    message, problems = await _typed_message(request, typed, draft.message)
    return message == draft.message and not problems


async def load(request: web.Request) -> Draft:
    return await request.app[CONSOLE].ledger.read(lambda conn: drafts.get(conn, request.match_info["draft"]))


async def compose(request: web.Request, message: Message, *, language: Language = Language.JA) -> Composition:
    console = request.app[CONSOLE]
    now = console.clock()
    before, standing = await console.ledger.read(
        lambda conn: (_before(conn, console, message), alerts.active(conn, console.keys, at=now))
    )
    earlier, board = _told(before), await console.board()
    headcount = await request.app[HEADCOUNTS].of(
        message.mode, message.targeting.audience, message.targeting.channels
    )
    known = Known(
        city=console.city,
        capabilities=console.capabilities,
        states=phrasing.states(
            message, console.templates, console.city, earlier=earlier, today=now.astimezone(JST).date()
        ),
        health=await console.health(),
        shown=await previews(console, message, language),
        sites=list(named(message.infos, [row.site for row in board.rows], console.city.names[Language.JA])),
        board=board,
        standing=standing,
        before=before,
        counts=headcount.on,
    )
    return Composition(
        message=message,
        headcount=headcount,
        previews=known.shown,
        states=known.states,
        health=known.health,
        earlier=earlier,
        sites=known.sites,
        usual=usual_channels(console.capabilities, message.mode, before and before.alert),
        times=_times(console, headcount, known.shown),
        looks=looks(message, known),
        counters=counters(message.infos, known.shown.contents),
    )


async def show_form(
    request: web.Request,
    draft: Draft,
    composed: Composition,
    *,
    problems: list[Problem] | None = None,
    status: int | None = None,
    seen: int | None = None,
    conflict: Sequence[Section] | None = None,
) -> web.Response:
    """`conflict`: where what was typed differs from what somebody else saved meanwhile; `seen`: the version that
    the form goes on from, which stays the old one until a person has chosen."""
    return page(
        request,
        "compose.html",
        status=status or (422 if problems else 200),
        **_values(request, draft, composed),
        seen=draft.version if seen is None else seen,
        conflict=conflict,
        problems=problems or [],
    )


def _times(console: Console, headcount: Headcount, shown: Previews) -> dict[str, Estimate]:
    spoken = {channel.kind: channel.seconds for channel in shown.channels}
    charged = {channel.kind: channel.charge for channel in shown.channels}
    found = {
        kind: estimate(
            has, headcount.on.get(kind, 0), spoken_s=spoken.get(kind, 0), charge=charged.get(kind, 1)
        )
        for kind, has in console.capabilities.items()
    }
    return {kind: each for kind, each in found.items() if each is not None}


def _values(request: web.Request, draft: Draft, composed: Composition) -> dict[str, Any]:
    console, audience = request.app[CONSOLE], composed.message.targeting.audience
    origin = phrasing.origin(composed.message, console.templates, console.city, earlier=composed.earlier)
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
        "why": why,
        "counter_words": WORDS,
        "longest_reason": LONGEST_REASON,
        "title": phrasing.title(composed.message),
        "origin": origin,
        "detail_fields": detail_form.fields(origin.template, composed.message.details) if origin else (),
        "other_templates": _other_templates(console, composed.message),
    }


async def _typed_message(request: web.Request, typed: Form, old: Message) -> tuple[Message, list[Problem]]:
    console = request.app[CONSOLE]
    message, problems = message_from(typed, old, console.city, console.capabilities)
    earlier = await earlier_of(console, message)
    if found := phrasing.origin(old, console.templates, console.city, earlier=earlier):
        details, wrong = detail_form.details_from(typed, found.template, old.details)
        message, problems = msgspec.structs.replace(message, details=details), [*wrong, *problems]
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
    details = template.takes(message.details)
    return msgspec.structs.replace(
        message,
        hazard=template.hazard,
        level=template.level,
        infos=phrasing.write(
            template, console.city, message.targeting.audience, river=river, details=details
        ),
        details=details,
    )


def _other_templates(console: Console, message: Message) -> list[Template]:
    """Those that need nothing but what this draft has."""
    given = {name for name in message.details.__struct_fields__ if getattr(message.details, name) is not None}
    return [
        template
        for template in console.templates.values()
        if "earlier" not in template.parameters and set(template.asks) <= given | OPTIONAL
    ]


def _answer(
    request: web.Request, typed: Form, draft: Draft, composed: Composition, problems: list[Problem]
) -> web.Response:
    """For the script: the new version, the texts that were written anew, and the parts of the page that follow
    from what was typed."""
    language = request.app[PAGES].language(request)
    fragment = _fragment(request, draft, composed, problems)
    return web.json_response(
        {
            "version": draft.version,
            "saved_at": clock(draft.updated_at, seconds=True),
            "problems": [
                {"field": problem.field, "message": one_language(problem.message, language)}
                for problem in problems
            ],
            "texts": _rewritten_texts(typed, composed.message),
            "html": fragment,
        }
    )


def _rewritten_texts(typed: Form, message: Message) -> dict[str, str]:
    """By the id of its input, each text that is no longer what the form said: it followed the area, say."""
    texts = {field(info, each): getattr(info, each) for info in message.infos for each in TextForm}
    return {name: text for name, text in texts.items() if normalise(typed.text(name)) != text}


def _fragment(
    request: web.Request,
    draft: Draft,
    composed: Composition,
    problems: list[Problem],
    *,
    conflict: Sequence[Section] | None = None,
) -> str:
    values = _values(request, draft, composed)
    return request.app[PAGES].text(
        request, "compose_live.html", **values, problems=problems, conflict=conflict
    )


def _language(typed: Form) -> Language:
    return typed.choice("preview", Language) or Language.JA


async def earlier_of(console: Console, message: Message) -> Earlier | None:
    """The alert that this one speaks of, as texts name it."""
    return _told(await console.ledger.read(lambda conn: _before(conn, console, message)))


def _before(conn: Connection, console: Console, message: Message) -> Accepted | None:
    """The alert that this one speaks of."""
    return alerts.get(conn, console.keys, message.references[0]) if message.references else None


def _told(before: Accepted | None) -> Earlier | None:
    return before and Earlier(number=before.number, sent=before.alert.sent)
