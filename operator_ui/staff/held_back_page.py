"""Registrations that are sent to no more, because their provider said of two alerts that there is no such address.

Who lost which way, and what is left to them; no address stands here. Whoever is let in again is sent to from the next
alert on.
"""

from datetime import timedelta
from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub import gone
from hub.authorise import Action, authorise
from hub.capabilities import Unit
from hub.errors import BadInput
from hub.ledger import held_back
from hub.ledger.held_back import HeldBack
from hub.recipient import Kind, RecipientId
from operator_ui import form
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.replies_page import ELSEWHERE

PAGE = "/held-back"
MOST = 200
LATELY = timedelta(days=30)


class Row(NamedTuple):
    """`ways`: by name, the channels of this hub on which they are sent to."""

    held: HeldBack
    ways: tuple[str, ...]

    @property
    def of_staff(self) -> bool:
        return self.held.kind is Kind.STAFF


class Lost(NamedTuple):
    """One channel. `rows`: whoever has no other way first, then the newest; `left`: who stopped it themselves; `ended`:
    addresses that left the register within `LATELY`."""

    name: str
    rows: list[Row]
    left: int
    ended: int


def routes() -> list[web.RouteDef]:
    return [web.get(PAGE, show), web.post(f"{PAGE}/lift", lift)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.TRY_CALL)
    console = request.app[CONSOLE]
    lost = await console.ledger.read(lambda conn: _lost(console, conn))
    rows = [row for each in lost for row in each.rows]
    names = {code: town.name for code, town in console.city.towns.items()}
    return page(
        request,
        "held_back.html",
        lost=[each._replace(rows=each.rows[:MOST]) for each in lost],
        number=len(rows),
        alone=len({row.held.recipient for row in rows if not row.ways}),
        most=MOST,
        days=LATELY.days,
        town=lambda row: names.get(row.held.town, ELSEWHERE),
        lifted="lifted" in request.query,
    )


async def lift(request: web.Request) -> web.Response:
    """One of them is sent to again, and counted anew."""
    authorise(request[ACTOR], Action.TRY_CALL)
    console, login, typed = request.app[CONSOLE], request[ACTOR].login, await form.read(request)
    recipient, channel = typed.text("recipient"), typed.text("channel")
    if not (recipient.isascii() and recipient.isdigit() and len(recipient) < 19):
        raise BadInput("recipient", "画面を開き直してください / Open the page again")
    who = [RecipientId(int(recipient))]
    await gone.lift(console.ledger, console.keys, channel, who, by=login, at=console.clock())
    return see_other(f"{PAGE}?lifted")


def _lost(console: Console, conn: Connection) -> list[Lost]:
    """The channels of which there is anything to say."""
    people = {kind: has for kind, has in console.capabilities.items() if has.unit is Unit.PEOPLE}
    names = {kind: has.japanese for kind, has in people.items()}
    held, left, since = held_back.listed(conn, people), held_back.left(conn), console.clock() - LATELY
    rows = [Row(each, tuple(names[way] for way in each.others if way in names)) for each in held]
    found = [
        Lost(
            name=has.japanese,
            rows=sorted((row for row in rows if row.held.channel == kind), key=lambda row: bool(row.ways)),
            left=left[kind],
            ended=held_back.ended(conn, kind, since=since) if has.gone_at_once else 0,
        )
        for kind, has in people.items()
    ]
    return [each for each in found if each.rows or each.left or each.ended]
