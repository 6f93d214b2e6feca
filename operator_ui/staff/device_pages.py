"""Registering a counting device, changing it, taking it down, and holding it back or believing it again."""

from typing import Any

from aiohttp import web

from hub.errors import BadInput, Conflict
from operator_ui import form
from operator_ui.form import Problem
from operator_ui.staff import device_form
from operator_ui.staff.console import CONSOLE, page, see_other
from operator_ui.staff.device_changes import Change, keep, register_of, said, standing
from operator_ui.staff.device_words import COUNTS
from shelters import register_changes as changes
from shelters.device_rows import DeviceRow, Rows
from shelters.register import Standing

_ID = r"{device:[A-Za-z0-9_.-]{1,64}}"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/device-new", show_new),
        web.post("/devices", add),
        web.get(f"/devices/{_ID}", show),
        web.post(f"/devices/{_ID}", change),
        web.post(f"/devices/{_ID}/hold", hold),
        web.post(f"/devices/{_ID}/release", release),
        web.post(f"/devices/{_ID}/retire", retire),
    ]


async def show_new(request: web.Request) -> web.Response:
    """`?address=`: of a sensor that was heard and is not registered; `?site=`: where it hangs."""
    stands = await standing(request)
    asked = {name: request.query.get(name, "")[:64] for name in ("address", "site")}
    return await _show(request, stands, None, {**device_form.EMPTY, **asked})


async def add(request: web.Request) -> web.Response:
    return await _set(request, None)


async def show(request: web.Request) -> web.Response:
    stands = await standing(request)
    row = _found(request, stands)
    return await _show(request, stands, row, device_form.filled(row))


async def change(request: web.Request) -> web.Response:
    return await _set(request, request.match_info["device"])


async def hold(request: web.Request) -> web.Response:
    id_ = request.match_info["device"]
    return await _act(request, lambda rows: changes.hold(rows, id_), "hold")


async def release(request: web.Request) -> web.Response:
    id_, at = request.match_info["device"], request.app[CONSOLE].clock()
    return await _act(request, lambda rows: changes.release(rows, id_, at=at), "release")


async def retire(request: web.Request) -> web.Response:
    id_, at = request.match_info["device"], request.app[CONSOLE].clock()
    return await _act(request, lambda rows: changes.retire(rows, id_, at=at), "retire")


async def _set(request: web.Request, id_: str | None) -> web.Response:
    """Answers with the token, once, where a key was made for it."""
    stands, typed = await standing(request), await form.read(request)
    row = device_form.given(typed, id_ or typed.text("id"))
    known = _found(request, stands) if id_ else None
    if isinstance(row, list):
        return await _show(request, stands, known, device_form.kept(typed), row, status=422)
    tokens: list[str] = []

    def made(rows: Rows) -> Rows:
        if id_ is None and (rows.device(row.id) or not row.id):
            raise BadInput(f"{row.id} id", "is a device's already / この id の機器があります")
        if typed.text("key") == device_form.NEW_KEY:
            rows, token = changes.add_key(rows, row.id)
            tokens.append(token)
        return changes.set_device(rows, row, at=request.app[CONSOLE].clock())

    try:
        detail = {"change": "device", "device": row.id}
        await keep(request, made, detail, seen=typed.number("revision") or 0)
    except (BadInput, Conflict) as e:
        wrong, status = _problem(e, row.id), 409 if isinstance(e, Conflict) else 422
        return await _show(request, stands, known, device_form.kept(typed), [wrong], status=status)
    if tokens:
        back = f"/devices/{row.id}"
        return page(request, "device_token.html", name=row.id, token=tokens[-1], back=back, until=None)
    return see_other("/devices?saved")


def _problem(error: BadInput | Conflict, id_: str) -> Problem:
    if isinstance(error, Conflict):
        return Problem("device", error.message)
    return Problem("key", said(error)) if error.path == "name" else device_form.problem(error, id_)


async def _act(request: web.Request, change: Change, what: str) -> web.Response:
    id_, typed = request.match_info["device"], await form.read(request)
    try:
        detail = {"change": what, "device": id_}
        await keep(request, change, detail, seen=typed.number("revision") or 0)
    except (BadInput, Conflict) as e:
        stands = await standing(request)
        row = _found(request, stands)
        problem = Problem("device", said(e))
        status = 409 if isinstance(e, Conflict) else 422
        return await _show(request, stands, row, device_form.filled(row), [problem], status=status)
    return see_other("/devices?saved")


async def _show(
    request: web.Request,
    stands: Standing,
    row: DeviceRow | None,
    values: dict[str, str],
    problems: list[Problem] | None = None,
    *,
    status: int = 200,
) -> web.Response:
    shown: dict[str, Any] = {
        "row": row,
        "values": values,
        "problems": problems or [],
        "revision": stands.revision,
        "keys": list(dict.fromkeys(key.name for key in stands.rows.keys)),
        "new_key": device_form.NEW_KEY,
        "sites": register_of(request).sites,
        "doors": sorted({name for each in stands.rows.doors for name in each.names}),
        "models": device_form.MODELS_BY_NAME,
        "counts": COUNTS,
    }
    return page(request, "device.html", status=status, **shown)


def _found(request: web.Request, stands: Standing) -> DeviceRow:
    row = stands.rows.device(request.match_info["device"])
    if row is None:
        raise web.HTTPNotFound
    return row
