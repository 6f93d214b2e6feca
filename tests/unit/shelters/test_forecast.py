"""What is said of the next two hours, what never is, and when nobody can say."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import JST
from shelters.ahead import HORIZONS, Forecast
from shelters.evening import points, table
from shelters.forecast import ALWAYS_USEFUL, WIDEST_OF_CAPACITY, Outlook, Past, Range, forecast, told

NOW = datetime(2026, 9, 14, 3, 0, tzinfo=UTC)
SLOT = timedelta(minutes=5)


def past(*people: float, step: timedelta = SLOT, until: datetime = NOW) -> Past:
    """The last of them one step before `until`."""
    moments = [(until - step * back).timestamp() for back in range(len(people), 0, -1)]
    return Past(moments, people, step)


def says(*people: int, capacity: int | None = None, margin: int | None = None) -> Forecast:
    """After `people` in the slots up to now."""
    return forecast(past(*people[:-1]), people[-1], now=NOW, capacity=capacity, margin=margin)


def middles(said: Forecast) -> list[int]:
    found = [each.people for each in said.ahead if each.people is not None]
    assert len(found) == len(HORIZONS), said
    return found


numbers = st.integers(0, 900)


@given(
    people=st.lists(numbers, min_size=1, max_size=60),
    capacity=st.none() | st.integers(1, 900),
    margin=st.none() | st.integers(0, 60),
)
@settings(max_examples=80)
def test_whatever_was_it_is_between_nobody_and_everybody_who_has_room(
    people: list[int], capacity: int | None, margin: int | None
) -> None:
    said = says(*people, capacity=capacity, margin=margin)
    assert [each.at - NOW for each in said.ahead] == list(HORIZONS)
    widths = []
    for each in said.ahead:
        if each.people is None or each.low is None or each.high is None:
            assert each.people is each.low is each.high is None
            continue
        assert 0 <= each.low <= each.people <= each.high
        if capacity is None:
            widths.append((each.people - each.low, each.high - each.people, each.low))
        else:
            assert each.high <= max(capacity, people[-1])
            assert each.high - each.low <= max(ALWAYS_USEFUL, WIDEST_OF_CAPACITY * capacity)
    for before, after in pairwise(widths):
        assert after[1] >= before[1] - 1, "but for rounding, never narrower"
        assert after[0] >= before[0] - 1 or after[2] == 0
    check_full(said, people[-1], capacity)


def check_full(said: Forecast, people: int, capacity: int | None) -> None:
    if capacity is None:
        assert said.full_at is said.full_between is None, "nobody knows what full is"
        return
    if said.full_at is not None:
        assert said.full_between is not None
    if said.full_between is not None:
        earliest, latest = said.full_between
        bounds = [each for each in (earliest, said.full_at, latest) if each is not None]
        assert bounds == sorted(bounds)
        assert all(NOW <= each <= NOW + HORIZONS[-1] for each in bounds)
    assert (said.full_at == NOW) == (people >= capacity) or said.full_at is None


def test_a_shelter_that_fills_goes_on_filling_and_slows_down() -> None:
    said = says(*range(0, 125, 5), capacity=600)
    thirty, sixty, hundred_and_twenty = middles(said)
    assert 130 < thirty < 155
    assert thirty < sixty < 185
    assert sixty < hundred_and_twenty < 240, "as fast as now it would be 240"
    assert said.full_at is None


def test_full_is_said_with_its_earliest_and_latest() -> None:
    said = says(*range(0, 250, 10), capacity=260)
    assert said.full_at is not None
    assert said.full_between is not None
    earliest, _ = said.full_between
    assert NOW < earliest < said.full_at < NOW + timedelta(minutes=60)
    assert said.ahead[0].high == 260


def test_from_the_first_minutes_on() -> None:
    said = says(0, 6, 15, capacity=500)
    thirty = said.ahead[0].people
    assert thirty is not None
    assert 25 < thirty < 120


@pytest.mark.parametrize("people", [[0], [0] * 30, [200], [200, 205, 210]])
def test_nobody_can_say_where_nobody_came_or_watching_has_just_begun(people: list[int]) -> None:
    said = says(*people, capacity=500)
    assert [each.people for each in said.ahead] == [None] * 3
    assert said.full_at is None


def test_people_who_were_there_before_watching_began_came_at_the_pace_since() -> None:
    resting = says(*[200] * 5, capacity=500)
    assert all(150 < each < 220 for each in middles(resting))
    still_coming = says(*range(100, 150, 10), capacity=900)
    assert still_coming.ahead[0].people is not None
    assert still_coming.ahead[0].people > 155


def test_what_was_before_a_long_gap_tells_nothing_of_how_it_goes_now() -> None:
    rest = past(*[180] * 4)
    before = [moment - 3 * 3600 for moment in past(*[0] * 20).moments]
    gap = Past([*before, *rest.moments], [*[0] * 20, *rest.people])
    assert forecast(gap, 180, now=NOW) == forecast(rest, 180, now=NOW)


def test_a_number_that_was_counted_anew_is_no_rush_of_people() -> None:
    jumped = says(*[20] * 30, 340, capacity=900)
    assert [each.people for each in jumped.ahead] == [None] * 3
    settled = says(*[20] * 30, *[340] * 5, capacity=900)
    assert all(260 < each < 370 for each in middles(settled)), "no 500"


def test_an_interval_too_wide_to_be_useful_is_no_number_and_full_is_not_said_beyond_it() -> None:
    wide, narrow = Range(100, 200, 301), Range(150, 190, 220)
    said = told([narrow, wide, wide], 180, now=NOW, capacity=400)
    assert [each.people for each in said.ahead] == [190, None, None]
    said = told([narrow, Range(90, 260, 299), wide], 180, now=NOW, capacity=250)
    assert [each.people for each in said.ahead] == [190, None, None]
    assert said.full_at is said.full_between is None
    unknown = told([narrow, Range(100, 200, 300), wide], 180, now=NOW)
    assert [each.people for each in unknown.ahead] == [190, 200, None], "as wide as the number, and wider"


def test_what_is_wrong_with_the_number_now_is_wrong_with_what_follows() -> None:
    sure, unsure = (says(*[200] * 30, capacity=900, margin=margin) for margin in (None, 80))
    assert middles(sure) == middles(unsure)
    for better, worse in zip(sure.ahead, unsure.ahead, strict=True):
        assert better.low is not None
        assert worse.low is not None
        assert worse.low < better.low


def usual(at: datetime) -> float:
    """More by day than by night, most at three in the afternoon; on Saturdays and Sundays nobody."""
    local = at.astimezone(JST)
    return (
        0
        if local.weekday() >= 5
        else round(100 + 90 * sin(2 * pi * (local.hour + local.minute / 60 - 9) / 24))
    )


def days(count: int, until: datetime) -> Past:
    slots = [until - SLOT * back for back in range(count * 288, 0, -1)]
    return Past([at.timestamp() for at in slots], [usual(at) for at in slots])


@pytest.mark.parametrize("hour", [0, 6, 12, 14])  # in Japan: 9, 15, 21, and 23, whose two hours end tomorrow
def test_with_days_behind_it_the_hour_is_known(hour: int) -> None:
    now = datetime(2026, 9, 16, hour, 0, tzinfo=UTC)
    said = forecast(days(10, now), round(usual(now)), now=now)
    for each in said.ahead:
        assert each.people is not None
        assert abs(each.people - usual(each.at)) <= 3


@given(seed=st.integers(0, 10_000), capacity=st.none() | st.integers(50, 400))
@settings(max_examples=15, deadline=None)
def test_whatever_the_days_were_it_is_between_nobody_and_everybody_who_has_room(
    seed: int, capacity: int | None
) -> None:
    chance = random.Random(seed)
    now = datetime(2026, 9, 16, 3, 0, tzinfo=UTC)
    before = days(5, now)
    people = [max(0, round(each + chance.gauss(0, 30))) for each in before.people]
    inside = max(0, round(usual(now) + chance.gauss(0, 40)))
    said = forecast(Past(before.moments, people), inside, now=now, capacity=capacity)
    for each in said.ahead:
        if each.people is not None and each.low is not None and each.high is not None:
            assert 0 <= each.low <= each.people <= each.high
            assert capacity is None or each.high <= max(capacity, inside)
    bounds = (
        (said.full_between[0], said.full_at, said.full_between[1]) if said.full_between else (said.full_at,)
    )
    known = [each for each in bounds if each is not None]
    assert known == sorted(known)
    assert not (known and capacity is None)


def test_an_event_of_last_month_is_no_habit() -> None:
    now = datetime(2026, 9, 16, 0, 0, tzinfo=UTC)
    long_ago = days(4, now - timedelta(days=14))
    opened = past(*range(0, 120, 10), until=now)
    both = Past([*long_ago.moments, *opened.moments], [*long_ago.people, *opened.people])
    assert forecast(both, 120, now=now) == forecast(opened, 120, now=now)


def test_a_saturday_is_like_a_saturday() -> None:
    saturday = datetime(2026, 9, 19, 0, 0, tzinfo=UTC)
    assert middles(forecast(days(21, saturday), 0, now=saturday)) == [0, 0, 0]


def test_a_day_unlike_all_before_is_an_evening_of_its_own() -> None:
    now = datetime(2026, 9, 16, 9, 0, tzinfo=UTC)
    before = days(10, now)
    rising = [*before.people[:-12], *(usual(now) + 20 * slot for slot in range(1, 13))]
    outlook = Outlook(Past(before.moments, rising), now=now)
    inside = round(usual(now) + 20 * 13)
    thirty, *_ = outlook.forecast(inside, now=now).ahead
    assert thirty.people is not None
    assert thirty.people > inside + 50


def test_the_points_of_the_library_never_cross() -> None:
    weights = table()
    assert {len(row) for row in weights.hidden} == {1 + 8}
    assert {len(row) for row in weights.change} == {1 + len(weights.hidden) + 8}
    for inside, before in ((5, [0] * 6), (300, [300] * 6), (80, [95, 110, 150, 200, 230, 200])):
        for low, middle, high in points(inside, before, weights):
            assert low <= middle <= high
