"""Approving: a second person sees what would be sent to whom, and types the level to send it.

The server refuses the author, a wrong digit and a version that is not the one shown; sending twice sends
once. Breaking glass (an author alone, with a reason) is logged, and everyone is paged (I10).

Who is asked to approve is kept with the draft, and those on call can be paged, once a submission. Neither moves
the three minutes after which an author may send alone: they count from the submission (`approval.alone_from`),
since from then on everybody who may approve could have.
"""

from typing import Protocol

from aiohttp import web

from hub import on_call
from hub.approval import alone_from, may_approve
from hub.authorise import Action, Actor, authorise, may
from hub.capabilities import Unit
from hub.draft import Draft, State
from hub.errors import AlreadySent, BadInput, Conflict, DatabaseAway, Forbidden, HubError, Refused
from hub.evacuation import Level
from hub.intake import Approval
from hub.ledger import accounts
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.staff import areas, checks, compose, phrasing, schedule_pages
from operator_ui.staff.asked import Asked, asked
from operator_ui.staff.compose import MAP, load
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.durations import longest

COUNTDOWN_S = 10
"""For thinking again, in the browser; at level 5 there is none."""


def routes() -> list[web.RouteDef]:
    return [
        web.get("/drafts/{draft}", show),
        web.post("/drafts/{draft}/send", send),
        web.post("/drafts/{draft}/ask", ask),
        web.post("/drafts/{draft}/page", page_on_call),
        web.post("/drafts/{draft}/return", send_back),
        web.post("/drafts/{draft}/reject", reject),
    ]


async def show(request: web.Request) -> web.Response:
    """A draft where it stands: to be edited, to be approved, or what became of it."""
    authorise(request[ACTOR], Action.VIEW)
    draft = await load(request)
    match draft.state:
        case State.EDITING if _composes(request[ACTOR], draft):
            return await compose.show(request)
        case State.SENT:
            return see_other(f"/alerts/{draft.alert}")
        case State.PREPARED:
            return see_other(f"/alerts/{draft.message.references[0]}")
    return await _show(request, draft)


def _composes(actor: Actor, draft: Draft) -> bool:
    return may(actor, Action.COMPOSE) and actor.may_touch(draft.message.hazard)


async def send(request: web.Request) -> web.Response:
    draft, typed = await load(request), await form.read(request)
    try:
        approval = approval_of(typed, draft, await asked_for(request, draft))
        accepted = await request.app[CONSOLE].intake.accept(approval, request[ACTOR])
    except AlreadySent as e:
        return see_other(f"/alerts/{e.alert}?again")
    except (BadInput, Forbidden, Conflict, Refused, DatabaseAway) as e:
        return await refused(request, e)
    return see_other(f"/alerts/{accepted.alert.identifier}")


async def send_back(request: web.Request) -> web.Response:
    return await _close(request, request.app[CONSOLE].intake.send_back)


async def reject(request: web.Request) -> web.Response:
    return await _close(request, request.app[CONSOLE].intake.reject)


async def ask(request: web.Request) -> web.Response:
    """Say who is to approve it."""
    typed, draft = await form.read(request), request.match_info["draft"]
    await request.app[CONSOLE].intake.ask(draft, request[ACTOR], whom=typed.text("whom"))
    return see_other(f"/drafts/{draft}#approvers")


async def page_on_call(request: web.Request) -> web.Response:
    """Page whoever is on call that it waits."""
    draft = request.match_info["draft"]
    try:
        await request.app[CONSOLE].intake.page_on_call(draft, request[ACTOR])
    except AlreadySent as e:
        return see_other(f"/alerts/{e.alert}?again")
    return see_other(f"/drafts/{draft}#approvers")


async def asked_for(request: web.Request, draft: Draft) -> Asked:
    console = request.app[CONSOLE]
    return asked(draft.message, console.city, await compose.earlier_of(console, draft.message))


def approval_of(typed: Form, draft: Draft, wanted: Asked) -> Approval:
    """Raises `BadInput` when what was typed is not what is asked for in place of a level. A level is the hub's to judge."""
    number = typed.number("typed")
    if draft.message.level is None:
        if number != wanted.number:
            raise BadInput("$.typed", wanted.wrong)
        level = None
    else:
        level = Level(number) if number in list(Level) else None
    return Approval(
        draft=draft.id,
        version=typed.number("version") or 0,
        typed=level,
        break_glass=typed.text("break_glass") or None,
    )


async def refused(request: web.Request, error: HubError) -> web.Response:
    """Why it was not sent, on the page as it is now. A draft that was sent already leads to its alert."""
    draft = await load(request)
    if draft.state is State.SENT:
        return see_other(f"/alerts/{draft.alert}?again")
    return await _show(request, draft, problems=[_problem(error)], status=_status(error))


def _problem(error: HubError) -> Problem:
    if isinstance(error, BadInput):
        return checks.problem(error, ())
    return Problem("approve", error.message)


def _status(error: HubError) -> int:
    return 422 if isinstance(error, BadInput) else status_of(error)


class Close(Protocol):
    async def __call__(self, draft: str, actor: Actor, *, seen: int, reason: str) -> Draft: ...


async def _close(request: web.Request, close: Close) -> web.Response:
    typed = await form.read(request)
    try:
        await close(
            request.match_info["draft"],
            request[ACTOR],
            seen=typed.number("version") or 0,
            reason=typed.text("reason"),
        )
    except (BadInput, Conflict) as e:
        return await refused(request, e)
    return see_other("/")


async def _show(
    request: web.Request, draft: Draft, *, problems: list[Problem] | None = None, status: int = 200
) -> web.Response:
    console, actor = request.app[CONSOLE], request[ACTOR]
    composed = await compose.compose(request, draft.message)
    people = await console.ledger.read(accounts.everyone)
    return page(
        request,
        "approve.html",
        status=status,
        draft=draft,
        composed=composed,
        message=draft.message,
        mode=draft.message.mode,
        console=console,
        title=phrasing.title(draft.message),
        event=phrasing.event_of(draft.message.infos),
        problems=problems or [],
        loud={channel.kind: channel for channel in composed.previews.channels if channel.read_out},
        longest=longest(
            composed.times[kind]
            for kind in draft.message.targeting.channels
            if kind in composed.times and console.capabilities[kind].unit is Unit.PEOPLE
        ),
        author=next((each.actor.name for each in people if each.actor.login == draft.author), draft.author),
        approvers=[
            each.actor for each in people if each.disabled_at is None and may_approve(each.actor, draft)
        ],
        may_approve=may_approve(actor, draft),
        may_break_glass=may(actor, Action.COMPOSE)
        and actor.may_touch(draft.message.hazard)
        and actor.login in draft.authors
        and draft.message.needs_approval(),
        on_call=await console.ledger.read(lambda conn: on_call.now(conn, console.keys, at=console.clock())),
        asked=asked(draft.message, console.city, composed.earlier),
        towns=areas.towns(draft.message.targeting.audience, console.city),
        map=request.app[MAP],
        now=console.clock(),
        alone_from=alone_from(draft),
        scheduled=schedule_pages.shown(draft, actor, console.clock()),
        **schedule_pages.choosing(draft, console.clock()),
        names={each.actor.login: each.actor.name for each in people},
        countdown=0 if draft.message.level is Level.SECURE_LIFE else COUNTDOWN_S,
    )
