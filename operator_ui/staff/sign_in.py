"""Signing in and out, and choosing the screens' language."""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from hub.errors import Forbidden
from operator_ui import form
from operator_ui.pages import LANGUAGE_COOKIE
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.sessions import COOKIE, Sessions, TooMany

SESSIONS = web.AppKey("sessions", Sessions)
_LANGUAGES = ("ja", "en")
_A_YEAR_S = 365 * 24 * 3600


def routes() -> list[web.RouteDef]:
    return [
        web.get("/signin", show),
        web.post("/signin", sign_in),
        web.post("/signout", sign_out),
        web.get("/language/{language}", choose_language),
    ]


async def show(request: web.Request) -> web.Response:
    if ACTOR in request:
        return see_other("/")
    return _form(request, next_=request.query.get("next", ""))


async def sign_in(request: web.Request) -> web.Response:
    typed = await form.read(request)
    sessions, next_ = request.app[SESSIONS], typed.text("next")
    login = typed.text("login")
    try:
        token = await sessions.sign_in(login, typed.text("password"), sender=request.remote or "")
    except TooMany as e:
        return _form(request, next_=next_, login=login, error=e, status=429)
    except Forbidden as e:
        return _form(request, next_=next_, login=login, error=e, status=403)
    response = see_other(own_path(next_))
    sessions.remember(response, token)
    return response


async def sign_out(request: web.Request) -> web.Response:
    sessions = request.app[SESSIONS]
    await sessions.sign_out(request.cookies[COOKIE], request[ACTOR])
    response = see_other("/signin")
    sessions.forget(response)
    return response


async def choose_language(request: web.Request) -> web.Response:
    chosen = request.match_info["language"]
    if chosen not in _LANGUAGES:
        raise web.HTTPNotFound
    response = see_other(own_path(urlsplit(request.headers.get(hdrs.REFERER, "")).path))
    response.set_cookie(
        LANGUAGE_COOKIE,
        chosen,
        max_age=_A_YEAR_S,
        samesite="Lax",
        httponly=True,
        secure=request.app[CONSOLE].https,
    )
    return response


def own_path(path: str) -> str:
    """`path` if it is one of this site's, else the start: a link never leads a person elsewhere."""
    if not path.isprintable():  # which a header cannot hold, and a browser may leave out of `/\t/`
        return "/"
    parts = urlsplit(path)
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return path if own else "/"


def _form(
    request: web.Request,
    *,
    next_: str,
    login: str = "",
    error: Forbidden | None = None,
    status: int = 200,
) -> web.Response:
    return page(request, "sign_in.html", status=status, next=next_, login=login, error=error)
