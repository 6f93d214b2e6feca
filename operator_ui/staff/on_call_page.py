"""The on-call list: who is on call now, with numbers to tap, and the list to edit."""

from datetime import date

from aiohttp import web

from hub import on_call
from hub.authorise import Action, authorise, may
from hub.clock import JST
from hub.errors import BadInput, Conflict, Forbidden
from hub.on_call import Duty, Person
from operator_ui import form
from operator_ui.failures import status_of
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other

_SPARE = 2
"""Empty rows below the list."""


def routes() -> list[web.RouteDef]:
    return [web.get("/on-call", show), web.post("/on-call", save)]


async def show(request: web.Request) -> web.Response:
    """For those who may have to call, and those who keep the list: numbers are not for everyone who looks."""
    if not may(request[ACTOR], Action.CONFIGURE):
        authorise(request[ACTOR], Action.COMPOSE)
    return await _show(request)


async def save(request: web.Request) -> web.Response:
    """The list as the form has it, in the order of its numbers; a row whose name is empty is left out."""
    authorise(request[ACTOR], Action.CONFIGURE)
    console, typed = request.app[CONSOLE], await form.read(request)
    people, problems = _people(typed)
    if not problems:
        try:
            await console.ledger.write(
                lambda conn: on_call.set_list(
                    conn,
                    console.keys,
                    people,
                    request[ACTOR],
                    seen=typed.number("revision") or 0,
                    at=console.clock(),
                )
            )
            return see_other("/on-call?saved")
        except BadInput as e:
            problems = [Problem(_field(e.path), e.message.removeprefix(f"{e.path}: "))]
        except (Conflict, Forbidden) as e:
            return await _show(request, problems=[Problem("on-call", e.message)], status=status_of(e))
    return await _show(request, people=people, problems=problems, status=422)


async def _show(
    request: web.Request,
    *,
    people: tuple[Person, ...] | None = None,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    kept, revision = await console.ledger.read(lambda conn: on_call.listed(conn, console.keys))
    shown = kept if people is None else people
    return page(
        request,
        "on_call.html",
        status=status,
        now=await console.ledger.read(lambda conn: on_call.now(conn, console.keys, at=console.clock())),
        people=shown,
        rows=[*shown, *[None] * min(_SPARE, on_call.MOST - len(shown))],
        revision=revision,
        duties=list(Duty),
        problems=problems or [],
        saved="saved" in request.query,
        today=console.clock().astimezone(JST).date(),
        may_edit=may(request[ACTOR], Action.CONFIGURE),
    )


def _people(typed: Form) -> tuple[tuple[Person, ...], list[Problem]]:
    """By their order; a row that cannot be read keeps what can."""
    problems: list[Problem] = []
    found: list[tuple[int, int, Person]] = []
    for row in range(on_call.MOST):
        name, phone, mail = (typed.text(f"{field}-{row}") for field in ("name", "phone", "mail"))
        if not name and not phone and not mail:
            continue
        order = typed.number(f"order-{row}")
        person = Person(
            name=name,
            duty=typed.choice(f"duty-{row}", Duty) or Duty.DUTY,
            phone=phone,
            mail=mail,
            since=_day(typed, f"since-{row}", problems),
            until=_day(typed, f"until-{row}", problems),
        )
        found.append((row + 1 if order is None else order, row, person))
    return tuple(person for _, _, person in sorted(found, key=lambda each: each[:2])), problems


def _day(typed: Form, name: str, problems: list[Problem]) -> date | None:
    if not (text := typed.text(name)):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(Problem(name, "日付を選んでください / Choose a date"))
        return None


def _field(path: str) -> str:
    """`2.phone` as the id of its input."""
    place, _, field = path.partition(".")
    return f"{field}-{place}" if field else "on-call"
