"""A chart shows its amounts where they are, in letters that do not shrink with it, and runs no style of its own."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, fromstring

from operator_ui.chart import Line, Mark, chart
from tests.unit.operator_ui.desk import NOW


def drawn(
    *points: tuple[int, int], span_s: int = 600, top: int = 100, names: tuple[str, ...] = ()
) -> HtmlElement:
    """Points as (seconds, amount); the marks are at the first points."""
    line = Line("accepted", [(NOW + timedelta(seconds=at), amount) for at, amount in points])
    marks = [Mark(at, name) for (at, _), name in zip(line.points, names, strict=False)]
    end = NOW + timedelta(seconds=span_s)
    return fromstring(str(chart([line], start=NOW, end=end, top=top, marks=marks, title="人数 <b>")))


def way(picture: HtmlElement) -> list[tuple[int, int]]:
    """The corners of the line, in thousandths of the plot from its upper left."""
    (path,) = picture.xpath('.//path[contains(@class, "chart-line")]/@d')
    return [(int(x), int(y)) for x, y in re.findall(r"[ML](\d+) (\d+)", path)]


def words(picture: HtmlElement, kind: str) -> list[str]:
    found = picture.xpath(f'.//svg[contains(@class, "{kind}")]//text[not(@class)]')
    return [text.text_content() for text in found]


def test_an_amount_stands_at_its_time_and_height() -> None:
    assert way(drawn((0, 10), (300, 50), (600, 100))) == [(0, 1000), (0, 900), (500, 500), (1000, 0)]


def test_what_came_at_once_stands_at_the_beginning_of_a_short_axis() -> None:
    assert way(drawn((1, 40), (1, 100), span_s=1)) == [(0, 1000), (100, 600), (100, 0)]


@pytest.mark.parametrize(
    ("span_s", "times"),
    [
        (10, ["21:47:00", "21:47:05", "21:47:10"]),
        (1860, ["21:50", "22:00", "22:10"]),
        (6 * 3600, ["22:00", "00:00", "02:00"]),
    ],
)
def test_times_are_round_and_few(span_s: int, times: list[str]) -> None:
    assert words(drawn((1, 1), span_s=span_s, names=("最初",)), "chart-plot") == times
    assert len(words(drawn((1, 1), span_s=span_s), "chart-plot")) <= 3, "a small one has less room"


@pytest.mark.parametrize(
    ("top", "amounts"),
    [(28_431, ["0", "10,000", "20,000", "28,431"]), (40, ["0", "10", "20", "30", "40"]), (1, ["0", "1"])],
)
def test_amounts_are_round_and_leave_room_for_what_was_planned(top: int, amounts: list[str]) -> None:
    assert words(drawn((1, 1), top=top, names=("最初",)), "chart-amounts") == amounts
    assert words(drawn((1, 1), top=top), "chart-amounts") == [amounts[0], amounts[-1]], (
        "a small one has no room"
    )


def test_names_of_moments_stand_in_rows_of_their_own() -> None:
    picture = drawn((1, 10), (2, 50), (3, 100), names=("最初", "半数", "最後"))
    names = picture.xpath('.//text[@class="chart-name"]')
    assert [name.text_content() for name in names] == ["最初", "半数", "最後"]
    assert len({name.get("y") for name in names}) == 3
    assert len(picture.xpath('.//circle[@class="chart-dot"]')) == 3


def test_it_says_its_title_and_nothing_of_it_is_markup_or_style() -> None:
    picture = drawn((1, 1))
    assert (picture.get("role"), picture.get("aria-label")) == ("img", "人数 <b>")
    assert not picture.xpath(".//@style")
    assert all(svg.get("aria-hidden") for svg in picture.xpath("./svg"))


@given(
    st.lists(st.tuples(st.integers(-100, 10**6), st.integers(0, 10**8)), max_size=30),
    st.integers(0, 10**6),
    st.integers(0, 10**8),
)
def test_whatever_the_numbers_nothing_is_drawn_outside(
    points: list[tuple[int, int]], span_s: int, top: int
) -> None:
    picture = drawn(*sorted(points), span_s=span_s, top=top, names=("a", "b", "c"))
    assert all(0 <= x <= 1000 and 0 <= y <= 1000 for x, y in way(picture))
    shares = [float(place.rstrip("%")) for place in picture.xpath(".//circle/@cx | .//circle/@cy")]
    assert all(0 <= share <= 100 for share in shares)
    assert len(words(picture, "chart-plot")) <= 6
