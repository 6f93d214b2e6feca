"""The keys that devices report with: made, exchanged with an overlap, ended. A token is shown once, in the answer."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from hub.errors import BadInput, Conflict
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import CONSOLE, page, see_other
from operator_ui.staff.device_changes import keep, said, standing
from shelters import register_changes as changes
from shelters.device_rows import KeyRow, Rows
from shelters.register_changes import Overlap

OVERLAPS = {
    Overlap.NONE: "すぐに止める",
    Overlap.HOUR: "1時間",
    Overlap.DAY: "1日",
    Overlap.WEEK: "7日",
    Overlap.MONTH: "30日",
}
LONGEST = 64


def routes() -> list[web.RouteDef]:
    return [
        web.get("/device-keys", show),
        web.post("/device-keys", add),
        web.post("/device-keys/exchange", exchange),
        web.post("/device-keys/end", end),
    ]


async def show(request: web.Request) -> web.Response:
    return await _show(request)


async def add(request: web.Request) -> web.Response:
    typed = await form.read(request)
    name = typed.text("name")
    return await _made(request, typed, name, lambda rows: changes.add_key(rows, _checked(name)), "new key")


async def exchange(request: web.Request) -> web.Response:
    typed = await form.read(request)
    name, overlap = typed.text("name"), typed.choice("overlap", Overlap) or Overlap.WEEK
    at = request.app[CONSOLE].clock()
    return await _made(
        request,
        typed,
        name,
        lambda rows: changes.exchange_key(rows, name, overlap, at=at),
        "exchange of a key",
        until=at + overlap.lasts,
    )


async def end(request: web.Request) -> web.Response:
    """By its SHA-256: two of one name are told apart by nothing else."""
    typed = await form.read(request)
    try:
        await keep(
            request,
            lambda rows: changes.end_key(rows, typed.text("sha256")),
            {"change": "end of a key"},
            seen=typed.number("revision") or 0,
        )
    except (BadInput, Conflict) as e:
        return await _refused(request, e)
    return see_other("/device-keys?saved")


async def _made(
    request: web.Request,
    typed: Form,
    name: str,
    change: Callable[[Rows], tuple[Rows, str]],
    what: str,
    *,
    until: datetime | None = None,
) -> web.Response:
    tokens: list[str] = []

    def made(rows: Rows) -> Rows:
        changed, token = change(rows)
        tokens.append(token)
        return changed

    try:
        await keep(request, made, {"change": what, "key": name}, seen=typed.number("revision") or 0)
    except (BadInput, Conflict) as e:
        return await _refused(request, e)
    return page(request, "device_token.html", name=name, token=tokens[-1], back="/device-keys", until=until)


async def _refused(request: web.Request, error: BadInput | Conflict) -> web.Response:
    status = 409 if isinstance(error, Conflict) else 422
    field = "name" if isinstance(error, BadInput) and error.path == "name" else "keys"
    return await _show(request, Problem(field, said(error)), status=status)


async def _show(request: web.Request, problem: Problem | None = None, *, status: int = 200) -> web.Response:
    stands, now = await standing(request), request.app[CONSOLE].clock()
    keys: defaultdict[str, list[KeyRow]] = defaultdict(list)
    for key in stands.rows.keys:
        keys[key.name].append(key)
    users: defaultdict[str, list[str]] = defaultdict(list)
    for row in stands.rows.devices:
        users[row.key].append(row.id)
    return page(
        request,
        "device_keys.html",
        status=status,
        keys=dict(keys),
        users=users,
        overlaps=OVERLAPS,
        week=Overlap.WEEK,
        revision=stands.revision,
        now=now,
        problems=[problem] if problem else [],
        saved="saved" in request.query,
    )


def _checked(name: str) -> str:
    if not name or len(name) > LONGEST or not name.isprintable():
        raise BadInput(
            "name", f"{LONGEST}文字までの名前をつけてください / A name of at most {LONGEST} characters"
        )
    return name
