"""Approving: a second person sees what would be sent to whom, and types the level to send it.

The server refuses the author, a wrong digit and a version that is not the one shown; sending twice sends
once. Breaking glass (an author alone, with a reason) is logged, and everyone is paged (I10).
"""

from typing import Protocol

from aiohttp import web

from hub.authorise import Action, Actor, Role, authorise, may
from hub.draft import Draft, State
from hub.errors import AlreadySent, BadInput, Conflict, DatabaseAway, Forbidden, HubError, Refused
from hub.evacuation import Level
from hub.intake import Approval
from hub.ledger import accounts
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.staff import areas, checks, compose, phrasing
from operator_ui.staff.compose import MAP, load
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other

COUNTDOWN_S = 10
"""For thinking again, in the browser; at level 5 there is none."""


async def show(request: web.Request) -> web.Response:
    """A draft where it stands: to be edited, to be approved, or what became of it."""
    authorise(request[ACTOR], Action.VIEW)
    draft = await load(request)
    match draft.state:
        case State.EDITING if may(request[ACTOR], Action.COMPOSE):
            return await compose.show(request)
        case State.SENT:
            return see_other(f"/alerts/{draft.alert}")
        case State.PREPARED:
            return see_other(f"/alerts/{draft.message.references[0]}")
    return await _show(request, draft)


async def send(request: web.Request) -> web.Response:
    draft, typed = await load(request), await form.read(request)
    try:
        approval = _approval(typed, draft, areas_count(request, draft))
        accepted = await request.app[CONSOLE].intake.accept(approval, request[ACTOR])
    except AlreadySent as e:
        return see_other(f"/alerts/{e.alert}?again")
    except (BadInput, Forbidden, Conflict, Refused, DatabaseAway) as e:
        return await _refused(request, e)
    return see_other(f"/alerts/{accepted.alert.identifier}")


async def send_back(request: web.Request) -> web.Response:
    return await _close(request, request.app[CONSOLE].intake.send_back)


async def reject(request: web.Request) -> web.Response:
    return await _close(request, request.app[CONSOLE].intake.reject)


def areas_count(request: web.Request, draft: Draft) -> int:
    """What is typed in place of a level, where there is none."""
    return max(1, len(areas.towns(draft.message.targeting.audience, request.app[CONSOLE].city)))


def _approval(typed: Form, draft: Draft, number_of_areas: int) -> Approval:
    """Raises `BadInput` when what was typed is neither the level nor, without one, the number of areas."""
    number = typed.number("typed")
    if draft.message.level is None:
        if number != number_of_areas:
            raise BadInput(
                "$.typed",
                f"入力した数字が地域の数と違います（提出は{number_of_areas}） / "
                f"The number does not match (submitted for {number_of_areas} areas)",
            )
        level = None
    else:
        level = Level(number) if number in list(Level) else None
    return Approval(
        draft=draft.id,
        version=typed.number("version") or 0,
        typed=level,
        break_glass=typed.text("break_glass") or None,
    )


async def _refused(request: web.Request, error: HubError) -> web.Response:
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
        return await _refused(request, e)
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
        problems=problems or [],
        checks=checks.looks(
            draft.message,
            states=composed.states,
            capabilities=console.capabilities,
            health=composed.health,
            sites=composed.sites,
        ),
        author=next((each.actor.name for each in people if each.actor.login == draft.author), draft.author),
        approvers=[
            each.actor
            for each in people
            if Role.APPROVER in each.actor.roles
            and each.disabled_at is None
            and each.actor.login not in draft.authors
        ],
        may_approve=may(actor, Action.APPROVE)
        and (actor.login not in draft.authors or not draft.message.needs_approval()),
        may_break_glass=may(actor, Action.COMPOSE)
        and actor.login in draft.authors
        and draft.message.needs_approval(),
        areas=areas_count(request, draft),
        towns=areas.towns(draft.message.targeting.audience, console.city),
        map=request.app[MAP],
        now=console.clock(),
        countdown=0 if draft.message.level is Level.SECURE_LIFE else COUNTDOWN_S,
    )
