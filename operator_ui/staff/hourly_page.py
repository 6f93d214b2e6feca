"""The hourly report to the headquarters: one table to print, and the same as CSV."""

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

from aiohttp import hdrs, web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.clock import JST
from operator_ui.moments import clock
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page
from shelters import checklist, record
from shelters.hourly import Columns, Hourly, Line, Opened, hourly
from shelters.shelter import INHABITED, Stage
from shelters.site import SiteCode
from shelters.support import Support

HEADINGS = {
    "people": "人数",
    "households": "世帯",
    "need_support": "要配慮者",
    **{kind.value: kind.japanese for kind in Support},
}


def routes() -> list[web.RouteDef]:
    return [web.get("/shelters/hourly", show), web.get("/shelters/hourly.csv", export)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    report = await _report(request.app[CONSOLE])
    return page(request, "hourly.html", report=report, columns=Columns.ALL, headings=HEADINGS)


async def export(request: web.Request) -> web.Response:
    """With a byte order mark, by which spreadsheets know UTF-8."""
    authorise(request[ACTOR], Action.VIEW)
    report = await _report(request.app[CONSOLE])
    written = StringIO()
    csv.writer(written).writerows(_rows(report))
    name = f"shelters-{report.at.astimezone(JST):%Y%m%d-%H%M}.csv"
    return web.Response(
        body=written.getvalue().encode("utf-8-sig"),
        headers={
            hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CACHE_CONTROL: "no-store",
        },
    )


async def _report(console: Console) -> Hourly:
    board = await console.board()
    inhabited = [row.site.code for row in board.rows if row.step.stage in INHABITED]
    opened = await console.ledger.read(lambda conn: {site: _opened(conn, site) for site in inhabited})
    return hourly(board, opened)


def _opened(conn: Connection, site: SiteCode) -> Opened:
    steps = record.history(conn, site)
    steps = steps[checklist.opening(steps) - 1 :]
    received = (step.at for step in steps if step.stage is Stage.RECEIVING)
    return Opened(at=next(received, None), reports=record.reports_since(conn, site, steps[0].at))


def _rows(report: Hourly) -> Iterator[list[object]]:
    yield [
        "避難所", "段階", "受入開始", *HEADINGS.values(), "人数の誤差±", "人数の出所", "人数の時刻", "足りないもの", "職員の報告",
    ]  # fmt: skip
    for line in report.known:
        yield _row(line, line.row.people)
    totals = ["" if (total := report.total(name)) is None else total for name in Columns.ALL]
    yield ["合計", "", "", *totals, "", "", f"{report.at.astimezone(JST):%Y-%m-%d %H:%M}", "", ""]
    for line in report.unknown:
        yield _row(line, "不明")


def _row(line: Line, people: object) -> list[object]:
    row, occupancy = line.row, line.row.occupancy
    numbers = (line.number(name) for name in Columns.ALL[1:])
    return [
        row.site.name.ja,
        row.step.stage.japanese,
        _time(line.opened_at),
        people,
        *("" if number is None else number for number in numbers),
        occupancy.margin or "",
        occupancy.source.japanese if occupancy.source else "",
        _time(occupancy.as_of),
        "・".join(line.needs),
        _time(line.reported_at),
    ]


def _time(moment: datetime | None) -> str:
    return clock(moment) if moment else ""
