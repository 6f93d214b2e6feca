"""The report of an alert for the council: one sheet, its figures locked with a hash; corrections are added.

Only what has ended can be locked. A browser's print makes paper or PDF of the page; CSV has its figures.
"""

import csv
import io
from collections.abc import Sequence
from math import floor
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from hub import codec
from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict
from hub.ledger import accounts, alerts, audit, reports
from hub.ledger.alerts import Accepted
from hub.ledger.reports import Locked, Note
from operator_ui import form, moments
from operator_ui.staff.console import ACTOR, CONSOLE, HEADCOUNTS, page, see_other
from operator_ui.staff.headcount import Headcount
from operator_ui.staff.pace import drawn
from operator_ui.staff.progress_view import Line, reason_words
from operator_ui.staff.report_figures import Event, Figures, Row, end_of, gather, unfinished

LONGEST_NOTE = 500
MOST_EVENTS = 12
MOST_TEXT = 260
"""Letters of the text that was sent: the sheet is one page."""
COLUMNS = (
    "配信番号", "確定時刻", "SHA-256", "手段", "単位", "計画", "応答あり", "端末に到着", "受付済み", "不明", "送れない",
    "最初の受付", "半数の受付", "最後の受付",
)  # fmt: skip
UNITS = {"people": "人", "facilities": "施設"}


