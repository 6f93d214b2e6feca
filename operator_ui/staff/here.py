"""The page of one shelter, for whoever holds its link: nothing else of the console opens with it.

The QR code leads to a page with one button, and carries the token behind a `#`: no browser sends that part, so the
token stands in no proxy's log. Where no script puts it into the form, it is typed. Pressing the button puts it into a
cookie for these pages alone: what looks into links before people do (a messenger's preview) uses none. Whether the
link still holds is asked of the ledger at every request.

A service worker keeps a copy of the page on the telephone for when there is no line (`static/here.js`).
"""

import hashlib
import hmac
import json

from aiohttp import hdrs, web
from sqlalchemy import Connection

from hub.authorise import Actor
from hub.errors import Forbidden
from hub.ledger import audit
from operator_ui import form
from operator_ui.moments import stamp
from operator_ui.staff import shelter_pages
from operator_ui.staff.console import ACTOR, CONSOLE, CSRF, LINK, PAGES, Console, page, see_other
from shelters import link as links
from shelters.link import Link

COOKIE = "yobikake-shelter"
FOLDER = "/here"
_DOOR = f"{FOLDER}/in"
_WORKER = f"{FOLDER}/worker.js"
_OUT = f"{FOLDER}/out"
_WRITTEN = "[A-Za-z0-9_-]{1,64}"
_FILES = ("staff.js", "report.js", "door.js", "icon.svg")
"""What the pages name, and the worker keeps with them."""


def routes() -> list[web.RouteDef]:
    return [
        web.get(_DOOR, show_door),
        web.post(_DOOR, enter),
        web.get(f"{_DOOR}/{{token:{_WRITTEN}}}", show_door),  # of sheets that were printed before the `#`
        web.get(_WORKER, worker),
        web.get(FOLDER, show),
        web.get(f"{FOLDER}/live", shelter_pages.fragment),
        web.get(f"{FOLDER}/changes", shelter_pages.changes),
        web.post(f"{FOLDER}/step", shelter_pages.take_step),
        web.post(f"{FOLDER}/report", shelter_pages.report),
        web.post(f"{FOLDER}/ticks", shelter_pages.tick),
        web.post(_OUT, leave),
    ]


def door(console: Console) -> str:
    """Where a code is typed."""
    return f"{console.url}{_DOOR}"


def address(console: Console, token: str) -> str:
    return f"{door(console)}#{token}"


def leads_here(path: str) -> bool:
    return path == FOLDER or path.startswith(f"{FOLDER}/")


async def admit(request: web.Request) -> web.Response | None:
    """Whom these pages are opened by: the link in the cookie, and never a session of staff. An answer: nobody.

    Raises:
        Forbidden: a form that does not come from the page.
    """
    if request.path in (_DOOR, _WORKER) or request.path.startswith(f"{_DOOR}/"):
        return None
    console, token = request.app[CONSOLE], request.cookies.get(COOKIE, "")
    link = await _find(console, token)
    if link is None:
        return _closed(request, wrong=bool(token))
    expected = console.keys.mac(b"shelter link form", token.encode(errors="surrogateescape")).hex()
    site = await _site_name(console, link)
    request[LINK], request[CSRF] = link, expected
    request[ACTOR] = Actor(login=link.login, name=site, roles=frozenset())
    if request.method not in ("GET", "HEAD"):
        given = (await form.read(request)).text("csrf")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise Forbidden(
                "画面が古くなっています。開き直してください / This page is out of date: open it again"
            )
    return None


async def show_door(request: web.Request) -> web.Response:
    """Where the code is typed, or stands already. Changes nothing."""
    console, token = request.app[CONSOLE], request.match_info.get("token", "")
    if token and await _find(console, token) is None:
        return _closed(request, wrong=True)
    return page(request, "here_door.html", code=token, wrong=False)


async def enter(request: web.Request) -> web.Response:
    console, token = request.app[CONSOLE], links.meant((await form.read(request)).text("code"))
    link = await _find(console, token)
    if link is None:
        return _closed(request, wrong=True)
    await console.ledger.write(lambda conn: _record(conn, console, link, "shelter.link.use"))
    response = see_other(FOLDER)
    left = int((link.expires_at - console.clock()).total_seconds())
    response.set_cookie(
        COOKIE, token, max_age=left, httponly=True, samesite="Strict", secure=console.https, path=FOLDER
    )
    return response


async def show(request: web.Request) -> web.Response:
    """With the time until which a copy of it may be kept."""
    response = await shelter_pages.show(request)
    response.headers["Yobikake-Kept-Until"] = stamp(request[LINK].expires_at)
    return response


async def worker(request: web.Request) -> web.Response:
    """Of this page and nothing beside it. Other files make it another version, which keeps none of the old copies."""
    static = request.app[PAGES].static
    names = [static.url(name) for name in _FILES]
    version = hashlib.sha256("".join(names).encode()).hexdigest()[:16]
    told = {"KEPT": f"here-{version}", "FILES": names, "PAGE": FOLDER, "DOOR": _DOOR, "OUT": _OUT}
    said = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in told.items())
    return web.Response(
        text=f'"use strict";\n{said}{static.body("here.js").decode()}',
        content_type="text/javascript",
        headers={hdrs.CACHE_CONTROL: "no-cache", "Service-Worker-Allowed": FOLDER},
    )


async def leave(request: web.Request) -> web.Response:
    console, link = request.app[CONSOLE], request[LINK]
    await console.ledger.write(lambda conn: _record(conn, console, link, "shelter.link.leave"))
    response = see_other(FOLDER)
    response.del_cookie(COOKIE, path=FOLDER, httponly=True, samesite="Strict", secure=console.https)
    return response


def _closed(request: web.Request, *, wrong: bool) -> web.Response:
    """`wrong`: a code was given, and opens nothing."""
    return page(request, "here_door.html", status=403, code="", wrong=wrong)


async def _find(console: Console, token: str) -> Link | None:
    if not token:
        return None
    return await console.ledger.read(lambda conn: links.find(conn, console.keys, token, at=console.clock()))


async def _site_name(console: Console, link: Link) -> str:
    rows = (await console.board()).rows
    return next((row.site.name.ja for row in rows if row.site.code == link.site), link.site)


def _record(conn: Connection, console: Console, link: Link, action: str) -> None:
    audit.append(
        conn, console.keys, at=console.clock(), actor=link.login, action=action, subject=link.site, detail={}
    )
