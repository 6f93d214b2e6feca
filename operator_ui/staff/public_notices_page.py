"""The sheets for Lアラート: to copy or download, with a clock since each changed, and who entered it."""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import NamedTuple

import msgspec
from aiohttp import hdrs, web
from sqlalchemy import Connection

from hub import codec, headquarters
from hub.authorise import Action, authorise, may
from hub.capabilities import Unit
from hub.clock import JST
from hub.errors import BadInput, Conflict
from hub.keys import Keys
from hub.ledger import accounts, alerts, revisions
from hub.ledger.alerts import Accepted
from operator_ui import form
from operator_ui.form import HUGE, Form, Problem
from operator_ui.staff import public_notices
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other
from operator_ui.staff.draft_form import local_time
from operator_ui.staff.public_notices import DAMAGES, Damage, Kind, Sheet
from shelters.board import Board

DAMAGE = "damage"
"""The subject of what staff wrote down of it."""
LONGEST_NOTE = 400


class _Entered(msgspec.Struct, frozen=True, kw_only=True):
    fingerprint: str


class Line(NamedTuple):
    """A sheet, and who entered it as it stands. `number`: how often one of this kind was entered."""

    sheet: Sheet
    number: int
    entered_at: datetime | None
    entered_by: str

    @property
    def waits(self) -> bool:
        """It has something that nobody has entered yet."""
        return bool(self.sheet.entries) and self.entered_at is None


def routes() -> list[web.RouteDef]:
    return [
        web.get("/public-notices", show),
        web.post("/public-notices/damage", set_damage),
        web.get("/public-notices/{kind}.csv", export),
        web.post("/public-notices/{kind}/entered", tick),
    ]


async def waiting(console: Console, board: Board) -> list[Line]:
    """The sheets that somebody has still to enter, where the city carries anything over by hand."""
    if not any(has.unit is Unit.SHEETS for has in console.capabilities.values()):
        return []
    return [line for line in await _lines(console, board) if line.waits]


async def of_alert(console: Console, accepted: Accepted) -> Line | None:
    """The sheet that has this alert, whether somebody has still to enter it or did; None where none has it."""
    now = console.clock()
    for sheet in (
        public_notices.orders([accepted], console.city, now),
        public_notices.notices([accepted], now),
    ):
        if sheet.entries:
            lines = await _lines(console, await console.board())
            return next(line for line in lines if line.sheet.kind is sheet.kind)
    return None


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _show(request)


async def tick(request: web.Request) -> web.Response:
    """Somebody entered a sheet: as it was when they saw it."""
    authorise(request[ACTOR], Action.TICK)
    console, kind = request.app[CONSOLE], _kind(request)
    typed = await form.read(request)
    value = codec.encode(_Entered(fingerprint=typed.text("fingerprint")[:32]))

    def work(conn: Connection) -> None:
        revisions.add(
            conn, console.keys, _subject(kind), value,
            seen=typed.number("seen") or 0, at=console.clock(), by=request[ACTOR].login,
        )  # fmt: skip

    try:
        await console.ledger.write(work)
    except Conflict as e:
        return await _show(request, [Problem(kind, e.message)], status=409)
    return see_other("/public-notices")


async def set_damage(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.COMPOSE)
    console, typed = request.app[CONSOLE], await form.read(request)
    try:
        known = _damage(typed, now=console.clock())
        await console.ledger.write(
            lambda conn: revisions.add(
                conn, console.keys, DAMAGE, codec.encode(known),
                seen=typed.number("seen") or 0, at=console.clock(), by=request[ACTOR].login,
            )
        )  # fmt: skip
    except BadInput as e:
        problem = Problem(e.path, e.message.removeprefix(f"{e.path}: "))
        return await _show(request, [problem], status=422, typed=typed)
    except Conflict as e:
        return await _show(request, [Problem(DAMAGE, e.message)], status=409, typed=typed)
    return see_other("/public-notices")


async def export(request: web.Request) -> web.Response:
    """One row for each entry; with a byte order mark, by which spreadsheets know UTF-8."""
    authorise(request[ACTOR], Action.VIEW)
    console, kind = request.app[CONSOLE], _kind(request)
    lines = await _lines(console, await console.board())
    sheet = next(line.sheet for line in lines if line.sheet.kind is kind)
    written = StringIO()
    csv.writer(written).writerows(_rows(sheet))
    name = f"l-alert-{kind}-{console.clock().astimezone(JST):%Y%m%d-%H%M}.csv"
    return web.Response(
        body=written.getvalue().encode("utf-8-sig"),
        headers={
            hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CACHE_CONTROL: "no-store",
        },
    )


