"""All shelters, for staff: the fullest first, what is being opened, what may be; and steps of many at once.

It follows by the stream of changes; what somebody ticked and did not press yet stays.
"""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from hub import codec
from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict
from hub.hazard import DESIGNABLE, Hazard
from operator_ui import form
from operator_ui.changes import version_of
from operator_ui.form import Form, Problem
from operator_ui.staff import devices_page, proposals, shelter_hazards, shelter_steps
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, Console, page, part, see_other
from operator_ui.staff.destinations import destinations
from operator_ui.staff.glance import glance, look_of
from operator_ui.staff.outlook import outlook
from shelters.board import Board, Row
from shelters.shelter import INHABITED, OPENING_ORDER, TRANSITIONS, IllegalStep, Stage, Step

SHELTERS = "shelters"
"""What the list watches."""
NEXT = "next"
"""What the button says that takes each ticked site one step on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Every site stands in exactly one. `inside`: the fullest first; `unknown`: people may be inside, and nobody
    knows how many (I13)."""

    inside: list[Row]
    unknown: list[Row]
    opening: list[Row]
    openable: list[Row]
    unsuited: list[Row]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/shelters", show),
        web.get("/shelters/live", fragment),
        web.get("/shelters/changes", changes),
        web.post("/shelters/steps", take_steps),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    return await _show(request, await console.board())


async def fragment(request: web.Request) -> web.Response:
    """The parts that change, for the script to put in place."""
    authorise(request[ACTOR], Action.VIEW)
    board = await request.app[CONSOLE].board()
    return part(request, "shelters_live.html", problems=[], done=0, **await _values(request, board, set()))


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    return await request.app[CHANGES].stream(request, SHELTERS)


async def looks(console: Console) -> bytes:
    """What the list shows, as bytes that differ when it would. Passing minutes are no change."""
    return _looks(await console.board(), await shelter_hazards.live(console))


