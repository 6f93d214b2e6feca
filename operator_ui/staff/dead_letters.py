"""Records that could not be processed: which, when and why, until somebody has looked at them."""

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise, may
from hub.codec import RecordCodec
from hub.ledger import audit, dead_letters
from operator_ui import form
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other

MOST = 100


def routes() -> list[web.RouteDef]:
    return [
        web.get("/dead-letters", show),
        web.post("/dead-letters/seen", mark_seen),
    ]


async def show(request: web.Request) -> web.Response:
    """The newest. What a record says is shown only where this hub wrote it: anything else may be anything."""
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    found = await console.ledger.read(lambda conn: dead_letters.newest(conn, limit=MOST))
    records = RecordCodec(console.keys)
    return page(
        request,
        "dead_letters.html",
        letters=[(letter, _said(letter, records)) for letter in found],
        unseen=any(letter.seen_at is None for letter in found),
        until=found[0].id if found else 0,
        may_mark=_may_mark(request),
    )


async def mark_seen(request: web.Request) -> web.Response:
    """Those on the page, and what is older than they are."""
    if not _may_mark(request):
        authorise(request[ACTOR], Action.ADMINISTER)
    console, actor = request.app[CONSOLE], request[ACTOR]
    until, at = (await form.read(request)).number("until") or 0, console.clock()

    def work(conn: Connection) -> None:
        if seen := dead_letters.mark_seen(conn, actor, until=until, at=at):
            audit.append(
                conn,
                console.keys,
                at=at,
                actor=actor.login,
                action="dead_letters.seen",
                subject=f"dead letter {until}",
                detail={"letters": seen},
            )

    await console.ledger.write(work)
    return see_other("/dead-letters")


def _may_mark(request: web.Request) -> bool:
    return may(request[ACTOR], Action.COMPOSE) or may(request[ACTOR], Action.ADMINISTER)


def _said(letter: dead_letters.DeadLetter, records: RecordCodec) -> str:
    payload = records.payload(letter.topic, letter.key, letter.value)
    return "" if payload is None else payload.decode()
