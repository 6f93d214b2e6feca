"""Groups of towns: the areas that staff choose with one touch, editable here."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hub.authorise import Action, authorise
from hub.city import Preset
from hub.errors import BadInput, Conflict
from hub.groups import Groups
from hub.hazard import Hazard
from hub.place import Name
from hub.recipient import Town
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff import areas
from operator_ui.staff.compose import MAP
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other

GROUPS = web.AppKey("groups", Groups)
"""The same that the console's city has as its presets."""

_CODE = r"{code:[a-z0-9-]{1,40}}"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/groups", show_all),
        web.get("/group-new", show_new),
        web.post("/groups", add),
        web.get(f"/groups/{_CODE}", show),
        web.post(f"/groups/{_CODE}", change),
        web.post(f"/groups/{_CODE}/remove", remove),
    ]


@web.middleware
async def fresh(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every page of somebody signed in knows the groups that were set, by whichever process."""
    if ACTOR in request:
        console, groups = request.app[CONSOLE], request.app[GROUPS]
        await console.ledger.read(lambda conn: groups.refresh(conn, console.keys))
    return await handler(request)


async def show_all(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    return page(request, "groups.html", groups=request.app[GROUPS], saved="saved" in request.query)


async def show_new(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    return _show(request, None, _EMPTY)


async def add(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    typed = await form.read(request)
    return await _set(request, None, _given(typed, f"staff-{(typed.number('revision') or 0) + 1}"), typed)


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    code = request.match_info["code"]
    return _show(request, code, _found(request, code))


async def change(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    code, typed = request.match_info["code"], await form.read(request)
    _found(request, code)
    return await _set(request, code, _given(typed, code), typed)


async def remove(request: web.Request) -> web.Response:
    """It cannot be chosen any more; drafts that chose it keep its towns."""
    authorise(request[ACTOR], Action.CONFIGURE)
    code, typed = request.match_info["code"], await form.read(request)
    _found(request, code)
    return await _set(request, code, None, typed)


async def _set(request: web.Request, code: str | None, given: Preset | None, typed: Form) -> web.Response:
    console, groups = request.app[CONSOLE], request.app[GROUPS]
    key = code or (given.code if given else "")
    seen = typed.number("revision") or 0
    try:
        await console.ledger.write(
            lambda conn: groups.set_group(
                conn, console.keys, key, given, request[ACTOR], seen=seen, at=console.clock()
            )
        )
    except BadInput as e:
        problem = Problem(e.path, e.message.removeprefix(f"{e.path}: "))
        return _show(request, code, given or groups[key], problem, status=422)
    except Conflict as e:
        return _show(request, code, given or groups[key], Problem("group", e.message), status=409)
    return see_other("/groups?saved")


def _show(
    request: web.Request,
    code: str | None,
    group: Preset,
    problem: Problem | None = None,
    *,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    values: dict[str, Any] = {
        "code": code,
        "group": group,
        "problems": [problem] if problem else [],
        "hazards": list(Hazard),
        "towns_by_zone": areas.by_zone(console.city),
        "revision": request.app[GROUPS].revision,
        "map": request.app[MAP],
    }
    return page(request, "group_edit.html", status=status, **values)


def _found(request: web.Request, code: str) -> Preset:
    group = request.app[GROUPS].get(code)
    if group is None:
        raise web.HTTPNotFound
    return group


def _given(typed: Form, code: str) -> Preset:
    return Preset(
        code=code,
        name=Name(ja=typed.text("ja"), en=typed.text("en")),
        area=Name(ja=typed.text("area_ja"), en=typed.text("area_en")),
        hazard=typed.choice("hazard", Hazard) or Hazard.OTHER,
        towns=tuple(Town(town) for town in typed.all("town")),
        invented=False,
    )


_EMPTY = Preset(
    code="",
    name=Name(ja="", en=""),
    area=Name(ja="", en=""),
    hazard=Hazard.FLOOD,
    towns=(),
    invented=False,
)
