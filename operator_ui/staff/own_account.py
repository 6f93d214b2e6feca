"""One's own account: what one may do, and one's password; and choosing one with a one-time link.

The link carries its token behind a `#`, which no browser sends: it stands in no proxy's log. A script puts it into
the form; without one it is pasted.
"""

from aiohttp import web

from hub.authorise import Action, authorise
from hub.errors import BadInput, Conflict, Forbidden
from hub.hazard import Hazard
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.accounts_pages import ROLES
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.sessions import LINK_LASTS, TooMany
from operator_ui.staff.sign_in import SESSIONS

LINK = "/link"
_DIFFER = Problem("again", "2つのパスワードが同じではありません / The two passwords are not the same")


def routes() -> list[web.RouteDef]:
    return [
        web.get("/account", show),
        web.post("/account/password", change_password),
        web.get(LINK, show_link),
        web.post(LINK, use_link),
        web.get(f"{LINK}/{{token}}", show_link),  # of links made before the `#`
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return _show(request, changed="changed" in request.query)


async def change_password(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    typed, sessions = await form.read(request), request.app[SESSIONS]
    if _differ(typed):
        return _show(request, problems=[_DIFFER], status=422)
    try:
        token = await sessions.change_password(
            request[ACTOR], typed.text("current"), typed.text("password"), sender=request.remote or ""
        )
    except TooMany as e:
        return _show(request, problems=[Problem("current", e.message)], status=429)
    except Forbidden as e:
        return _show(request, problems=[Problem("current", e.message)], status=403)
    except BadInput as e:
        return _show(request, problems=[_weak(e)], status=422)
    response = see_other("/account?changed")
    sessions.remember(response, token)
    return response


async def show_link(request: web.Request) -> web.Response:
    """Where the token is taken from the address; with an older link, whose password it is for."""
    token = request.match_info.get("token", "")
    return await _show_link(request, token) if token else page(request, "link.html", asks=True, problems=[])


async def use_link(request: web.Request) -> web.Response:
    """The token alone: whose password it is for. With a password: that it is from now on."""
    typed = await form.read(request)
    token = typed.text("code")
    if not typed.ticked("password"):
        return await _show_link(request, token)
    if _differ(typed):
        return await _show_link(request, token, problem=_DIFFER)
    try:
        await request.app[SESSIONS].use_link(token, typed.text("password"))
    except BadInput as e:
        return await _show_link(request, token, problem=_weak(e))
    except Conflict:
        return await _show_link(request, token)
    return see_other("/signin")


def _differ(typed: Form) -> bool:
    return typed.text("password") != typed.text("again")


def _weak(error: BadInput) -> Problem:
    return Problem("password", error.message.removeprefix(f"{error.path}: "))


def _show(
    request: web.Request, *, problems: list[Problem] | None = None, status: int = 200, changed: bool = False
) -> web.Response:
    return page(
        request,
        "account.html",
        status=status,
        problems=problems or [],
        changed=changed,
        organisation=request.app[CONSOLE].organisation,
        roles=ROLES,
        hazards=list(Hazard),
    )


async def _show_link(request: web.Request, token: str, *, problem: Problem | None = None) -> web.Response:
    account = await request.app[SESSIONS].by_link(token)
    return page(
        request,
        "link.html",
        status=410 if account is None else 422 if problem else 200,
        asks=False,
        code=token,
        account=account,
        problems=[problem] if problem else [],
        hours=int(LINK_LASTS.total_seconds() // 3600),
    )
