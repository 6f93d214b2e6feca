"""The yearly review of accounts: people move to other departments on 1 April, and their rights should not.

It begins by itself with the Japanese fiscal year. What nobody has reviewed by the date is shown on the first page;
only a person locks it.
"""

from datetime import UTC, date, datetime, time
from typing import NamedTuple

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, Actor, authorise, may
from hub.clock import JST, fiscal_year
from hub.errors import BadInput, Conflict, Forbidden, Refused
from hub.hazard import Hazard
from hub.ledger import accounts, audit, revisions
from hub.ledger.accounts import Account
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Problem
from operator_ui.staff.accounts_pages import ROLES, lock_account
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other

SUBJECT = "review"
_DUE = (4, 30)
"""Month and day, until somebody sets another."""


class Due(msgspec.Struct, frozen=True):
    """What somebody set, as the ledger keeps it."""

    due: date


class Review(NamedTuple):
    """`pending`: accounts in use that nobody has looked at since `began`, the longest unused first."""

    began: datetime
    due: date
    revision: int
    pending: list[Account]
    done: list[Account]
    locked: list[Account]

    def late(self, now: datetime) -> bool:
        return bool(self.pending) and now.astimezone(JST).date() > self.due


def routes() -> list[web.RouteDef]:
    return [
        web.get("/review", show),
        web.post("/review", set_due),
        web.post(r"/review/{login:[\w.-]+}/{answer:keep|lock}", answer),
    ]


def known(conn: Connection, console: Console) -> Review:
    """How far this year's review has come."""
    began = _fiscal_year(console.clock())
    everyone = accounts.everyone(conn)
    used = [each for each in everyone if each.disabled_at is None]
    pending = [each for each in used if not _reviewed(each, began)]
    newest = revisions.latest(conn, console.keys, SUBJECT)
    return Review(
        began=began,
        due=_due(newest, began),
        revision=newest.number if newest else 0,
        pending=sorted(pending, key=lambda each: each.last_sign_in or _NEVER),
        done=[each for each in used if _reviewed(each, began) and each.reviewed_at is not None],
        locked=[each for each in everyone if each.disabled_at is not None and each.disabled_at >= began],
    )


def notice(conn: Connection, console: Console, actor: Actor) -> Review | None:
    """What the first page says of it: to administrators while something is to be done, to everyone once it is late."""
    found = known(conn, console)
    concerns = may(actor, Action.ADMINISTER) or found.late(console.clock())
    return found if found.pending and concerns else None


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.ADMINISTER)
    return await _show(request)


async def set_due(request: web.Request) -> web.Response:
    """Until when; within the fiscal year."""
    authorise(request[ACTOR], Action.ADMINISTER)
    console, typed = request.app[CONSOLE], await form.read(request)
    try:
        due = _date(typed.text("due"), _fiscal_year(console.clock()))
        await console.ledger.write(
            lambda conn: revisions.add(
                conn,
                console.keys,
                SUBJECT,
                codec.encode(Due(due)),
                seen=typed.number("revision") or 0,
                at=console.clock(),
                by=request[ACTOR].login,
                detail={"due": due.isoformat()},
            )
        )
    except BadInput as e:
        return await _show(request, Problem("due", e.message.removeprefix("due: ")), status=422)
    except Conflict as e:
        return await _show(request, Problem("due", e.message), status=409)
    return see_other("/review")


async def answer(request: web.Request) -> web.Response:
    """「そのまま」 or 「止める」, with its audit row."""
    authorise(request[ACTOR], Action.ADMINISTER)
    console, actor, login = request.app[CONSOLE], request[ACTOR], request.match_info["login"]

    def work(conn: Connection) -> None:
        if request.match_info["answer"] == "lock":
            lock_account(conn, console, login, actor)
            return
        at = console.clock()
        accounts.review(conn, login, at=at, by=actor.login)
        audit.append(conn, console.keys, at=at, actor=actor.login, action="account.review", subject=login)

    try:
        await console.ledger.write(work)
    except (Forbidden, Refused) as e:
        return await _show(request, Problem("review", e.message), status=status_of(e))
    return see_other("/review")


async def _show(request: web.Request, problem: Problem | None = None, *, status: int = 200) -> web.Response:
    console = request.app[CONSOLE]
    now = console.clock()
    found = await console.ledger.read(lambda conn: known(conn, console))
    return page(
        request,
        "review.html",
        status=status,
        review=found,
        late=found.late(now),
        problems=[problem] if problem else [],
        roles=ROLES,
        hazards=list(Hazard),
        organisation=console.organisation,
    )


def _fiscal_year(now: datetime) -> datetime:
    """When the Japanese fiscal year of `now` began."""
    year = fiscal_year(now.astimezone(JST).date())
    return datetime.combine(date(year, 4, 1), time(), tzinfo=JST)


def _reviewed(account: Account, began: datetime) -> bool:
    """Whoever was added since then was looked at then."""
    return max(account.created_at, account.reviewed_at or account.created_at) >= began


def _due(newest: revisions.Revision | None, began: datetime) -> date:
    """What was set for another year says nothing of this one."""
    default = date(began.year, *_DUE)
    if newest is None:
        return default
    due = codec.decode(Due, newest.value, what=SUBJECT).due
    return due if _within(due, began) else default


def _date(text: str, began: datetime) -> date:
    try:
        due = date.fromisoformat(text)
    except ValueError as e:
        raise BadInput("due", "日付を選んでください / Choose a date") from e
    if not _within(due, began):
        raise BadInput("due", "今年度のうちの日にしてください / Choose a day of this fiscal year")
    return due


def _within(due: date, began: datetime) -> bool:
    return began.date() <= due < date(began.year + 1, 4, 1)


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
