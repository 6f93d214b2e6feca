"""Numbers that nobody picked up when they were new, or that are none (`hub.trials`): for staff to look into.

Whoever looks is written down, for this is where numbers stand.
"""

from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.errors import BadInput
from hub.ledger import audit, register, trials
from hub.ledger.trials import Failed
from hub.recipient import Kind, RecipientId
from operator_ui import form
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.replies_page import ELSEWHERE, written

PAGE = "/trial-call/failed"
MOST = 200
SUBJECT = "failed numbers"


class Row(NamedTuple):
    failed: Failed
    number: str

    @property
    def written(self) -> str:
        return written(self.number)

    @property
    def of_staff(self) -> bool:
        return self.failed.kind is Kind.STAFF


def routes() -> list[web.RouteDef]:
    return [web.get(PAGE, show), web.post(f"{PAGE}/again", again)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.TRY_CALL)
    console, login = request.app[CONSOLE], request[ACTOR].login
    rows = await console.ledger.write(lambda conn: _look(conn, console, login))
    names = {code: town.name for code, town in console.city.towns.items()}
    return page(
        request,
        "failed_numbers.html",
        rows=rows,
        most=MOST,
        town=lambda row: names.get(row.failed.town, ELSEWHERE),
        asked="asked" in request.query,
    )


async def again(request: web.Request) -> web.Response:
    """As if it were new, but at once, by day."""
    authorise(request[ACTOR], Action.TRY_CALL)
    console, login, typed = request.app[CONSOLE], request[ACTOR].login, await form.read(request)
    recipient, channel, at = typed.text("recipient"), typed.text("channel"), console.clock()
    if not (recipient.isascii() and recipient.isdigit() and len(recipient) < 19):
        raise BadInput("recipient", "画面を開き直してください / Open the page again")
    who = RecipientId(int(recipient))

    def work(conn: Connection) -> None:
        if trials.ask_again(conn, who, channel, at=at):
            _audit(conn, console, login, "trials.again", {"recipient": who, "channel": channel})

    await console.ledger.write(work)
    return see_other(f"{PAGE}?asked")


def _look(conn: Connection, console: Console, login: str) -> list[Row]:
    """With the audit row of who looked, in one commit."""
    found = trials.failed(conn, limit=MOST)
    numbers = {
        (who, kind): number
        for kind in trials.TRIED
        for who, number in register.addresses(
            conn, console.keys, kind, [each.trial.recipient for each in found if each.trial.channel == kind]
        ).items()
    }
    rows = [Row(each, numbers.get((each.trial.recipient, each.trial.channel), "")) for each in found]
    if rows:
        _audit(conn, console, login, "trials.read", {"numbers": len(rows)})
    return rows


def _audit(conn: Connection, console: Console, login: str, action: str, detail: dict[str, object]) -> None:
    audit.append(
        conn, console.keys, at=console.clock(), actor=login, action=action, subject=SUBJECT, detail=detail
    )
