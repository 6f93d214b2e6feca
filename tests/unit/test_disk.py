"""Room on the disk: said beforehand, refused when there is too little, and never a traceback."""

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy.exc import DataError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from hub import disk
from hub.disk import Disk, Room
from hub.errors import DatabaseAway, DiskFull
from hub.ledger import trouble
from operator_ui.words import one_language


def with_free(share: float, monkeypatch: pytest.MonkeyPatch, folder: Path, *, limit: float = 0.10) -> Disk:
    """A file system of 1,000 blocks, 50 of which are root's."""
    free = round(950 * share)
    found = SimpleNamespace(f_blocks=1000, f_bfree=free + 50, f_bavail=free)
    monkeypatch.setattr(disk.os, "statvfs", lambda _: found)
    return Disk(folder, limit=limit)


@pytest.mark.parametrize(
    ("free", "room"),
    [
        (0.5, Room.ENOUGH),
        (0.16, Room.ENOUGH),
        (0.14, Room.LITTLE),
        (0.11, Room.LITTLE),
        (0.09, Room.TOO_LITTLE),
    ],
)
def test_staff_hear_of_it_before_anything_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, room: Room
) -> None:
    assert with_free(free, monkeypatch, tmp_path).room() is room


def test_a_limit_of_nothing_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = with_free(0.0, monkeypatch, tmp_path, limit=0)
    full.refuse_new()
    assert full.room() is Room.ENOUGH


def test_the_refusal_says_in_both_languages_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DiskFull) as refused:
        with_free(0.06, monkeypatch, tmp_path).refuse_new()
    japanese, english = (one_language(refused.value.message, language) for language in ("ja", "en"))
    assert japanese != english
    for said in (japanese, english):
        assert "6%" in said
        assert "10%" in said
        assert str(tmp_path) in said


async def test_staff_are_paged_while_there_is_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[tuple[str, str]] = []
    for free in (0.5, 0.12):
        await disk.watch(with_free(free, monkeypatch, tmp_path), lambda *page: pages.append(page))
    ((topic, text),) = pages
    assert topic == "disk"
    assert "12%" in text


def test_it_is_measured_as_df_does(tmp_path: Path) -> None:
    """Also of a folder that is not there yet."""
    found = os.statvfs(tmp_path)
    usable = found.f_blocks - found.f_bfree + found.f_bavail
    assert Disk(tmp_path / "not" / "yet", limit=0.1).free() == pytest.approx(
        found.f_bavail / usable, abs=0.05
    )


def test_a_database_that_is_full_really_says_so(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "small.db")
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE t (x BLOB)")
    with pytest.raises(sqlite3.OperationalError) as full:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    error = OperationalError("insert", {}, full.value)
    assert disk.is_full(error)
    with pytest.raises(DiskFull, match="空きを増やして"), trouble.told():
        raise error


def test_so_does_postgresql() -> None:
    assert disk.is_full(OperationalError("insert", {}, psycopg.errors.DiskFull()))
    assert not disk.is_full(OperationalError("insert", {}, psycopg.errors.AdminShutdown()))


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("commit", {}, psycopg.errors.AdminShutdown()),
        OperationalError("commit", {}, sqlite3.OperationalError("database is locked")),
        InternalError("insert", {}, psycopg.errors.ReadOnlySqlTransaction()),
        NoConnection("QueuePool limit"),
    ],
)
def test_a_database_that_is_away_leaves_open_what_it_did(error: Exception) -> None:
    with pytest.raises(DatabaseAway, match="二重には送りません"), trouble.told():
        raise error


def test_a_fault_of_ours_is_none_of_the_databases() -> None:
    with pytest.raises(DataError), trouble.told():
        raise DataError("insert", {}, sqlite3.DataError("too large"))
