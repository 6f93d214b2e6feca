"""The channels: of each the last proof of life, and what is to be done where there is none (I15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy import Connection

from hub import canary_device, wifi_drill
from hub.authorise import Action, authorise, may
from hub.canary import Proof
from hub.capabilities import Unit
from hub.channel import Health
from hub.ledger import audit, batches, canaries, held_back, ticks
from hub.ledger.batches import Taken
from hub.ledger.canaries import Known
from hub.wifi_drill import Record
from operator_ui.staff.channel_life import Line, State, places
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.shelter_links import drawing

SHOWS = {
    Proof.READ_BACK: "市の受信箱に届いたことまで確かめています。",
    Proof.RECEIPT: "相手に届いたこと（端末への到着、電話の応答、FAXの送信完了）を、事業者の報告で確かめています。",
    Proof.SHOWN: "登録した端末に通知が表示されたことまで確かめています。",
    Proof.TAKEN: "連携先のシステムがそれぞれ受け取ったことまで確かめています。",
    Proof.ACCEPTED: "事業者が受け付けたことまで確かめています。その先は事業者が知らせません。",
}
TAGS = {
    State.SILENT: ("見張りが止まっています", "bad"),
    State.DEAD: ("応答なし", "bad"),
    State.MISSED: ("試験が届いていません", "bad"),
    State.DUE: ("訓練で確かめてください", "warn"),
    State.UNKNOWN: ("未確認", "plain"),
    State.GOOD: ("良好", "ok"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnRecord:
    """What the ledger holds. `device`: since when a browser gets the test notifications; `held_back`: how many addresses
    are sent to no more."""

    known: Mapping[str, Known]
    taken: Mapping[str, Taken]
    drills: list[Record]
    device: datetime | None
    held_back: int


def routes() -> list[web.RouteDef]:
    return [
        web.get("/channels", show),
        web.post("/channels/{kind}/test", ask),
        web.post("/channels/{kind}/device", invite),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console, actor = request.app[CONSOLE], request[ACTOR]
    found, record = await _found(console)
    return page(
        request,
        "channels.html",
        lines=found,
        device=record.device,
        held_back=record.held_back if may(actor, Action.TRY_CALL) else 0,
        shows=SHOWS,
        tags=TAGS,
        now=console.clock(),
        drill_days=console.drill_within.days,
        may_ask=may(actor, Action.COMPOSE) or may(actor, Action.CONFIGURE),
        may_change=may(actor, Action.CONFIGURE),
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


async def invite(request: web.Request) -> web.Response:
    """The link by which a browser becomes the one that test notifications go to: this once, for an hour."""
    console, actor, kind = request.app[CONSOLE], request[ACTOR], request.match_info["kind"]
    authorise(actor, Action.CONFIGURE)
    if kind not in console.canaries or not console.canaries[kind].device:
        raise web.HTTPNotFound
    at = console.clock()
    await console.ledger.write(
        lambda conn: audit.append(
            conn, console.keys, at=at, actor=actor.login, action="channel.device", subject=f"channel {kind}"
        )
    )
    link = f"{console.public_url}{canary_device.PATH}#{canary_device.link_pass(console.keys, at=at)}"
    return page(
        request, "channel_device.html", link=link, drawing=drawing(link), until=at + canary_device.LASTS
    )


async def lines(console: Console) -> list[Line]:
    """What needs somebody's eye first."""
    return (await _found(console))[0]


async def _found(console: Console) -> tuple[list[Line], _OnRecord]:
    record = await console.ledger.read(lambda conn: _on_record(console, conn))
    health = await console.health()
    found = [_line(console, kind, health.get(kind), record) for kind in console.capabilities]
    order = list(State)
    return sorted(found, key=lambda line: order.index(line.state)), record


def _on_record(console: Console, conn: Connection) -> _OnRecord:
    device = canary_device.current(conn, console.keys)
    return _OnRecord(
        known=canaries.known(conn),
        taken=_taken(console, conn),
        drills=wifi_drill.history(conn, console.keys),
        device=None if device is None else device.since,
        held_back=held_back.number(conn),
    )


def _taken(console: Console, conn: Connection) -> dict[str, Taken]:
    """A sheet that was made ready went nowhere before somebody carries it over."""
    by_hand = {kind for kind, has in console.capabilities.items() if has.unit is Unit.SHEETS}
    found = batches.last_taken(conn, console.capabilities.keys() - by_hand)
    for kind in by_hand:
        ticked = ticks.last(conn, [sheet.ref for sheet in console.targets.get(kind, ())])
        if ticked is not None:
            found[kind] = ticked
    return found


def _line(console: Console, kind: str, health: Health | None, record: _OnRecord) -> Line:
    has, plan = console.capabilities[kind], console.canaries.get(kind)
    targets = console.targets.get(kind, ()) if has.unit is Unit.FACILITIES else ()
    return Line(
        kind=kind,
        has=has,
        health=health,
        plan=plan,
        nobody=plan is not None and plan.device and record.device is None,
        canary=record.known.get(kind),
        sent=record.taken.get(kind),
        places=places(targets, record.drills),
        drill_within=console.drill_within,
        now=console.clock(),
    )
