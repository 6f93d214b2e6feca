"""Beginning a draft: live, as a drill of staff, or as a drill with residents. What it is never changes (I6)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiohttp import web

from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.details import Details
from hub.errors import BadInput
from hub.hazard import MOST_URGENT_FIRST, Hazard
from hub.inbound import occasions
from hub.inbound.occasions import Occasion
from hub.inbound.warning import Status, Suggestion
from hub.phrases import Template
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff import decisions, detail_form
from operator_ui.staff.beginning import from_template
from operator_ui.staff.console import ACTOR, CONSOLE, HEADCOUNTS, page, see_other

ANNOUNCED = Problem(
    "announced",
    "参加者と地域に、前もって知らせたかを確かめてください / "
    "Say that participants and neighbours were told beforehand",
)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/new/{mode}", show),
        web.post("/new/{mode}", begin),
    ]


async def show(request: web.Request) -> web.Response:
    """The templates to begin from; of a warning that came in, the one that answers it first."""
    authorise(request[ACTOR], Action.COMPOSE)
    return await _show(request, _mode(request), occasion=await _waiting(request))


async def begin(request: web.Request) -> web.Response:
    """A draft of the chosen template. One that needs typed values asks for them first, on a page of its own."""
    authorise(request[ACTOR], Action.COMPOSE)
    typed, mode = await form.read(request), _mode(request)
    occasion = await _waiting(request)
    if mode is Mode.RESIDENT_DRILL and not typed.ticked("announced"):
        return await _show(request, mode, occasion=occasion, problems=[ANNOUNCED])
    console, template = request.app[CONSOLE], _template(request, typed)
    authorise(request[ACTOR], Action.COMPOSE, template.hazard)
    details, wrong = detail_form.details_from(typed, template, Details())
    if template.asks and not typed.ticked("details"):
        return await _show(request, mode, occasion=occasion, asking=Asking(template, typed))
    if wrong:
        return await _show(request, mode, occasion=occasion, asking=Asking(template, typed), problems=wrong)
    message = from_template(
        template,
        mode,
        city=console.city,
        capabilities=console.capabilities,
        river=typed.text("river"),
        grounds=answers.grounds if (answers := _suggestion(request, occasion)) else "",
        now=console.clock(),
        details=details,
    )
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


class Asking(NamedTuple):
    """A chosen template that needs typed values, and what was typed so far."""

    template: Template
    typed: Form

    @property
    def fields(self) -> list[detail_form.Field]:
        return detail_form.fields(self.template, Details(), self.typed)


class Section(NamedTuple):
    """The templates of one hazard, as the page groups them."""

    hazard: Hazard
    templates: list[Template]

    @property
    def name(self) -> str:
        return REST if self.hazard is Hazard.OTHER else self.hazard.japanese

    @property
    def icon(self) -> str:
        return _ICONS.get(self.hazard, "info")


REST = "避難所・そのほか"

_ICONS = {
    Hazard.FLOOD: "waves",
    Hazard.INLAND_FLOOD: "cloud-rain",
    Hazard.LANDSLIDE: "mountain",
    Hazard.STORM_SURGE: "waves",
    Hazard.TSUNAMI: "waves",
    Hazard.VOLCANO: "mountain",
    Hazard.EARTHQUAKE: "activity",
    Hazard.LARGE_FIRE: "flame",
    Hazard.CIVIL_PROTECTION: "satellite-dish",
    Hazard.STORM: "wind",
    Hazard.MISSING_PERSON: "search",
    Hazard.HEAT: "heart-pulse",
    Hazard.WATER: "droplets",
    Hazard.UTILITY: "zap",
    Hazard.OTHER: "tent",
}


def sections(templates: Iterable[Template], suggested: str = "") -> list[Section]:
    """What answers the warning first, then the most urgent hazard; in each the highest level first, then what
    has no level. Corrections and liftings begin at the alert they speak of, and are not here."""
    offered = [
        each for each in templates if "earlier" not in each.parameters and not each.id.endswith("-lift")
    ]
    found = [
        Section(hazard, sorted((each for each in offered if each.hazard is hazard), key=_rank(suggested)))
        for hazard in MOST_URGENT_FIRST
    ]
    return sorted(
        (section for section in found if section.templates),
        key=lambda section: section.templates[0].id != suggested,
    )


def _rank(suggested: str) -> Callable[[Template], tuple[bool, int, str]]:
    return lambda template: (template.id != suggested, -(template.level or 0), template.id)


def _template(request: web.Request, typed: Form) -> Template:
    template = request.app[CONSOLE].templates.get(typed.text("template"))
    if template is None:
        raise BadInput("template", "定型文を選んでください / Choose a template")
    return template


async def _show(
    request: web.Request,
    mode: Mode,
    *,
    occasion: Occasion | None,
    asking: Asking | None = None,
    problems: list[Problem] | None = None,
) -> web.Response:
    console, headcounts = request.app[CONSOLE], request.app[HEADCOUNTS]
    answers = _suggestion(request, occasion)
    suggested = answers.template if answers else ""
    return page(
        request,
        "new.html",
        status=422 if problems else 200,
        mode=mode,
        sections=sections(
            (each for each in console.templates.values() if request[ACTOR].may_touch(each.hazard)), suggested
        ),
        asking=asking,
        suggested=suggested,
        occasion=occasion,
        problems=problems or [],
        people=await (headcounts.participants() if mode is Mode.RESIDENT_DRILL else headcounts.staff()),
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
