import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from hub.ledger import Ledger, sqlite_url
from hub.testing.databases import with_schema
from hub.testing.ledger_suite import LedgerSuite


class TestSqliteLedger(LedgerSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return with_schema(tmp_path / "ledger.db")


async def test_a_write_that_fills_the_disk_takes_no_other_with_it(tmp_path: Path) -> None:
    """SQLite then gives up the whole transaction, also what others of the same commit had written."""
    ledger = Ledger(sqlite_url(tmp_path / "ledger.db"))
    await ledger.open()
    try:
        await ledger.write(lambda conn: conn.exec_driver_sql("CREATE TABLE notes (words TEXT)"))
        ends = await _together(
            ledger, _no_more_pages, _note("before"), _note("x" * 1_000_000), _note("after")
        )
        assert [type(end) for end in ends] == [type(None), str, OperationalError, str]
        assert isinstance(ends[2], OperationalError)
        assert "full" in str(ends[2])
        notes = await ledger.read(
            lambda conn: conn.exec_driver_sql("SELECT words FROM notes").scalars().all()
        )
        assert notes == ["before", "after"], "whoever was told that it is durable was told the truth"
    finally:
        await ledger.close()


async def _together(ledger: Ledger, *works: Callable[[Connection], object]) -> list[object]:
    """All in one commit: they wait behind a write that is held up."""
    go = threading.Event()
    first = asyncio.ensure_future(ledger.write(lambda _: go.wait(120)))
    writes = [asyncio.ensure_future(ledger.write(work)) for work in works]
    await asyncio.sleep(0)  # each has been given to the writer
    go.set()
    await first
    return list(await asyncio.gather(*writes, return_exceptions=True))


def _no_more_pages(conn: Connection) -> None:
    pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")


def _note(words: str) -> Callable[[Connection], str]:
    def work(conn: Connection) -> str:
        conn.exec_driver_sql("INSERT INTO notes VALUES (?)", (words,))
        return words

    return work
