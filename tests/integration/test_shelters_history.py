"""Occupancy every five minutes: once, in its slot, for five weeks, and a gap stays a gap."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shelters.history import KEPT, SLOT, History, Point, slot_of
from shelters.site import SiteCode

SITE, OTHER = SiteCode("E1320700035"), SiteCode("E1320700002")
NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)


def point(minutes: float, people: int, site: SiteCode = SITE, margin: int | None = None) -> Point:
    return Point(site=site, at=NOON + timedelta(minutes=minutes), people=people, margin=margin)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own, on either."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'occupancy.db'}"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture
async def history(url: str) -> AsyncIterator[History]:
    opened = History(url)
    await opened.open()
    yield opened
    await opened.close()


async def test_what_was_written_first_of_a_slot_stands_after_a_restart_too(
    history: History, url: str
) -> None:
    await history.write([point(0.1, 10, margin=2), point(0, 3, OTHER)])
    again = History(url)
    await again.open()
    await again.write([point(4.9, 99), point(10, 12), point(0, 4, OTHER)])
    await again.write([])
    expected = {SITE: [point(0, 10, margin=2), point(10, 12)], OTHER: [point(0, 3, OTHER)]}
    assert await history.read(NOON) == await again.read(NOON) == expected
    await again.close()


async def test_those_who_keep_it_and_show_it_may_start_at_once(url: str) -> None:
    together = [History(url) for _ in range(4)]
    await asyncio.gather(*(each.open() for each in together))
    for each in together:
        await each.write([point(0, 1)])
        await each.close()


async def test_a_range_has_its_start_and_not_its_end(history: History) -> None:
    await history.write(point(5 * i, i, site) for i in range(6) for site in (SITE, OTHER))
    read = await history.read(NOON + SLOT, NOON + 3 * SLOT, sites=[SITE])
    assert read == {SITE: [point(5, 1), point(10, 2)]}
    assert await history.read(NOON + timedelta(hours=1)) == {}


async def test_it_never_grows_beyond_five_weeks(history: History) -> None:
    later = KEPT / timedelta(minutes=1)
    await history.write([point(0, 1), point(0, 2, OTHER), point(5, 3)])
    await history.write([point(later, 4)])
    assert await history.read(NOON - KEPT) == {
        SITE: [point(0, 1), point(5, 3), point(later, 4)],
        OTHER: [point(0, 2, OTHER)],
    }
    await history.write([point(later + 5, 5)])
    assert await history.read(NOON - KEPT) == {SITE: [point(5, 3), point(later, 4), point(later + 5, 5)]}


async def test_a_clock_that_jumps_a_month_ahead_costs_ten_minutes_of_the_past_a_step(
    history: History,
) -> None:
    evening = [point(5 * slot, slot) for slot in range(100)]
    await history.write(evening)
    ahead = 2 * KEPT / timedelta(minutes=1)
    for step in range(3):
        await history.write([point(ahead + 5 * step, 0)])
    left = (await history.read(NOON, NOON + timedelta(days=1)))[SITE]
    assert left == evening[6:]


def test_slots_begin_at_every_five_minutes() -> None:
    assert slot_of(NOON) == slot_of(NOON + SLOT - timedelta(microseconds=1)) == NOON
    assert slot_of(NOON - timedelta(microseconds=1)) == NOON - SLOT
