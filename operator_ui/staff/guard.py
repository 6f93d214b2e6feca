"""Nobody comes past here unknown: session, origin and form token are checked before any handler runs."""

import hmac
from urllib.parse import quote

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from hub.errors import Forbidden
from operator_ui import form
from operator_ui.staff import here
from operator_ui.staff.console import ACTOR, CONSOLE, CSRF, PAGES
from operator_ui.staff.sessions import COOKIE, Sessions
from operator_ui.static_files import FAVICON

OPEN = frozenset({"/signin", "/link", "/health", FAVICON})
_OPEN_FOLDERS = ("/static/", "/language/", "/link/")
_SAFE = frozenset({"GET", "HEAD"})


def guard(sessions: Sessions) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _SAFE:
            _refuse_foreign(request)
        if here.leads_here(request.path):
            return await here.admit(request) or await handler(request)
        found = await sessions.who(request.cookies.get(COOKIE))
        if found is not None:
            request[ACTOR], request[CSRF] = found.actor, found.csrf
            if request.method not in _SAFE:
                await _check_token(request, found.csrf)
        elif not _open(request.path):
            return _to_sign_in(request)
        return await handler(request)

    return middleware


def _open(path: str) -> bool:
    return path in OPEN or path.startswith(_OPEN_FOLDERS)


def _refuse_foreign(request: web.Request) -> None:
    """A form is taken only from our own pages (Fetch Metadata; Origin where a browser has none)."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get(hdrs.ORIGIN)
    own = {request.app[CONSOLE].url, f"http://{request.host}", f"https://{request.host}"}
    if site not in ("same-origin", "none") or (origin is not None and origin not in own):
        raise Forbidden(
            "ほかのサイトからの操作は受け付けません / This was not sent from a page of the console"
        )


async def _check_token(request: web.Request, expected: str) -> None:
    given = (await form.read(request)).text("csrf")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forbidden(
            "画面が古くなっています。開き直してください / This page is out of date: open it again"
        )


def _to_sign_in(request: web.Request) -> web.Response:
    """A link in a mail comes from another site, so a Strict cookie is not sent with it: then the page
    asks for itself once more, from our own site, and the cookie comes along."""
    if request.method in _SAFE and request.headers.get("Sec-Fetch-Site") == "cross-site":
        return request.app[PAGES].render(request, "again.html")
    back = request.path_qs if request.method in _SAFE and request.path != "/" else ""
    where = f"/signin?next={quote(back, safe='')}" if back else "/signin"
    return web.Response(status=303, headers={hdrs.LOCATION: where})
