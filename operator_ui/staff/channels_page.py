"""The channels: of each the last proof of life, by probe, by a test message end to end, and by a real sending (I15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise, may
from hub.canary import Proof
from hub.channel import Capabilities, Health
from hub.ledger import audit, batches, canaries
from hub.ledger.batches import Taken
from hub.ledger.canaries import Known
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other

SHOWS = {
    Proof.READ_BACK: "市の受信箱に届いたことまで確かめています。",
    Proof.RECEIPT: "端末に届いたこと、または電話に出たことまで確かめています。",
    Proof.ACCEPTED: "事業者が受け付けたことまで確かめています。その先は事業者が知らせません。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One channel. `sent`: the last real sending, or drill, of which somebody is known to have been accepted."""

    kind: str
    has: Capabilities
    health: Health | None
    proof: Proof | None
    """Of its test message; None: none is set up."""
    canary: Known | None
    sent: Taken | None

    @property
    def alive_at(self) -> datetime | None:
        """When the channel was last seen alive, in whatever way."""
        moments = (
            self.health.checked_at if self.health and self.health.ok else None,
            self.canary.proven_at if self.canary else None,
            self.sent.at if self.sent else None,
        )
        return max((moment for moment in moments if moment), default=None)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/channels", show),
        web.post("/channels/{kind}/test", ask),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    return page(
        request,
        "channels.html",
        lines=_lines(
            console, await console.health(), *await console.ledger.read(partial(_on_record, console))
        ),
        shows=SHOWS,
        now=console.clock(),
        may_ask=may(request[ACTOR], Action.COMPOSE) or may(request[ACTOR], Action.CONFIGURE),
    )


async def ask(request: web.Request) -> web.Response:
    """A test message now, whatever the plan."""
    console, actor, kind = request.app[CONSOLE], request[ACTOR], request.match_info["kind"]
    if not may(actor, Action.CONFIGURE):
        authorise(actor, Action.COMPOSE)
    if kind not in console.canaries:
        raise web.HTTPNotFound
    at = console.clock()

    def work(conn: Connection) -> None:
        canaries.ask(conn, kind, at=at)
        audit.append(
            conn, console.keys, at=at, actor=actor.login, action="channel.test", subject=f"channel {kind}"
        )

    await console.ledger.write(work)
    return see_other("/channels")


def _on_record(console: Console, conn: Connection) -> tuple[Mapping[str, Known], Mapping[str, Taken]]:
    return canaries.known(conn), batches.last_taken(conn, console.capabilities.keys())


def _lines(
    console: Console,
    health: Mapping[str, Health],
    known: Mapping[str, Known],
    taken: Mapping[str, Taken],
) -> list[Line]:
    return [
        Line(
            kind=kind,
            has=has,
            health=health.get(kind),
            proof=console.canaries.get(kind),
            canary=known.get(kind),
            sent=taken.get(kind),
        )
        for kind, has in console.capabilities.items()
    ]
