"""Proposals about shelters, for staff: seen on the list, and drafted by one tap. A draft is approved as any other."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.cap import MsgType
from hub.city import City
from hub.details import Details
from hub.draft import State
from hub.errors import Conflict
from hub.hazard import Hazard
from hub.ledger import alerts, drafts
from hub.ledger.alerts import Accepted
from hub.place import Name, Position
from hub.recipient import Towns, Zone
from operator_ui import form
from operator_ui.moments import clock
from operator_ui.staff.beginning import FollowUp, following
from operator_ui.staff.console import ACTOR, CONSOLE, Console, see_other
from shelters import proposals as domain
from shelters.board import Board, Row
from shelters.proposals import Matter, Proposal


class Shown(NamedTuple):
    """`row`: the site it is about; `names`: of its zones; `alert`: the one in force that an update would follow."""

    proposal: Proposal
    row: Row | None
    names: list[Name]
    alert: Accepted | None
    under_way: str = ""
    """Where an update of that alert lies that somebody began, and nobody sent yet."""


def routes() -> list[web.RouteDef]:
    return [web.post("/shelters/proposals", draft)]


async def shown(console: Console, board: Board) -> list[Shown]:
    """What holds now, the most urgent first."""
    active = await console.ledger.read(lambda conn: alerts.active(conn, console.keys, at=console.clock()))
    live = [each for each in active if each.alert.mode is Mode.LIVE]
    begun = await console.ledger.read(_under_way)
    rows = {row.site.code: row for row in board.rows}
    newest: dict[Hazard, Accepted] = {}
    for each in live:
        newest.setdefault(each.alert.hazard, each)
    found = []
    for proposal in domain.proposals(board, _affected(live, console.city)):
        alert = newest.get(proposal.hazard) if proposal.hazard else None
        found.append(
            Shown(
                proposal=proposal,
                row=rows[proposal.site] if proposal.site else None,
                names=[console.city.zones[zone].name for zone in proposal.zones],
                alert=alert,
                under_way=begun.get(alert.alert.identifier, "") if alert else "",
            )
        )
    return found


async def draft(request: web.Request) -> web.Response:
    """An update of the alert in force, with the reason as its grounds. The texts list the sites anew by themselves.

    Refused when the proposal does not hold any more: a page may be old.
    """
    authorise(request[ACTOR], Action.COMPOSE)
    console, typed = request.app[CONSOLE], await form.read(request)
    matter, subject = typed.choice("matter", Matter), typed.text("subject")
    held = [
        each
        for each in await shown(console, await console.board())
        if each.proposal.matter is matter and each.proposal.subject == subject and each.alert
    ]
    if not held or held[0].alert is None:
        raise Conflict(
            "この提案は、いまは当てはまりません。避難所の一覧を見直してください / "
            "This proposal does not hold any more: look at the list of shelters again"
        )
    earlier = held[0].alert
    authorise(request[ACTOR], Action.COMPOSE, earlier.alert.hazard)
    if held[0].under_way:  # somebody else was quicker: one update says all of it
        return see_other(held[0].under_way)
    identifier = earlier.alert.identifier
    draft_of = await console.ledger.read(lambda conn: drafts.of_alert(conn, identifier))
    message = following(
        earlier,
        FollowUp.UPDATE,
        templates=console.templates,
        city=console.city,
        now=console.clock(),
        details=draft_of.message.details if draft_of else Details(),
    )
    order = msgspec.structs.replace(message.order, grounds=grounds(held[0]))
    saved = await console.intake.save(msgspec.structs.replace(message, order=order), request[ACTOR])
    return see_other(f"/drafts/{saved.id}/edit")


def grounds(about: Shown) -> str:
    """Why, as it stands in the order: staff may say it otherwise."""
    row = about.row
    if row is not None and row.occupancy.full_at is not None:
        capacity = f"、定員{row.site.capacity}人" if row.site.capacity else ""
        return f"{row.site.name.ja}は{clock(row.occupancy.full_at)}ごろ満員の見込み（いま約{row.people}人{capacity}）"
    hazard = about.proposal.hazard
    zones = "・".join(name.ja for name in about.names)
    return f"{zones}の近くに、{hazard.japanese if hazard else ''}のときに使えて受入中の避難場所がない"


def _under_way(conn: Connection) -> dict[str, str]:
    """By the alert that it follows."""
    found: dict[str, str] = {}
    for state, path in ((State.EDITING, "/drafts/{}/edit"), (State.SUBMITTED, "/drafts/{}")):
        for each in drafts.in_state(conn, state):
            if each.message.msg_type is MsgType.UPDATE:
                found |= dict.fromkeys(each.message.references, path.format(each.id))
    return found


def _affected(live: Iterable[Accepted], city: City) -> dict[Hazard, list[tuple[Zone, Position]]]:
    found: dict[Hazard, dict[Zone, Position]] = {}
    for each in live:
        zones = found.setdefault(each.alert.hazard, {})
        audience = each.alert.targeting.audience
        towns = set(audience.towns) if isinstance(audience, Towns) else None
        for code, zone in city.zones.items():
            if towns is None or towns & set(zone.towns):
                zones[code] = zone.centre
    return {hazard: list(zones.items()) for hazard, zones in found.items()}
