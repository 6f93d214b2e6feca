"""What is kept once a slot, when a forecast stands and when it is made anew, and where none is made at all."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shelters.ahead import NOTHING
from shelters.history import History, Point
from shelters.occupancy import Occupancy
from shelters.outlooks import Outlooks
from shelters.site import SiteCode

SITE, OTHER = SiteCode("E1320700035"), SiteCode("E1320700002")
OPENS = datetime(2026, 9, 12, 13, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def says(minute: float, people: int | None, site: SiteCode = SITE) -> tuple[Occupancy, datetime]:
    """And when."""
    now = OPENS + minute * MINUTE
    return Occupancy(site=site, version=1, people=people, capacity=400, fresh_until=now + 2 * MINUTE), now


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    opened = History(f"sqlite:///{tmp_path / 'occupancy.db'}")
    await opened.open()
    yield opened
    await opened.close()


async def kept(history: History) -> dict[SiteCode, list[int]]:
    found = await history.read(OPENS - timedelta(days=1))
    return {site: [point.people for point in points] for site, points in found.items()}


async def test_a_shelter_that_opens_within_a_slot_is_forecast_from_its_first_minutes(
    history: History,
) -> None:
    outlooks = Outlooks(history)
    unknown, now = says(-1, None)
    assert await outlooks.keep([unknown], now) == []
    assert outlooks.forecast(unknown, now) == NOTHING
    assert not outlooks.due(now)
    nobody, now = says(0, 0)
    assert [each.people for each in outlooks.forecast(nobody, now).ahead] == [None] * 3
    assert outlooks.due(now), "a number has come to be known"
    assert await outlooks.keep([nobody], now) == [SITE]
    assert not outlooks.due(now)
    first = outlooks.forecast(*says(3, 12)).ahead[0]
    assert first.people is not None
    assert first.people > 12
    assert await outlooks.keep([says(3, 12)[0], says(3, 7, OTHER)[0]], says(3, 12)[1]) == [OTHER]
    assert await kept(history) == {SITE: [0], OTHER: [7]}
    assert outlooks.due(says(4, 0)[1]), "the next slot has begun"


async def test_a_guess_is_forecast_and_never_a_part_of_the_past(history: History) -> None:
    outlooks = Outlooks(history)
    said, now = says(0, 120)
    assert await outlooks.keep([msgspec.structs.replace(said, guessed=True)], now) == [SITE]
    assert await kept(history) == {}
    assert len(outlooks.forecast(said, now).ahead) == 3
    await outlooks.keep([says(5, 121)[0]], says(5, 121)[1])
    assert await kept(history) == {SITE: [121]}


class Failing(History):
    """Cannot be read while it is `away`."""

    away = False

    async def read(self, *args: Any, **kwargs: Any) -> dict[SiteCode, list[Point]]:
        if self.away:
            raise OSError("away")
        return await super().read(*args, **kwargs)


async def test_a_history_that_was_away_at_the_start_is_learned_from_once_it_is_back(tmp_path: Path) -> None:
    history = Failing(f"sqlite:///{tmp_path / 'occupancy.db'}")
    await history.open()
    before = Outlooks(history)
    for minute in (0, 5, 10, 15):
        said, now = says(minute, 10 * minute)
        await before.keep([said], now)
    expected = before.forecast(said, now)
    outlooks, history.away = Outlooks(history), True
    with pytest.raises(OSError, match="away"):
        await outlooks.keep([said], now)
    assert outlooks.due(now), "nothing was learned yet"
    history.away = False
    assert await outlooks.keep([said], now) == [SITE]
    assert outlooks.forecast(said, now) == expected
    await history.close()


async def test_a_clock_that_is_put_back_stops_no_history(history: History) -> None:
    outlooks = Outlooks(history)
    for minute in (60, 0):
        said, now = says(minute, minute)
        assert outlooks.due(now)
        assert await outlooks.keep([said], now) == [SITE]
        assert not outlooks.due(now)
    assert await kept(history) == {SITE: [0, 60]}


async def test_a_forecast_stands_for_a_minute_unless_the_number_moves(history: History) -> None:
    outlooks = Outlooks(history)
    for minute in (0, 5, 10, 15):
        said, now = says(minute, 10 * minute)
        await outlooks.keep([said], now)
    made = outlooks.forecast(said, now)
    assert outlooks.forecast(*says(15.5, 155)) is made
    moved = outlooks.forecast(*says(15.5, 170))
    assert moved is not made
    assert outlooks.forecast(*says(16.6, 170)) is not moved
    assert [each.at - now for each in made.ahead] == [30 * MINUTE, 60 * MINUTE, 120 * MINUTE]
    again = Outlooks(history)
    await again.keep([said], now)
    assert again.forecast(said, now) == made, "another process says the same"


async def test_where_nothing_is_to_be_forecast_the_history_is_kept_all_the_same(history: History) -> None:
    outlooks = Outlooks(history, forecasting=False)
    for minute in (0, 5, 10):
        said, now = says(minute, 10 * minute)
        assert outlooks.forecast(said, now) == NOTHING
        await outlooks.keep([said], now)
    assert await kept(history) == {SITE: [0, 50, 100]}