async def take_steps(request: web.Request) -> web.Response:
    """A step of every ticked site. Each for itself: one that may not, or that somebody changed meanwhile, is
    named with its reason and holds up no other."""
    authorise(request[ACTOR], Action.REPORT_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    board, chosen = await console.board(), set(typed.all("site"))
    rows = [row for row in board.rows if row.site.code in chosen]
    threatening = await shelter_hazards.live(console)
    hazard = shelter_hazards.shown(request, threatening)
    try:
        steps = _steps(rows, typed, console, by=request[ACTOR].login)
    except BadInput as e:
        return await _show(
            request, board, [Problem(e.path, shelter_steps.told(e))], status=422, chosen=chosen
        )
    problems = []
    for row, step in steps:
        reason = await _take(console, row, step, shelter_hazards.missing(row.site, hazard, threatening))
        if reason:
            problems.append(Problem(f"site-{row.site.code}", _about(row, reason)))
    done = len(steps) - len(problems)
    if problems:
        return await _show(
            request, await console.board(), problems, status=409 if done else 422, done=done, chosen=chosen
        )
    return see_other(f"/shelters?hazard={hazard}&done={done}")


def grouped(board: Board, hazard: Hazard, threatening: list[Hazard]) -> Groups:
    inhabited = [row for row in board.rows if row.step.stage in INHABITED]
    shut = [row for row in board.rows if row.step.stage in (Stage.UNOPENED, Stage.CLOSED)]
    barred = {row.site.code for row in shut if shelter_hazards.missing(row.site, hazard, threatening)}
    opening = [row for row in board.rows if row.step.stage.opening]
    return Groups(
        inside=sorted((row for row in inhabited if row.people is not None), key=_emptiness),
        unknown=[row for row in inhabited if row.people is None],
        opening=sorted(opening, key=lambda row: -OPENING_ORDER.index(row.step.stage)),
        openable=[row for row in shut if row.site.code not in barred],
        unsuited=[row for row in shut if row.site.code in barred],
    )


async def _show(
    request: web.Request,
    board: Board,
    problems: list[Problem] | None = None,
    *,
    status: int = 200,
    done: int = 0,
    chosen: set[str] | None = None,
) -> web.Response:
    return page(
        request,
        "shelters.html",
        status=status,
        problems=problems or [],
        done=done or _done(request),
        **await _values(request, board, chosen or set()),
    )


async def _values(request: web.Request, board: Board, chosen: set[str]) -> dict[str, Any]:
    threatening = await shelter_hazards.live(request.app[CONSOLE])
    hazard = shelter_hazards.shown(request, threatening)
    return {
        "now": board.at,
        "hazard": hazard,
        "threatening": threatening,
        "missing": lambda row: shelter_hazards.missing(row.site, hazard, threatening),
        "hazards": [each for each in Hazard if each in DESIGNABLE],
        "glance": glance(board, hazard),
        "sent": destinations(board, hazard, request.app[CONSOLE].city),
        "groups": grouped(board, hazard, threatening),
        "devices_to_look_at": await devices_page.to_look_at(request.app[CONSOLE]),
        "proposals": await proposals.shown(request.app[CONSOLE], board),
        "may_compose": may(request[ACTOR], Action.COMPOSE),
        "look_of": lambda row: look_of(row, hazard),
        "outlook_of": lambda row: outlook(row, board.at),
        "opening": OPENING_ORDER,
        "next_stage": _next,
        "stage": Stage,
        "chosen": chosen,
        "may_report": may(request[ACTOR], Action.REPORT_SHELTER),
        "version": version_of(_looks(board, threatening)),
    }


def _looks(board: Board, threatening: list[Hazard]) -> bytes:
    return codec.encode([board.version, threatening])


def _done(request: web.Request) -> int:
    told = request.query.get("done", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 4 else 0


def _emptiness(row: Row) -> float:
    """By share of the capacity where it is known, and the number of people where it is not."""
    people = row.people or 0
    return -(people / row.site.capacity) if row.site.capacity else -people / 100_000


def _steps(rows: list[Row], typed: Form, console: Console, *, by: str) -> list[tuple[Row, Step]]:
    """Raises `BadInput` when nothing was ticked, or no step or no time was told."""
    if not rows:
        raise BadInput("choose", "場所を選んでください / Tick at least one site")
    now, wanted = console.clock(), typed.choice("stage", Stage)
    if wanted is None and typed.text("stage") != NEXT:
        raise BadInput("choose", "次の段階を選んでください / Choose the next step")
    opens_at = shelter_steps.opens_at(typed.text("opens_at"), now)
    steps = []
    for row in rows:
        stage = wanted or _next(row)
        seen = typed.number(f"seen-{row.site.code}")
        step = Step(
            site=row.site.code,
            number=(row.step.number if seen is None else seen) + 1,
            stage=stage,
            at=now,
            by=by,
            opens_at=opens_at or (row.step.opens_at if stage.opening else None),
        )
        steps.append((row, step))
    return steps


def _next(row: Row) -> Stage:
    return TRANSITIONS[row.step.stage][0]


async def _take(console: Console, row: Row, step: Step, missing: list[Hazard]) -> str:
    """Why it was not taken; empty when it was."""
    if step.stage is Stage.PREPARING and missing:
        return _not_designated(missing)
    try:
        await shelter_steps.take(console, step, people=row.people)
    except (IllegalStep, Conflict) as e:
        return e.message
    return ""


def _not_designated(missing: list[Hazard]) -> str:
    hazards = "・".join(each.japanese for each in missing)
    return (
        f"{hazards}の指定がないため、まとめて開設できません。開くときは、その場所のページから / "
        f"Not designated for {', '.join(missing)}: to open it, go to its own page"
    )


def _about(row: Row, reason: str) -> str:
    japanese, _, english = reason.partition(" / ")
    return f"{row.site.name.ja}：{japanese} / {row.site.name.en}: {english or japanese}"
