"""One agreed answer: written, changed, withdrawn; and every version of it, with what changed."""

from typing import NamedTuple
from uuid import uuid4

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict
from hub.hazard import Hazard
from hub.ledger import accounts, answers, audit
from hub.ledger.answers import Answer
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.differences import Piece, differences

_ID = r"[0-9a-f-]{36}"
LONGEST = {"question": 200, "reply": 2000}
"""Letters."""


class Change(NamedTuple):
    """A version, and what it changed."""

    answer: Answer
    question: list[Piece]
    reply: list[Piece]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/phone-desk/answers", show_new),
        web.get(rf"/phone-desk/answers/{{answer:{_ID}}}", show),
        web.post(rf"/phone-desk/answers/{{answer:{_ID}}}", save),
    ]


async def show_new(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.EDIT_ANSWERS)
    return await _show(request, str(uuid4()), [])


async def show(request: web.Request) -> web.Response:
    """Everybody may see what was said when."""
    authorise(request[ACTOR], Action.VIEW)
    answer = request.match_info["answer"]
    found = await request.app[CONSOLE].ledger.read(lambda conn: answers.versions(conn, answer))
    return await _show(request, answer, found)


async def save(request: web.Request) -> web.Response:
    """A new version after the one that was seen, in one commit with its audit row."""
    authorise(request[ACTOR], Action.EDIT_ANSWERS)
    console, typed = request.app[CONSOLE], await form.read(request)
    answer = request.match_info["answer"]
    given = Answer(
        id=answer,
        version=(typed.number("seen") or 0) + 1,
        question=typed.text("question"),
        reply=typed.text("reply"),
        hazard=typed.choice("hazard", Hazard),
        withdrawn=typed.text("act") == "withdraw",
        at=console.clock(),
        by=request[ACTOR].login,
    )
    try:
        if problems := _problems(given):
            return await _again(request, answer, typed, problems, status=422)
        await console.ledger.write(lambda conn: _write(conn, console, given))
    except Conflict as e:
        return await _again(request, answer, typed, [Problem("question", e.message)], status=409)
    return see_other(f"/phone-desk#q-{answer}")


def _problems(given: Answer) -> list[Problem]:
    found = [
        Problem(name, said)
        for name, said in (
            ("question", "質問を書いてください / Write the question"),
            ("reply", "答えを書いてください / Write the answer"),
        )
        if not getattr(given, name)
    ]
    found += [
        Problem(name, f"{most}字までにしてください / At most {most} letters")
        for name, most in LONGEST.items()
        if len(getattr(given, name)) > most
    ]
    return found


def _write(conn: Connection, console: Console, given: Answer) -> None:
    if given.version > 1 and answers.versions(conn, given.id)[0].version != given.version - 1:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    answers.write(conn, given)
    audit.append(
        conn,
        console.keys,
        at=given.at,
        actor=given.by,
        action="answer.withdraw" if given.withdrawn else "answer.write",
        subject=f"answer {given.id}",
        detail={"version": given.version},
    )


async def _again(
    request: web.Request, answer: str, typed: Form, problems: list[Problem], *, status: int
) -> web.Response:
    """What was typed, with what is wrong with it; what others wrote meanwhile stands below it."""

    def work(conn: Connection) -> list[Answer]:
        try:
            return answers.versions(conn, answer)
        except BadInput:
            return []

    found = await request.app[CONSOLE].ledger.read(work)
    return await _show(request, answer, found, typed=typed, problems=problems, status=status)


async def _show(
    request: web.Request,
    answer: str,
    found: list[Answer],
    *,
    typed: Form | None = None,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    everyone = await console.ledger.read(accounts.everyone)
    newest = found[0] if found else None
    return page(
        request,
        "answer.html",
        status=status,
        answer=answer,
        newest=newest,
        question=typed.text("question") if typed else newest.question if newest else "",
        reply=typed.text("reply") if typed else newest.reply if newest else "",
        hazard=typed.choice("hazard", Hazard) if typed else newest.hazard if newest else None,
        hazards=list(Hazard),
        changes=_changes(found),
        names={account.actor.login: account.actor.name for account in everyone},
        longest=LONGEST,
        problems=problems or [],
        may_edit=may(request[ACTOR], Action.EDIT_ANSWERS),
    )


def _changes(found: list[Answer]) -> list[Change]:
    """The newest first. The first version changed nothing."""
    return [
        Change(each, differences(old.question, each.question), differences(old.reply, each.reply))
        for each, old in zip(found, found[1:] + found[-1:], strict=True)
    ]
