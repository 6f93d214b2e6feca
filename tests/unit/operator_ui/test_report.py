"""The report: figures that add up, locked once with their hash; corrections are added, nothing is changed."""

import csv
import hashlib
import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring
from sqlalchemy import Connection, update

from hub import codec
from hub.authorise import Actor, Role
from hub.delivery import Outcome
from hub.ledger import audit, plans, reports, tables, ticks
from hub.ledger.plans import Cursor
from operator_ui.staff.report import COLUMNS, percent
from operator_ui.staff.report_figures import Figures
from tests.unit.operator_ui.desk import Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import SOME, an_alert, carry, complete, follow
from tests.unit.operator_ui.test_wall import said

DONE = [
    *[Outcome.ACCEPTED] * 5,
    *[Outcome.DELIVERED] * 3,
    Outcome.ANSWERED,
    Outcome.AMBIGUOUS,
    *[Outcome.PERMANENT] * 2,
]
STAFF = Actor(login="tanaka", name="田中 一郎", roles=frozenset(Role))


async def a_finished_alert(desk: Desk, outcomes: list[Outcome] = DONE) -> str:
    """Sent, carried to the end by mail, and expired; nobody is on the other channels."""
    identifier = await an_alert(desk)
    desk.now += timedelta(minutes=2)
    await carry(desk, identifier, outcomes)

    def nobody_there(conn: Connection) -> None:
        for channel in ("line", "x", "manual"):
            plans.advance(conn, identifier, channel, step=0, to=Cursor(), planned=[], complete_at=desk.now)

    await desk.ledger.write(nobody_there)
    await desk.ledger.write(lambda conn: ticks.tick(conn, identifier, "van", STAFF, at=desk.now))
    desk.now += timedelta(hours=6)
    return identifier


async def lock(desk: Desk, identifier: str, login: str = "sato") -> int:
    async with somebody(desk, login) as person:
        await person.get(f"/alerts/{identifier}/report")
        await person.post(f"/alerts/{identifier}/report/lock")
        return person.status


def figures(page: str, row: str) -> list[int]:
    (line,) = document_fromstring(page).xpath(f'//tr[@data-row="{row}"]')
    return [int(cell.text_content().replace(",", "")) for cell in line.xpath("./td")[:6]]


async def test_every_line_adds_up_and_so_does_the_sum(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}/report")
    for row in ("mail", "line", "x", "total"):
        planned, *parts = figures(page, row)
        assert planned == sum(parts), row
    assert figures(page, "mail") == figures(page, "total") == [12, 1, 3, 5, 1, 2]
    read = said(page)
    assert "端末に到着・応答あり4人（33.3%）" in read
    assert "発令者昭島市長決定方法本部会議" in read
    assert "広報車21:49発令から2分・田中一郎" in read
    assert "緊急速報メール記録なし" in read
    assert "21:49:00半数の受付" in read
    assert "承認して配信（田中一郎）" in read