def routes() -> list[web.RouteDef]:
    return [
        web.get("/alerts/{alert}/report", show),
        web.get("/alerts/{alert}/report.csv", table),
        web.post("/alerts/{alert}/report/lock", lock),
        web.post("/alerts/{alert}/report/corrections", correct),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return page(request, "report.html", **await _values(request))


async def lock(request: web.Request) -> web.Response:
    """The figures as they are now, for good; in one commit with its audit row."""
    console, actor = request.app[CONSOLE], request[ACTOR]
    accepted = await _accepted(request)
    authorise(actor, Action.COMPOSE, accepted.alert.hazard)
    headcount, source, at = await _headcount(request, accepted), await console.slots(), console.clock()

    def work(conn: Connection) -> None:
        fresh = alerts.get(conn, console.keys, accepted.alert.identifier)
        figures = gather(conn, console, fresh, headcount, source)
        if end_of(fresh, at) is None or unfinished(conn, console, figures.identifier):
            raise Conflict(
                "まだ終わっていない配信です。終わってから確定してください / This alert has not ended: lock its report then"
            )
        if not all(row.adds_up for row in (*figures.rows, figures.people)):
            raise Conflict("数が合いません。確定できません / The figures do not add up: not locked")
        locked = reports.lock(conn, figures.identifier, codec.encode(figures), actor, at=at)
        audit.append(
            conn,
            console.keys,
            at=at,
            actor=actor.login,
            action="report.lock",
            subject=figures.identifier,
            detail={"sha256": locked.hash.hex()},
        )

    await console.ledger.write(work)
    return see_other(f"/alerts/{accepted.alert.identifier}/report")


async def correct(request: web.Request) -> web.Response:
    """Append a correction to a locked report."""
    console, actor = request.app[CONSOLE], request[ACTOR]
    accepted, typed = await _accepted(request), await form.read(request)
    authorise(actor, Action.COMPOSE, accepted.alert.hazard)
    identifier, text, at = accepted.alert.identifier, typed.text("text"), console.clock()
    if not text or len(text) > LONGEST_NOTE:
        raise BadInput(
            "text",
            f"訂正を{LONGEST_NOTE}字までで書いてください / Write the correction in at most {LONGEST_NOTE} letters",
        )

    def work(conn: Connection) -> None:
        note = reports.add(conn, identifier, text, actor, at=at)
        audit.append(
            conn,
            console.keys,
            at=at,
            actor=actor.login,
            action="report.correct",
            subject=identifier,
            detail={"number": note.number, "text": text},
        )

    await console.ledger.write(work)
    return see_other(f"/alerts/{identifier}/report#corrections")


async def table(request: web.Request) -> web.Response:
    """The figures as CSV (RFC 4180) in UTF-8 with a mark, which spreadsheets need to read Japanese."""
    authorise(request[ACTOR], Action.VIEW)
    figures, locked, _ = await _report(request, await _accepted(request))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in (*figures.rows, figures.people):
        writer.writerow(
            [
                figures.number,
                moments.stamp(locked.at) if locked else "未確定",
                locked.hash.hex() if locked else "",
                row.japanese or "登録者への合計（のべ）",
                UNITS.get(row.unit, "件"),
                row.planned,
                row.answered,
                row.delivered,
                row.accepted,
                row.ambiguous,
                row.failed,
                *(moments.stamp(at) if at else "" for at in (row.first_at, row.half_at, row.last_at)),
            ]
        )
    return web.Response(
        body=b"\xef\xbb\xbf" + out.getvalue().encode(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="report-{figures.number}.csv"',
            "Cache-Control": "no-store",
        },
    )


def percent(part: int, whole: int) -> str:
    """Never more than is true: 99.97 is 99.9, and only everybody is 100.0."""
    return f"{floor(1000 * part / whole) / 10:.1f}%" if whole else "—"


async def figures_of(request: web.Request, accepted: Accepted) -> Figures:
    """What was locked; before that, as it stands now."""
    figures, _, _ = await _report(request, accepted)
    return figures


def told(figures: Figures) -> dict[str, Any]:
    """What `report_parts.html` shows of an alert, in whichever report."""
    return {
        "figures": figures,
        "failures": _failures(figures),
        "events": _told(figures.events),
        "percent": percent,
        "reason_words": reason_words,
        "text": figures.text if len(figures.text) <= MOST_TEXT else figures.text[:MOST_TEXT] + "…（以下略）",
    }


async def _values(request: web.Request) -> dict[str, Any]:
    console, accepted = request.app[CONSOLE], await _accepted(request)
    figures, locked, notes = await _report(request, accepted)
    waiting: list[Line] = []
    if locked is None:
        identifier = accepted.alert.identifier
        waiting = await console.ledger.read(lambda conn: unfinished(conn, console, identifier))
    everyone = await console.ledger.read(accounts.everyone)
    return {
        "told": told(figures),
        "drawn": drawn,
        "figures": figures,
        "locked": locked,
        "notes": notes,
        "in_force": end_of(accepted, console.clock()) is None,
        "waiting": waiting,
        "names": {account.actor.login: account.actor.name for account in everyone},
        "now": console.clock(),
        "longest": LONGEST_NOTE,
        "may_lock": may(request[ACTOR], Action.COMPOSE) and request[ACTOR].may_touch(accepted.alert.hazard),
    }


def _failures(figures: Figures) -> list[Row]:
    return [row for row in figures.rows if row.failed or row.ambiguous]


def _told(events: Sequence[Event]) -> Sequence[Event]:
    """Those that fit: where there are too many, the last one stays."""
    return events if len(events) <= MOST_EVENTS else (*events[: MOST_EVENTS - 1], events[-1])


async def _accepted(request: web.Request) -> Accepted:
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    return await console.ledger.read(lambda conn: alerts.get(conn, console.keys, identifier))


async def _headcount(request: web.Request, accepted: Accepted) -> Headcount:
    targeting = accepted.alert.targeting
    return await request.app[HEADCOUNTS].of(accepted.alert.mode, targeting.audience, targeting.channels)


async def _report(request: web.Request, accepted: Accepted) -> tuple[Figures, Locked | None, list[Note]]:
    """What was locked; before that, what would be."""
    console, identifier = request.app[CONSOLE], accepted.alert.identifier
    locked = await console.ledger.read(lambda conn: reports.find(conn, identifier))
    if locked is not None:
        notes = await console.ledger.read(lambda conn: reports.notes(conn, identifier))
        return codec.decode(Figures, locked.payload, what=f"report of {identifier}"), locked, notes
    headcount, source = await _headcount(request, accepted), await console.slots()
    figures = await console.ledger.read(lambda conn: gather(conn, console, accepted, headcount, source))
    return figures, None, []
