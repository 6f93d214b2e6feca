"""What is expected of a shelter, in words, as a drawing and as a table; and what is never said."""

import re
from datetime import timedelta

import msgspec
import pytest
from lxml.html import HtmlElement, document_fromstring, fromstring

from operator_ui.course import Expected, course
from operator_ui.staff.outlook import outlook
from shelters.ahead import HORIZONS, Ahead, Forecast
from shelters.board import Row
from shelters.history import Point
from shelters.occupancy import Occupancy
from shelters.shelter import Stage, Step
from tests.unit.operator_ui.desk import NOW, SITES, Desk, somebody
from tests.unit.operator_ui.test_shelter_list import ONE, TWO, holds, open_sites

MINUTE = timedelta(minutes=1)


def expects(
    occupancy: Occupancy, *numbers: tuple[int, int, int] | None, full: int | None = None
) -> Occupancy:
    """`numbers`: people, low, high at each horizon; `full`: minutes."""
    ahead = [
        Ahead(at=NOW + horizon, people=each[0], low=each[1], high=each[2])
        if each
        else Ahead(at=NOW + horizon)
        for horizon, each in zip(HORIZONS, numbers, strict=True)
    ]
    at = None if full is None else NOW + full * MINUTE
    between = None if at is None else (NOW + 21 * MINUTE, None)
    return occupancy.expecting(Forecast(ahead=tuple(ahead), full_at=at, full_between=between))


def read(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


async def test_the_list_says_what_is_expected_in_either_language(desk: Desk) -> None:
    await open_sites(desk, [ONE, TWO])
    desk.occupancies = {
        ONE: expects(holds(ONE, 150), (180, 150, 210), (1210, 160, 1260), None, full=38),
        TWO: expects(holds(TWO, 8), None, None, None, full=80),
    }
    async with somebody(desk, "ito") as person:
        japanese = read(document_fromstring(await person.get("/shelters")))
        english = read(document_fromstring(await person.get("/shelters", **{"Accept-Language": "en"})))
        assert "30分後 約180人 (150–210)" in japanese
        assert "満員まで 約40分" in japanese, "nobody knows the minute"
        assert japanese.count("満員まで") == 1, "nobody knows what is farther off than an hour"
        assert japanese.count("予測できません") == 1
        assert "in 30 min about 180 (150–210)" in english
        assert "full in about 40 min" in english
        assert english.count("Cannot say") == 1


@pytest.mark.parametrize(("stage", "known"), [(Stage.UNLOCKED, True), (Stage.RECEIVING, False)])
async def test_nothing_is_expected_where_nobody_is_let_in_or_nobody_knows(
    desk: Desk, stage: Stage, known: bool
) -> None:
    await open_sites(desk, [ONE], to=stage)
    desk.occupancies = {ONE: expects(holds(ONE, 150), (180, 150, 210), None, None, full=38)}
    desk.now += MINUTE if known else 3 * MINUTE
    async with somebody(desk, "ito") as person:
        for path in ("/shelters", f"/shelters/{ONE}"):
            page = read(document_fromstring(await person.get(path)))
            assert "約180人" not in page
            assert "満員まで" not in page
            assert "予測できません" not in page


@pytest.mark.parametrize(
    ("stage", "people", "fills"),
    [(Stage.RECEIVING, 149, True), (Stage.RECEIVING, 150, False), (Stage.FULL, 149, False)],
)
def test_a_full_shelter_does_not_fill(stage: Stage, people: int, fills: bool) -> None:
    site = msgspec.structs.replace(SITES[ONE], capacity=150)
    step = Step(site=ONE, number=5, stage=stage, at=NOW, by="sato")
    row = Row(
        site=site, step=step, occupancy=expects(holds(ONE, people), (150, 140, 150), None, None, full=3)
    )
    seen = outlook(row, NOW)
    assert seen is not None
    assert seen[1:] == ((5, 25, None) if fills else (None, None, None))
    assert [each.minutes for each in seen.said] == [30]


async def test_a_shelters_page_draws_it_and_has_the_same_as_a_table(desk: Desk) -> None:
    await open_sites(desk, [ONE])
    desk.occupancies = {ONE: expects(holds(ONE, 150), (180, 150, 210), (200, 160, 250), None, full=50)}
    start = NOW.replace(minute=0) - timedelta(minutes=30)
    desk.past = [
        Point(site=site, at=start + timedelta(minutes=5 * slot), people=people)
        for site, people in ((ONE, 100), (TWO, 999))
        for slot in range(15)
    ]
    async with somebody(desk, "ito") as person:
        page = document_fromstring(await person.get(f"/shelters/{ONE}"))
    (card,) = page.xpath('//section[@id="expected"]')
    (picture,) = card.xpath('.//div[@role="img"]')
    assert picture.get("aria-label") == "人数の推移と見込み。いま150人。60分後 約200人 (160–250)"
    assert "早ければ25分。満員にならないこともあります" in read(card)
    rows = [[read(cell) for cell in row] for row in card.xpath(".//tbody/tr")]
    assert rows[:2] == [["20:30", "100", "—"], ["20:45", "100", "—"]]
    assert rows[-4:] == [
        ["21:47", "150", "—"],
        ["30分後", "約180人", "150–210"],
        ["60分後", "約200人", "160–250"],
        ["120分後", "予測できません"],
    ]
    assert "999" not in read(card), "another site's"


def drawn(capacity: int | None, *past: tuple[int, int]) -> HtmlElement:
    """Points as (minutes from now, people); 60 to 140 are expected in an hour."""
    markup = course(
        [(NOW + at * MINUTE, people) for at, people in past],
        [Expected(NOW + 60 * MINUTE, 100, 60, 140)],
        start=NOW - 60 * MINUTE,
        end=NOW + 60 * MINUTE,
        now=NOW,
        capacity=capacity,
        now_name="いま <b>",
        title="人数",
    )
    return fromstring(str(markup))


def way(picture: HtmlElement, kind: str) -> list[str]:
    (path,) = picture.xpath(f'.//path[@class="{kind}"]/@d')
    return re.findall(r"[MLz][\d ]*", path)


def test_what_is_expected_goes_on_from_now_in_its_band_and_a_gap_is_a_gap() -> None:
    picture = drawn(200, (-60, 0), (-30, 20), (0, 50))
    assert way(picture, "chart-line people") == ["M0 1000", "M250 905", "M500 762"]
    assert way(drawn(200, (-5, 0), (0, 50)), "chart-line people") == ["M458 1000", "L500 762"]
    assert way(picture, "chart-line expected") == ["M500 762", "L1000 524"]
    assert way(picture, "chart-area expected") == ["M500 762", "L1000 333", "L1000 714", "L500 762", "z"]
    assert "いま <b>" in picture.xpath(".//text/text()")


@pytest.mark.parametrize("capacity", [None, 200])
def test_only_a_known_capacity_is_a_line_of_its_own(capacity: int | None) -> None:
    picture = drawn(capacity, (0, 50))
    assert len(picture.xpath('.//line[@class="chart-grid top"]')) == (capacity is not None)
    amounts = picture.xpath('.//svg[@class="chart-amounts"]/text/text()')
    assert ("200" in amounts) == (capacity is not None)
    assert len(set(amounts)) == len(amounts)
