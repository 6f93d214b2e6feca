"""Tables beside the ledger: made once, completed by a later version of the hub, left alone by an earlier one."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, inspect, select

from hub.errors import BadSettings
from shelters import book_rows, history, snapshots
from shelters.device_book import DeviceBook
from shelters.intake import Vital
from shelters.sensors.counting import OCCUPIED, Condition
from shelters.side_database import engine, make_tables


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'occupancy.db'}"
    return str(request.getfixturevalue("database_url"))


def tables(version: int, *more: Column[object], before: Table | None = None) -> MetaData:
    made = MetaData()
    if before is not None:
        before.to_metadata(made)
    Table(
        "seen", made, Column("id", Integer, primary_key=True), Column("what", String(8), nullable=False),
        *more, info={"version": version},
    )  # fmt: skip
    return made


def later() -> MetaData:
    return tables(2, Column("why", String(8)), Column("often", Integer, nullable=False, server_default="3"))


def test_a_later_version_adds_its_columns_and_what_is_there_stays(url: str) -> None:
    made = engine(url)
    make_tables(made, old := tables(1))
    with made.begin() as conn:
        conn.execute(insert(old.tables["seen"]).values(id=1, what="first"))
    for _ in range(2):
        make_tables(made, new := later())
    with made.connect() as conn:
        assert conn.execute(select(new.tables["seen"])).all() == [(1, "first", None, 3)]
    made.dispose()


def test_an_earlier_version_says_so_and_makes_nothing(url: str) -> None:
    made = engine(url, reads_first=False)
    make_tables(made, later())
    another = Table("another", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(BadSettings, match=r"table seen.*form 2; this one knows 1.*その版"):
        make_tables(made, tables(1, before=another))
    with made.connect() as conn:
        assert not inspect(conn).has_table("another")
    made.dispose()


async def test_several_may_complete_it_at_once(url: str) -> None:
    engines = [engine(url, reads_first=each % 2 == 0) for each in range(4)]
    make_tables(engines[0], tables(1))
    await asyncio.gather(*(asyncio.to_thread(make_tables, each, later()) for each in engines))
    with engines[0].connect() as conn:
        assert {column["name"] for column in inspect(conn).get_columns("seen")} == {
            "id",
            "what",
            "why",
            "often",
        }
    for each in engines:
        each.dispose()


FORMS = {
    "occupancy_beliefs": (1, {"site", "version", "body"}),
    "occupancy_history": (1, {"site", "slot", "people", "margin"}),
    "sensor_alarms": (1, {"device", "name", "at", "ended_at"}),
    "sensor_devices": (
        2, {"device", "heard_at", "what", "battery", "volts", "trouble", "refused", "refused_at", "passed", "presence"},
    ),
    "sensor_quarantine": (1, {"id", "at", "device", "place", "reason", "body"}),
    "sensor_strangers": (1, {"address", "heard_at"}),
}  # fmt: skip
"""Of every table: its version and its columns. Whoever changes the columns raises the version, or an older hub takes
what it does not know for its own."""


def test_other_columns_are_another_version() -> None:
    found = [
        table
        for module in (book_rows.METADATA, history._metadata, snapshots._metadata)
        for table in module.sorted_tables
    ]
    assert {
        table.name: (table.info.get("version", 1), {column.name for column in table.columns})
        for table in found
    } == FORMS


async def test_a_book_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'occupancy.db'}"
    made = engine(url)
    devices = book_rows.METADATA.tables["sensor_devices"]
    earlier = MetaData()
    Table(
        "sensor_devices",
        earlier,
        *(column._copy() for column in devices.columns if column.name != "presence"),
    )
    with made.begin() as conn:
        earlier.create_all(conn)
        conn.execute(
            insert(earlier.tables["sensor_devices"]).values(
                device="north", what="reading", trouble="", refused=3
            )
        )
    made.dispose()
    now = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
    async with DeviceBook(url, clock=lambda: now).kept() as book:
        seen = Condition(presence=OCCUPIED)
        book.hear([Vital(device="north", what="uplink", condition=seen)])
        (known,) = (await book.known()).values()
        assert (known.refused, known.presence) == (3, OCCUPIED)
