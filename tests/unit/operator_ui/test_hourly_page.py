"""The hourly report: sums of the lines above them, the unknown apart, and the same figures as CSV."""

import csv
from datetime import timedelta
from io import StringIO

from lxml.html import HtmlElement, document_fromstring

from shelters import record
from shelters.record import Report
from shelters.site import SiteCode
from shelters.support import Support
from tests.unit.operator_ui.desk import NOW, SITES, Desk, somebody
from tests.unit.operator_ui.test_shelter_list import FLOOD, holds, open_sites

ONE, TWO, THREE = FLOOD[:3]
MINUTE = timedelta(minutes=1)


async def report(desk: Desk, site: SiteCode, minutes: int, **said: object) -> None:
    fields = {"id": f"{site}-{minutes}", "site": site, "at": NOW + minutes * MINUTE, "by": "sato", **said}
    given = Report(**fields)  # type: ignore[arg-type]
    await desk.ledger.write(lambda conn: record.report(conn, given, recorded_at=given.at))


async def an_evening(desk: Desk) -> None:
    """Two whose number is known, and one whose sensors fell silent."""
    await report(desk, ONE, -90, households=999)  # of an opening before this one
    await open_sites(desk, [ONE, TWO, THREE])
    await report(desk, ONE, 1, households=40, need_support=9, support={Support.INFANT: 2}, needs=("毛布",))
    await report(desk, ONE, 3, people=100, support={Support.PET: 1}, needs=("水", "毛布"))
    await report(desk, THREE, 1, households=70)
    desk.now = NOW + 5 * MINUTE
    desk.occupancies = {
        ONE: holds(ONE, 100, margin=3, at=desk.now),
        TWO: holds(TWO, 272, margin=4, at=desk.now),
        THREE: holds(THREE, 185),
    }


def cells(row: HtmlElement) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in row.xpath("./th|./td")]


async def test_totals_are_the_sums_of_the_lines_and_the_unknown_stands_apart(desk: Desk) -> None:
    await an_evening(desk)
    async with somebody(desk, "ono") as viewer:
        page = document_fromstring(await viewer.get("/shelters/hourly"))
    known, total, unknown = ([cells(row) for row in part.xpath("./tr")] for part in page.xpath("//tbody"))
    assert [row[1:4] for row in known] == [["272 ±4", "—", "—"], ["100 ±3", "40", "9"]]
    assert total[0][:4] == ["合計 2か所", "372", "40 未報告 1", "9 未報告 1"]
    assert total[0][4] == "—"  # nobody said how many wheelchairs: that is no zero
    assert known[1][-1] == "水・毛布"
    assert known[1][5] == "2"  # said once, and not taken back since
    assert unknown[0] == ["人数が不明（合計に入れていません） 1か所"]
    assert unknown[1][:3] == [f"{SITES[THREE].name.ja} 受入開始・21:47 から", "不明 21:47 185", "70"]


async def test_the_same_figures_as_csv(desk: Desk) -> None:
    await an_evening(desk)
    async with somebody(desk, "ono") as viewer, viewer.session.get("/shelters/hourly.csv") as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "shelters-20260912-2152.csv" in answer.headers["Content-Disposition"]
        text = (await answer.read()).decode("utf-8-sig")
    rows = list(csv.reader(StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[0][:6] == ["避難所", "段階", "受入開始", "人数", "世帯", "要配慮者"]
    assert [row[3] for row in rows[1:]] == ["272", "100", "372", "不明"]
    assert int(rows[3][3]) == sum(int(row[3]) for row in rows[1:3])
    assert rows[2] == [
        SITES[ONE].name.ja, "受入開始", "21:47", "100", "40", "9", "", "2", "", "", "1", "", "3", "センサー", "21:52", "水・毛布", "21:50",
    ]  # fmt: skip


async def test_with_nobody_anywhere_that_is_said(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        assert "いま人がいる避難所はありません" in await viewer.get("/shelters/hourly")
