"""Snapshots survive a restart, and of two writers one is told."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from shelters.occupancy import Occupancy
from shelters.reading import DoorTotals, Reading, StaffWord
from shelters.site import SiteCode
from shelters.snapshots import Snapshot, Snapshots
from shelters.tally import Tally, add

SITE = SiteCode("E1320700035")
NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own, on either."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shelters.db'}"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"shelters_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
async def snapshots(url: str) -> AsyncIterator[Snapshots]:
    opened = Snapshots(url)
    await opened.open()
    yield opened
    await opened.close()


def snapshot(version: int, site: SiteCode = SITE) -> Snapshot:
    measures = [StaffWord(people=version), DoorTotals(entered=version, left=1)]
    readings = [
        Reading(site=site, device="north", id=str(i), at=NOON, received_at=NOON, measure=measure)
        for i, measure in enumerate(measures)
    ]
    said = Occupancy(site=site, version=version, people=version, as_of=NOON)
    return Snapshot(tally=add(Tally(site=site), readings), said=said)


async def test_what_was_saved_is_there_after_a_restart(snapshots: Snapshots, url: str) -> None:
    assert await snapshots.save([(None, snapshot(1))]) == set()
    assert await snapshots.save([(snapshot(1), snapshot(2))]) == set()
    await snapshots.close()
    again = Snapshots(url)
    await again.open()
    assert await again.load() == {SITE: snapshot(2)}
    assert await again.load([SiteCode("other")]) == {}
    await again.close()


@pytest.mark.parametrize("believed", [None, 1, 3])
async def test_of_two_who_write_at_once_one_is_told(snapshots: Snapshots, believed: int | None) -> None:
    await snapshots.save([(None, snapshot(1))])
    await snapshots.save([(snapshot(1), snapshot(2))])
    other = SiteCode("E1320700002")
    stale = snapshot(believed) if believed else None
    assert await snapshots.save([(stale, snapshot(4)), (None, snapshot(1, other))]) == {SITE}
    assert await snapshots.load() == {SITE: snapshot(2), other: snapshot(1, other)}


async def test_what_an_earlier_version_left_is_gone_and_nothing_else(snapshots: Snapshots, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(
            text(
                "CREATE TABLE occupancy_snapshots (site VARCHAR(32) PRIMARY KEY, body BLOB)".replace(
                    "BLOB", "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
                )
            )
        )
    await snapshots.save([(None, snapshot(1))])
    await snapshots.forget_earlier()
    await snapshots.forget_earlier()
    assert "occupancy_snapshots" not in inspect(engine).get_table_names()
    engine.dispose()
    assert await snapshots.load() == {SITE: snapshot(1)}
