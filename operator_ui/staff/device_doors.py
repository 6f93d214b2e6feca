"""The doors of a site, and at which of them its devices count: changed together, since one is wrong without the other."""

from collections.abc import Sequence

from aiohttp import web

from hub.errors import BadInput, Conflict
from operator_ui import form
from operator_ui.form import Problem
from operator_ui.staff.console import page, see_other
from operator_ui.staff.device_changes import keep, register_of, said, standing
from operator_ui.staff.device_words import COUNTS
from shelters import register_changes as changes
from shelters.device_rows import DeviceRow
from shelters.register import Standing
from shelters.site import SiteCode

MOST_DOORS = 50
LONGEST = 64


def routes() -> list[web.RouteDef]:
    return [web.get("/device-doors/{site}", show), web.post("/device-doors/{site}", save)]


async def show(request: web.Request) -> web.Response:
    stands = await standing(request)
    site = _site(request)
    doors = {row.id: row.door for row in _devices(stands, site)}
    return _show(request, stands, "\n".join(stands.rows.doors_of(site)), doors)


async def save(request: web.Request) -> web.Response:
    stands, typed = await standing(request), await form.read(request)
    site = _site(request)
    names = [line.strip() for line in typed.text("names").splitlines() if line.strip()]
    doors = {row.id: typed.text(f"door-{row.id}") for row in _devices(stands, site)}
    try:
        _check(names)
        await keep(
            request,
            lambda rows: changes.set_doors(rows, site, names, doors),
            {"change": "doors", "site": site, "doors": len(names)},
            seen=typed.number("revision") or 0,
        )
    except BadInput as e:
        return _show(request, stands, typed.text("names"), doors, _problem(e, doors), status=422)
    except Conflict as e:
        return _show(request, stands, typed.text("names"), doors, Problem("names", e.message), status=409)
    return see_other("/devices?saved")


def _show(
    request: web.Request,
    stands: Standing,
    names: str,
    doors: dict[str, str],
    problem: Problem | None = None,
    *,
    status: int = 200,
) -> web.Response:
    site = _site(request)
    return page(
        request,
        "device_doors.html",
        status=status,
        site=register_of(request).sites[site],
        names=names,
        devices=_devices(stands, site),
        doors=doors,
        counts=COUNTS,
        revision=stands.revision,
        problems=[problem] if problem else [],
    )


def _site(request: web.Request) -> SiteCode:
    code = SiteCode(request.match_info["site"])
    if code not in register_of(request).sites:
        raise web.HTTPNotFound
    return code


def _devices(stands: Standing, site: str) -> Sequence[DeviceRow]:
    return [row for row in stands.rows.devices if row.site == site]


def _check(names: Sequence[str]) -> None:
    if len(names) > MOST_DOORS or any(len(name) > LONGEST or not name.isprintable() for name in names):
        raise BadInput(
            "names",
            f"1行に1つ、{LONGEST}文字まで、{MOST_DOORS}行まで / One a line, {LONGEST} characters, {MOST_DOORS} lines at most",
        )


def _problem(error: BadInput, doors: dict[str, str]) -> Problem:
    device = error.path.partition(" ")[0]
    return Problem(f"door-{device}" if device in doors else "names", said(error))
