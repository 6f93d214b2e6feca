"""Warnings that came in and wait for the city: which draft would answer each, or why none yet."""

from collections.abc import Mapping

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, Actor, authorise
from hub.city import City
from hub.errors import BadInput
from hub.inbound import occasions
from hub.inbound.occasions import Occasion
from hub.inbound.warning import Suggestion, suggest
from hub.ledger import audit
from operator_ui import form
from operator_ui.staff.console import ACTOR, CONSOLE, ROW, Console, see_other


def routes() -> list[web.RouteDef]:
    return [web.post(rf"/occasions/{{occasion:{ROW}}}/not-yet", not_yet)]


def suggestions(occasion: Occasion, city: City) -> tuple[Suggestion, ...]:
    """What the city might answer it with; empty for what asks for no order."""
    return suggest(occasion.telegram, city.codes)


async def not_yet(request: web.Request) -> web.Response:
    """「まだ出さない」, with a reason: a decision too, and recorded as one."""
    authorise(request[ACTOR], Action.COMPOSE)
    console, actor = request.app[CONSOLE], request[ACTOR]
    reason = (await form.read(request)).text("reason")
    occasion = int(request.match_info["occasion"])
    if not reason:
        raise BadInput("reason", "理由を書いてください / Say why")

    await console.ledger.write(
        lambda conn: decide(
            conn,
            console,
            occasion,
            actor,
            decision=reason,
            action="occasion.not_yet",
            detail={"reason": reason},
        )
    )
    return see_other("/")


def decide(
    conn: Connection,
    console: Console,
    occasion: int,
    actor: Actor,
    *,
    decision: str,
    action: str,
    detail: Mapping[str, str],
) -> None:
    """The decision and its audit row."""
    at = console.clock()
    occasions.decide(conn, occasion, actor, decision=decision, at=at)
    audit.append(
        conn, console.keys, at=at, actor=actor.login, action=action, subject=str(occasion), detail=detail
    )
