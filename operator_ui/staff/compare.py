"""What changed: between an alert and what came before or after it, between the versions of a draft."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.draft import Draft, Message, State
from hub.ledger import alerts, drafts
from hub.ledger.alerts import Accepted
from operator_ui import moments
from operator_ui.staff import phrasing
from operator_ui.staff.compose import load
from operator_ui.staff.console import ACTOR, CONSOLE, PAGES, page
from operator_ui.staff.sections import sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two. `key` stands in the address; `label` says what it is."""

    key: str
    label: str
    message: Message


def routes() -> list[web.RouteDef]:
    return [
        web.get("/alerts/{alert}/compare", of_alert),
        web.get("/drafts/{draft}/compare", of_draft),
    ]


async def of_alert(request: web.Request) -> web.Response:
    """With what it follows or what followed it; the earlier of the two comes first."""
    authorise(request[ACTOR], Action.VIEW)
    console, identifier = request.app[CONSOLE], request.match_info["alert"]

    def work(conn: Connection) -> list[tuple[Side, int]]:
        known = [alerts.get(conn, console.keys, identifier)]
        known += [alerts.get(conn, console.keys, each) for each, _ in alerts.related(conn, identifier)]
        return [(_of_alert(conn, each), each.alert.sequence) for each in known]

    sides = await console.ledger.read(work)
    mine, *others = [side for side, _ in sides]
    chosen, order = _chosen(request, others), {side.key: sequence for side, sequence in sides}
    pair = sorted((chosen, mine), key=lambda side: order[side.key]) if chosen else []
    return _show(request, here=mine, others=others, chosen=chosen, pair=pair)


async def of_draft(request: web.Request) -> web.Response:
    """With the versions of it that were submitted before, and with the alert that it follows."""
    authorise(request[ACTOR], Action.VIEW)
    console, draft = request.app[CONSOLE], await load(request)

    def work(conn: Connection) -> list[Side]:
        return [
            *(_submitted(each) for each in drafts.submitted(conn, draft.id) if each.message != draft.message),
            *(_of_alert(conn, alerts.get(conn, console.keys, each)) for each in draft.message.references),
        ]

    others = await console.ledger.read(work)
    chosen, mine = _chosen(request, others), _of_draft(draft)
    return _show(request, here=mine, others=others, chosen=chosen, pair=[chosen, mine] if chosen else [])


def _show(
    request: web.Request, *, here: Side, others: Sequence[Side], chosen: Side | None, pair: Sequence[Side]
) -> web.Response:
    pages, language = request.app[PAGES], request.app[PAGES].language(request)
    found = (
        list(sections(pair[0].message, pair[1].message, request.app[CONSOLE].capabilities)) if pair else []
    )
    return page(
        request,
        "compare.html",
        here=here,
        back=request.path.rpartition("/")[0],
        title=phrasing.title(here.message),
        mode=here.message.mode,
        others=others,
        chosen=chosen,
        pair=pair,
        sections=[each for each in found if each.changes],
        same=[each.title for each in found if not each.changes],
        total=sum(each.changes for each in found),
        word=lambda text: pages.translated(text, language),
    )


def _chosen(request: web.Request, others: Sequence[Side]) -> Side | None:
    """As asked for, else the first that there is."""
    asked = request.query.get("with", "")
    return next((each for each in others if each.key == asked), others[0] if others else None)


def _of_alert(conn: Connection, accepted: Accepted) -> Side:
    alert, draft = accepted.alert, drafts.of_alert(conn, accepted.alert.identifier)
    message = Message(
        mode=alert.mode,
        msg_type=alert.msg_type,
        hazard=alert.hazard,
        level=alert.level,
        order=alert.order,
        area=alert.area,
        targeting=alert.targeting,
        infos=alert.infos,
        valid_for_s=int((alert.expires - alert.sent).total_seconds()),
        references=alert.references,
        correction=alert.correction,
        left_out=draft.message.left_out if draft else (),
    )
    label = f"{accepted.number}（{moments.day(alert.sent, 'ja')} {moments.clock(alert.sent)}）"
    return Side(key=alert.identifier, label=label, message=message)


def _submitted(each: drafts.Submitted) -> Side:
    when = f"{moments.day(each.at, 'ja')} {moments.clock(each.at)}"
    return Side(key=f"v{each.version}", label=f"v{each.version}（{when}）", message=each.message)


def _of_draft(draft: Draft) -> Side:
    state = _STATES.get(draft.state, "下書き")
    return Side(key=f"v{draft.version}", label=f"v{draft.version}（{state}）", message=draft.message)


_STATES = {
    State.SUBMITTED: "承認待ち",
    State.REJECTED: "却下",
    State.SCHEDULED: "予約済み",
    State.LAPSED: "送らなかった予約",
}
