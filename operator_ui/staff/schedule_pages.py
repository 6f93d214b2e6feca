"""A time for an approved draft: choosing it, answering when the hub asks again, and calling it off."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import web

from hub.authorise import Action, Actor, may
from hub.draft import Draft, State
from hub.errors import AlreadySent, BadInput, Conflict, DatabaseAway, Forbidden, Refused
from hub.place import Name
from hub.schedule import ASK_BEFORE, Phase
from hub.scheduling import why_not
from operator_ui import form
from operator_ui.staff import approve, phrasing
from operator_ui.staff.compose import load
from operator_ui.staff.console import ACTOR, CONSOLE, see_other
from operator_ui.staff.draft_form import local_time

_REFUSED = (BadInput, Forbidden, Conflict, Refused, DatabaseAway)


class Scheduled(NamedTuple):
    """A scheduled draft as a page shows it. `may_answer`: whether its reader may say yes, or call it off."""

    draft: Draft
    title: Name
    phase: Phase
    may_answer: bool


def routes() -> list[web.RouteDef]:
    return [
        web.post("/drafts/{draft}/schedule", schedule),
        web.post("/drafts/{draft}/confirm", confirm),
        web.post("/drafts/{draft}/call-off", call_off),
    ]


def shown(draft: Draft, actor: Actor, now: datetime) -> Scheduled | None:
    """None: it waits for no time."""
    if draft.state is not State.SCHEDULED or draft.schedule is None:
        return None
    may_answer = may(actor, Action.COMPOSE) and actor.may_touch(draft.message.hazard)
    return Scheduled(draft, phrasing.title(draft.message), draft.schedule.phase(now), may_answer)


def choosing(draft: Draft, now: datetime) -> dict[str, Any]:
    """What the form for a time is made from."""
    return {
        "unschedulable": why_not(draft.message),
        "earliest": local_time(now + ASK_BEFORE + timedelta(minutes=1)),
    }


async def schedule(request: web.Request) -> web.Response:
    """Approved as for sending, with the level's digit; only later."""
    draft, typed = await load(request), await form.read(request)
    try:
        at = typed.moment("at")
        if at is None:
            raise BadInput("$.at", "送る時刻を入れてください / Say when to send it")
        approval = approve.approval_of(typed, draft, await approve.asked_for(request, draft))
        await request.app[CONSOLE].intake.schedule(approval, at, request[ACTOR])
    except BadInput as e:
        return await approve.refused(request, _in_this_form(e))
    except _REFUSED as e:
        return await approve.refused(request, e)
    return see_other(f"/drafts/{draft.id}")


def _in_this_form(error: BadInput) -> BadInput:
    """The digit is asked for twice on the page: beside sending now, and here."""
    if error.path != "$.typed":
        return error
    return BadInput("$.typed-later", error.message.removeprefix(f"{error.path}: "))


async def confirm(request: web.Request) -> web.Response:
    """「送る」: at its time, or now when that has come."""
    draft, typed = request.match_info["draft"], await form.read(request)
    try:
        accepted = await request.app[CONSOLE].intake.confirm(
            draft, request[ACTOR], seen=typed.number("version") or 0
        )
    except AlreadySent as e:
        return see_other(f"/alerts/{e.alert}?again")
    except _REFUSED as e:
        return await approve.refused(request, e)
    return see_other(f"/alerts/{accepted.alert.identifier}" if accepted else f"/drafts/{draft}")


async def call_off(request: web.Request) -> web.Response:
    draft, typed = request.match_info["draft"], await form.read(request)
    try:
        await request.app[CONSOLE].intake.call_off(
            draft, request[ACTOR], seen=typed.number("version") or 0, reason=typed.text("reason")[:200]
        )
    except _REFUSED as e:
        return await approve.refused(request, e)
    return see_other(f"/drafts/{draft}")
