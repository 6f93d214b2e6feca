"""電話対応班: what residents are told, what to answer, where there is room; and what they ask, counted.

One tap counts one call. What was asked is counted, never who asked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from aiohttp import web
from sqlalchemy import Connection

from hub import codec
from hub.alert import Mode
from hub.authorise import Action, authorise, may
from hub.channel import Content
from hub.city import City
from hub.clock import JST
from hub.errors import BadInput
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger import alerts, answers, audit, calls
from hub.ledger.alerts import Accepted
from hub.ledger.answers import Answer
from operator_ui import form
from operator_ui.changes import version_of
from operator_ui.residents.notice import Notice, notice
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, Console, page, part, see_other
from operator_ui.staff.destinations import Destinations, destinations
from operator_ui.staff.glance import Look, look_of
from shelters.board import Board, Row

PHONES = "phone-desk"
"""What the page watches."""
OTHER = ""
"""A question that none of the answers is for."""
SHOWN = timedelta(hours=24)


class Told(NamedTuple):
    """An alert as residents read it."""

    notice: Notice
    told: Sequence[str]
    actions: Sequence[str]


class Places(NamedTuple):
    """Where people may be sent during an alert for the hazard (I16). `unfit`: sites that are not named. `sent`: where
    from each zone, while a plan is in force."""

    hazard: Hazard
    rows: Sequence[tuple[Row, Look]]
    unfit: int
    sent: Destinations | None


class Hour(NamedTuple):
    begins: datetime
    number: int
    most: Sequence[tuple[str, int]]
    """The questions that were asked most, and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the ledger knows right now."""

    now: datetime
    active: Sequence[Accepted]
    answers: Sequence[Answer]
    counted: dict[datetime, Counter[str]]

    @property
    def hazards(self) -> list[Hazard]:
        """Of the alerts in force that the law designates sites for."""
        found = [each.alert.hazard for each in self.active if each.alert.hazard.designable]
        return list(dict.fromkeys(found))

    @property
    def offered(self) -> list[Answer]:
        """The answers that fit what is in force, and those that were withdrawn within the day."""
        hazards = {each.alert.hazard for each in self.active}
        return [
            each
            for each in self.answers
            if (each.hazard is None or each.hazard in hazards)
            and (not each.withdrawn or self.now - each.at < SHOWN)
        ]

    @property
    def today(self) -> Counter[str]:
        """By question, since midnight in Japan."""
        midnight = self.now.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        return sum((each for hour, each in self.counted.items() if hour >= midnight), Counter())

    def hours(self) -> list[Hour]:
        """The newest first."""
        names = {each.id: each.question for each in self.answers}
        return [
            Hour(
                begins,
                counted.total(),
                [(names.get(answer, ""), number) for answer, number in counted.most_common(3)],
            )
            for begins, counted in sorted(self.counted.items(), reverse=True)
        ]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/phone-desk", show),
        web.get("/phone-desk/live", fragment),
        web.get("/phone-desk/changes", changes),
        web.post("/phone-desk/calls", count),
        web.post("/phone-desk/calls/{call}/undo", undo),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return page(request, "phone_desk.html", **await _values(request))


async def fragment(request: web.Request) -> web.Response:
    """The same page: the script takes the parts of it that live."""
    authorise(request[ACTOR], Action.VIEW)
    return part(request, "phone_desk.html", **await _values(request))


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    return await request.app[CHANGES].stream(request, PHONES)


async def looks(console: Console) -> bytes:
    """What the page shows, as bytes that differ when it would."""
    desk = await console.ledger.read(lambda conn: _desk(conn, console))
    return _looks(desk, await console.board())


def _looks(desk: Desk, board: Board) -> bytes:
    return codec.encode(
        [
            [each.alert.identifier for each in desk.active],
            [[each.id, each.version] for each in desk.answers],
            [[hour, sorted(counted.items())] for hour, counted in desk.counted.items()],
            board.version,
        ]
    )


async def count(request: web.Request) -> web.Response:
    """One call about one question; the same form sent twice counts once."""
    authorise(request[ACTOR], Action.COUNT_CALLS)
    console, actor, typed = request.app[CONSOLE], request[ACTOR], await form.read(request)
    call, answer, at = _id(typed.text("call"), "call"), typed.text("answer"), console.clock()

    def work(conn: Connection) -> None:
        if answer != OTHER:
            answers.versions(conn, answer)
        if calls.count(conn, call, answer, actor, at=at):
            _audit(conn, console, actor.login, "call.count", call, answer=answer)

    await console.ledger.write(work)
    return see_other(f"/phone-desk?counted={call}#q-{answer or 'other'}")


async def undo(request: web.Request) -> web.Response:
    """Who counted it takes it back."""
    authorise(request[ACTOR], Action.COUNT_CALLS)
    console, actor = request.app[CONSOLE], request[ACTOR]
    call, at = _id(request.match_info["call"], "call"), console.clock()

    def work(conn: Connection) -> str:
        calls.undo(conn, call, actor, at=at)
        _audit(conn, console, actor.login, "call.undo", call)
        found = calls.find(conn, call)
        return found.answer if found else OTHER

    answer = await console.ledger.write(work)
    return see_other(f"/phone-desk#q-{answer or 'other'}")


def _audit(conn: Connection, console: Console, login: str, action: str, call: str, **detail: str) -> None:
    audit.append(
        conn,
        console.keys,
        at=console.clock(),
        actor=login,
        action=action,
        subject=f"call {call}",
        detail=detail,
    )


def _id(text: str, field: str) -> str:
    """An id that the page made; anything else is refused."""
    if len(text) != len(str(uuid4())) or not set(text) <= set("0123456789abcdef-"):
        raise BadInput(field, "画面を開き直してください / Open the page again")
    return text


async def _values(request: web.Request) -> dict[str, Any]:
    console, actor = request.app[CONSOLE], request[ACTOR]
    desk = await console.ledger.read(lambda conn: _desk(conn, console))
    board, source = await console.board(), await console.slots()
    counted = request.query.get("counted", "")
    call = await console.ledger.read(lambda conn: calls.find(conn, counted)) if counted else None
    return {
        "desk": desk,
        "told": [_told(notice(each, Language.JA, source, console.clock)) for each in desk.active],
        "places": [_places(board, hazard, console.city) for hazard in desk.hazards],
        "hours": desk.hours(),
        "today": desk.today,
        "most": max((each.number for each in desk.hours()), default=0),
        "new_call": lambda: str(uuid4()),
        "call": call if call and call.by == actor.login and call.undone_at is None else None,
        "hazards": list(Hazard),
        "may_count": may(actor, Action.COUNT_CALLS),
        "may_edit": may(actor, Action.EDIT_ANSWERS),
        "version": version_of(_looks(desk, board)),
    }


def _desk(conn: Connection, console: Console) -> Desk:
    now = console.clock()
    return Desk(
        now=now,
        active=[
            each
            for each in alerts.active(conn, console.keys, at=now)
            if each.alert.mode is not Mode.STAFF_DRILL  # residents know nothing of it (I6)
        ],
        answers=answers.current(conn),
        counted=calls.by_hour(conn, since=now - SHOWN),
    )


def _told(shown: Notice) -> Told:
    return Told(
        shown, [Content.text(each) for each in shown.told], [Content.text(each) for each in shown.actions]
    )


def _places(board: Board, hazard: Hazard, city: City) -> Places:
    rows = board.shown(hazard)
    return Places(
        hazard,
        [(row, look_of(row, hazard)) for row in rows],
        sum(look_of(row, hazard) is Look.UNSUITED for row in board.rows),
        destinations(board, hazard, city),
    )