@given(whole=st.integers(1, 10**7), data=st.data())
def test_a_share_is_never_rounded_up(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    shown = float(percent(part, whole).removesuffix("%"))
    assert shown <= 100 * part / whole + 1e-9
    assert (shown == 100) == (part == whole)
    assert percent(0, 0) == "—"


async def test_an_alert_in_force_cannot_be_locked(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    desk.now -= timedelta(hours=3)
    async with somebody(desk, "sato") as person:
        assert "まだ終わっていない配信です" in await person.get(f"/alerts/{identifier}/report")
        assert "report/lock" not in person.page
    assert await lock(desk, identifier) == 409


async def test_an_alert_whose_results_are_still_to_come_cannot_be_locked(desk: Desk) -> None:
    identifier = await a_finished_alert(desk, SOME)
    async with somebody(desk, "sato") as person:
        page = await person.get(f"/alerts/{identifier}/report")
        assert "まだ結果を待っている手段がありますメール" in said(page)
        assert "report/lock" not in page
    assert await lock(desk, identifier) == 409


async def test_locked_figures_stay_whatever_happens_afterwards(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    assert await lock(desk, identifier) == 200
    locked = await desk.ledger.read(lambda conn: reports.find(conn, identifier))
    assert locked
    assert locked.hash == hashlib.sha256(locked.payload).digest()
    assert codec.decode(Figures, locked.payload, what="report").people.failed == 2
    (entry, *_) = await desk.ledger.read(lambda conn: audit.about(conn, [identifier]))
    assert (entry.action, entry.detail) == ("report.lock", {"sha256": locked.hash.hex()})
    desk.now += timedelta(hours=1)
    await desk.ledger.write(
        lambda conn: conn.execute(
            update(tables.batches)
            .where(tables.batches.c.alert == identifier)
            .values(receipt=bytes([Outcome.ANSWERED] * len(DONE)))
        )
    )
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}/report")
        assert figures(page, "mail") == [12, 1, 3, 5, 1, 2]
        assert locked.hash.hex() in page
        assert "受付済み以上 9人、端末に到着・応答あり 4人（計画 12人）" in page, (
            "the drawing is of what was locked"
        )
        assert "9月13日(日)3:49に確定しました" in said(page).replace("03:49", "3:49")
        assert "報告書を確定" in await viewer.get(f"/alerts/{identifier}")
    assert await lock(desk, identifier, "tanaka") == 409, "once"


async def test_a_changed_report_is_refused(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    await lock(desk, identifier)

    def forge(conn: Connection) -> None:
        found = reports.find(conn, identifier)
        assert found
        conn.execute(
            update(tables.reports).values(payload=found.payload.replace(b'"failed":2', b'"failed":0'))
        )

    await desk.ledger.write(forge)
    async with somebody(desk, "ono") as viewer:
        assert "報告書が書きかえられています" in await viewer.get(f"/alerts/{identifier}/report")


async def test_corrections_are_added_with_name_and_time(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    async with somebody(desk, "ito") as author:
        await author.get(f"/alerts/{identifier}/report")
        await author.post(f"/alerts/{identifier}/report/corrections", {"text": "早すぎる"})
        assert author.status == 409
        await lock(desk, identifier)
        for text in ("広報車の出発は22時05分でした。", "<b>2つ目</b>"):
            await author.get(f"/alerts/{identifier}/report")
            await author.post(f"/alerts/{identifier}/report/corrections", {"text": text})
        read = said(author.page)
        assert "訂正19月13日(日)03:49・伊藤：広報車の出発は22時05分でした。" in read
        assert "訂正2" in read
        assert "<b>2つ目" not in author.page
        await author.post(f"/alerts/{identifier}/report/corrections", {"text": "あ" * 501})
        assert author.status == 400
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [identifier]))
    assert [each.detail["number"] for each in entries if each.action == "report.correct"] == [2, 1]


async def test_the_csv_has_the_figures_of_the_page(desk: Desk) -> None:
    identifier = await a_finished_alert(desk)
    async with somebody(desk, "ono") as viewer:
        before = await viewer.get(f"/alerts/{identifier}/report.csv")
        assert "未確定" in before
        await lock(desk, identifier)
        async with viewer.session.get(f"/alerts/{identifier}/report.csv") as answer:
            assert answer.headers["Content-Disposition"] == 'attachment; filename="report-2026-0001.csv"'
            body = await answer.read()
    assert body.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert tuple(header) == COLUMNS
    by_name = {row[3]: row for row in rows}
    assert by_name["メール"][5:11] == ["12", "1", "3", "5", "1", "2"]
    assert by_name["メール"][12] == "2026-09-12T21:49:00+09:00"
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert {row[0] for row in rows} == {"2026-0001"}
    assert len({row[2] for row in rows}) == 1


async def test_what_ended_it_and_what_followed_is_told(desk: Desk) -> None:
    identifier = await an_alert(desk)
    desk.now += timedelta(hours=1)
    await complete(desk, await follow(desk, identifier, "lifting"), typed="27")
    async with somebody(desk, "ono") as viewer:
        read = said(await viewer.get(f"/alerts/{identifier}/report"))
    assert "終わり9月12日(土)22:47次の配信に替わりました" in read
    assert "22:47:00解除・取消を配信2026-0002" in read


@pytest.mark.parametrize("path", ["lock", "corrections"])
async def test_a_viewer_only_looks(desk: Desk, path: str) -> None:
    identifier = await a_finished_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}/report")
        assert "report/lock" not in page
        await viewer.post(f"/alerts/{identifier}/report/{path}", {"text": "x"})
        assert viewer.status == 403
