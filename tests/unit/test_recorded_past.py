"""What is published of the past is read where the shelters' counts are kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.settings import Settings
from shelters.history import SLOT, History, Point
from shelters.site import SiteCode
from yobikake.recorded_past import recorded_past

NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)


async def test_it_is_there_once_the_shelters_keep_it_and_looking_makes_no_file(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, city="akishima")
    points = [Point(site=SiteCode(site), at=NOON - i * SLOT, people=40 + i) for site in "ab" for i in (2, 1)]
    async with recorded_past(settings) as samples:
        assert await samples(NOON - timedelta(days=7), NOON) == ()
        assert [*tmp_path.iterdir()] == []
        history = History(settings.occupancy_url)
        await history.open()
        await history.write([*points, Point(site=SiteCode("a"), at=NOON, people=9)])
        await history.close()
        assert await samples(NOON - timedelta(days=7), NOON) == points
