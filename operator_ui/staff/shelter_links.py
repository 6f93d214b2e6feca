"""Making and revoking the links by which a shelter's staff report. Each is shown once, as a sheet to print."""

import re
from datetime import timedelta
from uuid import uuid4

import segno
from aiohttp import web
from markupsafe import Markup
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.ledger import audit
from operator_ui import form
from operator_ui.staff import here
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.shelter_row import row_of
from shelters import link as links
from shelters.link import Link

HOURS = (12, 24, 72)
"""How long a link may hold; the first unless another is chosen."""


def routes() -> list[web.RouteDef]:
    return [
        web.post("/shelters/{site}/links", make),
        web.post("/shelters/{site}/links/{link:[0-9a-f-]{36}}/revoke", revoke),
    ]


async def make(request: web.Request) -> web.Response:
    """The sheet, this once: of its token nothing stays here that would show it again."""
    authorise(request[ACTOR], Action.INVITE_SHELTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    row = row_of(await console.board(), request)
    hours = typed.number("hours")
    now, token, given = console.clock(), links.new_token(), typed.text("id")
    link = Link(
        id=given if re.fullmatch("[0-9a-f-]{36}", given) else str(uuid4()),
        site=row.site.code,
        created_at=now,
        created_by=request[ACTOR].login,
        expires_at=now + timedelta(hours=hours if hours in HOURS else HOURS[0]),
    )
    await console.ledger.write(lambda conn: _add(conn, console, link, token))
    return page(
        request,
        "shelter_link.html",
        row=row,
        link=link,
        door=here.door(console),
        code=token,
        drawing=drawing(here.address(console, token)),
        now=now,
    )


async def revoke(request: web.Request) -> web.Response:
    """From the next request on it opens nothing."""
    authorise(request[ACTOR], Action.INVITE_SHELTER)
    console, wanted = request.app[CONSOLE], request.match_info["link"]
    row = row_of(await console.board(), request)

    def work(conn: Connection) -> None:
        at, by = console.clock(), request[ACTOR].login
        if links.revoke(conn, row.site.code, wanted, by=by, at=at):
            _audit(conn, console, by, "shelter.link.revoke", row.site.code, wanted)

    await console.ledger.write(work)
    return see_other(f"/shelters/{row.site.code}#links")


def drawing(address: str) -> Markup:
    """A QR code as SVG, black on white whatever the theme; a quarter of it may be lost (level Q, ISO/IEC 18004)."""
    svg = segno.make(address, error="q", micro=False).svg_inline(
        omitsize=True, light="#fff", dark="#000", border=4, svgclass="qr"
    )
    return Markup(svg)  # noqa: S704 - made of numbers and our own address


def _add(conn: Connection, console: Console, link: Link, token: str) -> None:
    links.add(conn, console.keys, link, token)
    _audit(conn, console, link.created_by, "shelter.link.make", link.site, link.id)


def _audit(conn: Connection, console: Console, *what: str) -> None:
    by, action, site, link = what
    audit.append(
        conn, console.keys, at=console.clock(), actor=by, action=action, subject=site, detail={"link": link}
    )
