"""Beginning a draft: live, as a drill of staff, or as a drill with residents. What it is never changes (I6)."""

from aiohttp import web

from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.draft import Message
from hub.errors import BadInput
from hub.hazard import Hazard
from hub.inbound import occasions
from hub.inbound.occasions import Occasion
from hub.inbound.warning import Status, Suggestion
from hub.phrases import Template
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff import decisions
from operator_ui.staff.beginning import from_template
from operator_ui.staff.console import ACTOR, CONSOLE, HEADCOUNTS, page, see_other

ANNOUNCED = Problem(
    "announced",
    "参加者と地域に、前もって知らせたかを確かめてください / "
    "Say that participants and neighbours were told beforehand",
)


async def show(request: web.Request) -> web.Response:
    """The templates to begin from; of a warning that came in, the one that answers it first."""
    authorise(request[ACTOR], Action.COMPOSE)
    return await _show(request, _mode(request), occasion=await _waiting(request))


async def begin(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.COMPOSE)
    typed, mode = await form.read(request), _mode(request)
    occasion = await _waiting(request)
    if mode is Mode.RESIDENT_DRILL and not typed.ticked("announced"):
        return await _show(request, mode, occasion=occasion, problems=[ANNOUNCED])
    console = request.app[CONSOLE]
    message = _message(request, typed, mode, _suggestion(request, occasion))
    draft = await console.intake.save(message, request[ACTOR])
    if occasion is not None:
        await console.ledger.write(
            lambda conn: decisions.decide(
                conn,
                console,
                occasion.id,
                request[ACTOR],
                decision=draft.id,
                action="occasion.draft",
                detail={"draft": draft.id},
            )
        )
    return see_other(f"/drafts/{draft.id}")


def _message(request: web.Request, typed: Form, mode: Mode, answers: Suggestion | None) -> Message:
    console = request.app[CONSOLE]
    template = console.templates.get(typed.text("template"))
    if template is None:
        raise BadInput("template", "定型文を選んでください / Choose a template")
    return from_template(
        template,
        mode,
        city=console.city,
        capabilities=console.capabilities,
        river=typed.text("river"),
        grounds=answers.grounds if answers else "",
        now=console.clock(),
    )


async def _show(
    request: web.Request, mode: Mode, *, occasion: Occasion | None, problems: list[Problem] | None = None
) -> web.Response:
    console, headcounts = request.app[CONSOLE], request.app[HEADCOUNTS]
    answers = _suggestion(request, occasion)
    suggested = answers.template if answers else ""
    templates = [
        template
        for template in sorted(console.templates.values(), key=lambda each: _order(each, suggested))
        if "earlier" not in template.parameters and not template.id.endswith("-lift")
    ]
    return page(
        request,
        "new.html",
        status=422 if problems else 200,
        mode=mode,
        templates=templates,
        suggested=suggested,
        occasion=occasion,
        problems=problems or [],
        people=await (headcounts.participants() if mode is Mode.RESIDENT_DRILL else headcounts.staff()),
    )


def _order(template: Template, suggested: str) -> tuple[bool, bool, int, str]:
    """What answers the warning, then by hazard, the highest level first, then what has no level."""
    hazards = list(Hazard)
    return (
        template.id != suggested,
        template.level is None,
        hazards.index(template.hazard) * 10 - (template.level or 0),
        template.title,
    )


def _mode(request: web.Request) -> Mode:
    try:
        return Mode(request.match_info["mode"])
    except ValueError as e:
        raise web.HTTPNotFound from e


async def _waiting(request: web.Request) -> Occasion | None:
    """The warning this draft answers."""
    wanted = request.query.get("occasion", "")
    known = await request.app[CONSOLE].ledger.read(occasions.waiting)
    return next((occasion for occasion in known if str(occasion.id) == wanted), None)


def _suggestion(request: web.Request, occasion: Occasion | None) -> Suggestion | None:
    """Which template answers it. A telegram that is a drill begins no live draft (I6)."""
    if occasion is None:
        return None
    if occasion.telegram.status is not Status.NORMAL and _mode(request) is Mode.LIVE:
        raise BadInput(
            "mode", "訓練の電文からは、本番の下書きを作れません / A drill telegram begins no live draft"
        )
    return next(iter(decisions.suggestions(occasion, request.app[CONSOLE].city)), None)
