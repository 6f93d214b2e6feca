"""One muster, live: who can come and when, who cannot, who is silent; by group, and who opens which shelter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from hub import codec, mustering
from hub.authorise import Action, authorise, may
from hub.errors import BadInput
from hub.ledger import accounts, alerts, musters
from hub.muster import Answer, CalledGroup, Counts, Member, Muster, Said, counts, first_coming, said
from hub.progress import progress
from hub.recipient import RecipientId
from operator_ui import form
from operator_ui.changes import version_of
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, Console, page, part, see_other
from operator_ui.staff.progress_view import Line, lines

WATCHED = "muster "
"""In front of the number, as a subject of `Changes`."""

_NUMBER = r"{muster:[0-9]{1,9}}"


def routes() -> list[web.RouteDef]:
    at = f"/musters/{_NUMBER}"
    return [
        web.get(at, show),
        web.get(f"{at}/live", fragment),
        web.get(f"{at}/changes", changes),
        web.post(f"{at}/again", again),
        web.post(f"{at}/end", end),
        web.post(f"{at}/cancel", cancel),
        web.post(f"{at}/answers", answer),
    ]


class Row(NamedTuple):
    """Somebody in a group. `said` None: silent."""

    member: Member
    said: Said | None


class Group(NamedTuple):
    """`rows`: who comes first stands first, then the silent, then who cannot."""

    group: CalledGroup
    counts: Counts
    rows: Sequence[Row]


class Shelter(NamedTuple):
    """Whose keys open it. `first`: who said first that they come, and when they are there; None: nobody yet."""

    group: CalledGroup
    counts: Counts
    rows: Sequence[Row]
    first: Member | None
    arrives_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    muster: Muster
    total: Counts
    groups: Sequence[Group]
    """Departments and teams; the key-holders are the shelters'."""
    shelters: Sequence[Shelter]
    lines: Sequence[Line]
    """How the newest call goes out, by channel."""
    calls: int
    version: str

    @property
    def silent(self) -> dict[RecipientId, str]:
        """With their names, once each."""
        rows = [each.rows for each in self.groups] + [each.rows for each in self.shelters]
        return {row.member.recipient: row.member.name for row in chain(*rows) if row.said is None}


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return page(request, "muster.html", **await _values(request))


async def fragment(request: web.Request) -> web.Response:
    """The same page: the script takes the parts of it that live."""
    authorise(request[ACTOR], Action.VIEW)
    return part(request, "muster.html", **await _values(request))


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    console, number = request.app[CONSOLE], _number(request)
    await console.ledger.read(lambda conn: musters.get(conn, console.keys, number))
    return await request.app[CHANGES].stream(request, f"{WATCHED}{number}")


async def looks(console: Console, subject: str) -> bytes:
    """What the page shows, as bytes that differ when it would."""
    number = int(subject.removeprefix(WATCHED))
    view = await console.ledger.read(lambda conn: _view(conn, console, number))
    return view.version.encode()


async def again(request: web.Request) -> web.Response:
    """Call once more who is silent."""
    console, typed = request.app[CONSOLE], await form.read(request)
    number = _number(request)
    muster = await console.ledger.read(lambda conn: musters.get(conn, console.keys, number))
    channels = [each for each in muster.roll.channels if each in typed.all("channel")]
    await console.mustering.again(number, channels, request[ACTOR])
    return see_other(f"/musters/{number}")


async def end(request: web.Request) -> web.Response:
    await request.app[CONSOLE].mustering.end(_number(request), request[ACTOR])
    return see_other(f"/musters/{_number(request)}")


async def cancel(request: web.Request) -> web.Response:
    await request.app[CONSOLE].mustering.cancel(_number(request), request[ACTOR])
    return see_other(f"/musters/{_number(request)}")


async def answer(request: web.Request) -> web.Response:
    """What somebody said who rang back."""
    console, typed = request.app[CONSOLE], await form.read(request)
    given, who = typed.choice("answer", Answer), typed.number("recipient")
    if given is None or who is None:
        raise BadInput("recipient", "人と答えを選んでください / Choose the person and the answer")
    await mustering.answer(
        console.ledger,
        console.keys,
        _number(request),
        RecipientId(who),
        given,
        actor=request[ACTOR],
        at=console.clock(),
    )
    return see_other(f"/musters/{_number(request)}#answers")


def _number(request: web.Request) -> int:
    return int(request.match_info["muster"])


async def _values(request: web.Request) -> dict[str, Any]:
    console, actor, number = request.app[CONSOLE], request[ACTOR], _number(request)
    view, names = await console.ledger.read(
        lambda conn: (
            _view(conn, console, number),
            {account.actor.login: account.actor.name for account in accounts.everyone(conn)},
        )
    )
    return {
        "view": view,
        "muster": view.muster,
        "now": console.clock(),
        "names": names,
        "answers": list(Answer),
        "channels": [
            (kind, console.capabilities[kind].japanese if kind in console.capabilities else kind)
            for kind in view.muster.roll.channels
        ],
        "may_call": may(actor, Action.CALL_STAFF),
        "may_answer": may(actor, Action.ANSWER_FOR),
        "version": view.version,
    }


def _view(conn: Connection, console: Console, number: int) -> View:
    muster = musters.get(conn, console.keys, number)
    given = musters.answers(conn, number)
    known, calls = said(given), alerts.of_muster(conn, console.keys, number)
    tallies = (
        progress(conn, calls[0].alert.identifier, console.capabilities, now=console.clock()) if calls else {}
    )
    sent = lines(tallies, console.capabilities)
    seen = [muster.ended_at, len(given), len(calls), [[line.kind, line.shares()] for line in sent]]
    return View(
        muster=muster,
        total=counts(muster.roll.people, known),
        groups=[_group(each, known) for each in muster.roll.groups if not each.site],
        shelters=[_shelter(each, known) for each in muster.roll.groups if each.site],
        lines=sent,
        calls=len(calls),
        version=version_of(codec.encode(seen)),
    )


def _group(group: CalledGroup, known: dict[RecipientId, Said]) -> Group:
    return Group(group, _counted(group, known), _rows(group, known))


def _rows(group: CalledGroup, known: dict[RecipientId, Said]) -> list[Row]:
    return sorted((Row(member, known.get(member.recipient)) for member in group.members), key=_place)


def _place(row: Row) -> tuple[int, float, int]:
    if row.said is None:
        return 1, 0.0, row.member.choice
    arrives = row.said.arrives_at
    return (2, 0.0, row.member.choice) if arrives is None else (0, arrives.timestamp(), row.member.choice)


def _shelter(group: CalledGroup, known: dict[RecipientId, Said]) -> Shelter:
    first = first_coming(group, known)
    arrives_at = known[first.recipient].arrives_at if first else None
    return Shelter(group, _counted(group, known), _rows(group, known), first, arrives_at)


def _counted(group: CalledGroup, known: dict[RecipientId, Said]) -> Counts:
    return counts((member.recipient for member in group.members), known)