async def _show(
    request: web.Request, problems: Sequence[Problem] = (), *, status: int = 200, typed: Form | None = None
) -> web.Response:
    console = request.app[CONSOLE]
    kept = await console.ledger.read(lambda conn: revisions.latest(conn, console.keys, DAMAGE))
    known = None if kept is None else codec.decode(Damage, kept.value, what=DAMAGE)
    return page(
        request,
        "public_notices.html",
        status=status,
        lines=await _lines(console, await console.board()),
        problems=problems,
        damages=DAMAGES,
        typed=_typed(typed, known),
        note=typed.text("note") if typed else known.note if known else "",
        seen=kept.number if kept else 0,
        local_now=local_time(console.clock()),
        now=console.clock(),
        names={each.actor.login: each.actor.name for each in await console.ledger.read(accounts.everyone)},
        may_tick=may(request[ACTOR], Action.TICK),
        may_count=may(request[ACTOR], Action.COMPOSE),
    )


async def _lines(console: Console, board: Board) -> list[Line]:
    return await console.ledger.read(lambda conn: _read(conn, console, board))


def _read(conn: Connection, console: Console, board: Board) -> list[Line]:
    keys, now = console.keys, console.clock()
    recent = alerts.recent(conn, keys)
    kept = revisions.latest(conn, keys, DAMAGE)
    sheets = [
        public_notices.orders(recent, console.city, now),
        public_notices.shelters(board, now),
        public_notices.headquarters(headquarters.history(conn, keys), console.organisation, console.city),
        public_notices.damage(None if kept is None else codec.decode(Damage, kept.value, what=DAMAGE)),
        public_notices.notices(recent, now),
    ]
    return [_line(conn, keys, sheet) for sheet in sheets]


def _line(conn: Connection, keys: Keys, sheet: Sheet) -> Line:
    newest = revisions.latest(conn, keys, _subject(sheet.kind))
    if newest is None:
        return Line(sheet, 0, None, "")
    as_it_stands = codec.decode(_Entered, newest.value, what=sheet.kind).fingerprint == sheet.fingerprint
    return Line(sheet, newest.number, newest.at if as_it_stands else None, newest.by)


def _damage(typed: Form, *, now: datetime) -> Damage:
    """Raises `BadInput` with the field's name."""
    numbers: dict[str, int] = {}
    for key in DAMAGES:
        number = typed.number(key)
        if number is None and typed.text(key):
            raise BadInput(
                key,
                "数字だけで入れてください。分からないものは空欄に / Digits only; leave it empty if not known",
            )
        if number is not None and number >= HUGE:
            raise BadInput(key, "大きすぎます / That is too large")
        if number is not None:
            numbers[key] = number
    counted_at = typed.moment("counted_at")
    if counted_at is None or counted_at > now + headquarters.AHEAD:
        raise BadInput("counted_at", "集計した時刻を入れてください / Say when this was counted")
    note = typed.text("note")
    if len(note) > LONGEST_NOTE:
        raise BadInput("note", f"{LONGEST_NOTE}文字までです / {LONGEST_NOTE} characters at most")
    return Damage(numbers=numbers, note=note, counted_at=counted_at)


def _typed(typed: Form | None, known: Damage | None) -> Mapping[str, str]:
    if typed is not None:
        return {key: typed.text(key) for key in DAMAGES}
    return {} if known is None else {key: str(number) for key, number in known.numbers.items()}


def _rows(sheet: Sheet) -> list[list[str]]:
    names = list(dict.fromkeys(name for lines in sheet.entries for name, _ in lines))
    return [names, *([dict(lines).get(name, "") for name in names] for lines in sheet.entries)]


def _kind(request: web.Request) -> Kind:
    """Raises `HTTPNotFound`."""
    try:
        return Kind(request.match_info["kind"])
    except ValueError as e:
        raise web.HTTPNotFound from e


def _subject(kind: Kind) -> str:
    return f"l-alert {kind}"
