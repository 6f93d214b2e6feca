"""`yobikake init` and `yobikake account`: what a newcomer gets wrong is said, and nothing is left half made."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub import settings
from tests.integration.command_line import PASSWORD, account, add, change, hub, run

NOBODY = 65534


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    account(made, "sato")
    before = contents(made.parent)
    said = run("init", made.parent)
    assert (said.code, said.err) == (0, "")
    assert "was there" in said.out
    assert contents(made.parent) == before


def test_what_it_makes_is_for_the_hub_alone(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    private = [made.parent / "keys", made.parent / "data", *(made.parent / "keys").iterdir()]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


@pytest.mark.parametrize("lost", [["data"], ["data", "keys"], ["yobikake.toml", "data"], ["data/ledger.db"]])
def test_init_mends_what_is_missing(tmp_path: Path, lost: list[str]) -> None:
    made = hub(tmp_path / "a")
    for each in lost:
        path = made.parent / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert run("init", made.parent, "--without-account").code == 0
    assert run("alerts", "-s", made).code == 0


def test_keys_left_by_an_init_that_was_killed_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a" / "keys.new").mkdir(parents=True)
    (tmp_path / "a" / "keys.new" / "field-1.key").write_text("")
    made = hub(tmp_path / "a")
    assert sorted(path.name for path in (made.parent / "keys").iterdir()) == [
        "field-1.key", "index.key", "record.key",
    ]  # fmt: skip
    assert not (made.parent / "keys.new").exists()


def test_lost_keys_are_never_replaced(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    shutil.rmtree(made.parent / "keys")
    said = run("init", made.parent)
    assert said.plain
    assert "backup" in said.err
    assert not (made.parent / "keys").exists()


def test_a_rehearsal_hub_never_turns_into_production(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    before = contents(made.parent)
    said = run("init", made.parent, "--production")
    assert said.plain
    assert "rehearsal hub of city 132071" in said.err
    assert contents(made.parent) == before


def test_production_with_invented_telephone_numbers_is_warned_of(tmp_path: Path) -> None:
    said = run("init", tmp_path / "a", "--production", "--without-account")
    assert said.code == 0
    assert "placeholder" in said.err


@pytest.mark.parametrize("city", ["atlantis", "./atlantis", "..", ""])
def test_a_city_that_is_not_there_leaves_nothing_behind(tmp_path: Path, city: str) -> None:
    said = run("init", tmp_path / "a", "--city", city or str(tmp_path), "--without-account")
    assert said.plain
    assert not (tmp_path / "a").exists()


def test_a_folder_of_the_citys_own_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_city(tmp_path / "town")
    monkeypatch.chdir(tmp_path)
    made = hub(tmp_path / "a", "--city", "town")
    monkeypatch.chdir("/")
    assert run("shelters", "-s", made).code == 0
    assert settings.load(made).city == str(tmp_path / "town")


def test_a_second_init_for_another_city_is_refused(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    own_city(tmp_path / "town")
    said = run("init", made.parent, "--city", tmp_path / "town")
    assert said.plain
    assert "--city" in said.err


def test_a_broken_file_of_the_city_is_named_with_its_line(tmp_path: Path) -> None:
    town = own_city(tmp_path / "town")
    lines = (town / "towns.csv").read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace("35.", "north ", 1)
    (town / "towns.csv").write_text("\n".join(lines), encoding="utf-8")
    said = run("init", tmp_path / "a", "--city", town, "--without-account")
    assert said.code == 2
    assert "towns.csv line 4" in said.err
    assert not (tmp_path / "a").exists()


def test_settings_that_are_there_and_wrong_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "yobikake.toml").write_text('city = "akishima"')
    said = run("init", tmp_path / "a")
    assert said.plain
    assert "missing required field `data`" in said.err
    assert contents(tmp_path / "a").keys() == {"yobikake.toml"}


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    said = run("init", tmp_path / "a" / "b")
    assert said.plain
    assert str(tmp_path / "a") in said.err


def test_a_folder_that_may_not_be_written_is_named() -> None:
    with unprivileged() as folder:
        said = run("init", folder / "a", "--without-account")
    assert said.plain
    assert "Permission denied" in said.err
    assert str(folder) in said.err


def test_a_database_that_may_not_be_written_is_named() -> None:
    with unprivileged(with_hub=True) as folder:
        said = run("init", folder, "--without-account")
    assert said.code == 2
    assert str(folder / "data" / "ledger.db") in said.err


@pytest.mark.parametrize(
    ("change_of", "word"),
    [
        ({"--password": "short"}, "12"),
        ({"--password": "aaaaaaaaaaaaaaaa"}, "guess"),
        ({"--password": "i am sato, let me in"}, "guess"),
        ({"--login": "sa to"}, "login"),
        ({"--login": ""}, "login"),
        ({"--name": " "}, "name"),
    ],
)
def test_an_account_that_would_not_do_is_refused(
    tmp_path: Path, change_of: dict[str, str], word: str
) -> None:
    made = hub(tmp_path / "a")
    options = {"--login": "sato", "--name": "佐藤", "--password": PASSWORD, "--role": "composer"} | change_of
    said = run("account", "add", "-s", made, *(part for option in options.items() for part in option))
    assert said.plain
    assert word in said.err
    assert accounts(made) == []


def test_a_login_belongs_to_one_person(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    account(made, "sato")
    options = ("--login", "sato", "--name", "佐藤花子", "--password", PASSWORD, "--role", "admin")
    said = run("account", "add", "-s", made, *options)
    assert said.plain
    assert "sato" in said.err
    assert accounts(made) == ["sato"]


def test_an_unknown_right_is_answered_with_those_there_are(tmp_path: Path) -> None:
    options = ("--login", "sato", "--name", "佐藤", "--password", PASSWORD, "--role", "mayor")
    said = run("account", "add", "-s", hub(tmp_path / "a"), *options)
    assert said.code == 2
    assert "composer" in said.err


def test_a_newer_database_is_not_touched(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    with connected(made) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    said = run("init", made.parent)
    assert said.plain
    assert "newer version" in said.err


def test_a_database_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    add(made, '[ledger]\nurl = "postgresql+psycopg://yobikake:s3cret@127.0.0.1:1/yobikake"')
    said = run("init", made.parent)
    assert said.code == 2
    assert "[ledger] url" in said.err
    assert "127.0.0.1:1" in said.err
    assert "s3cret" not in said.err


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    (made.parent / "data" / "ledger.db").write_text("昭島市" * 1_000, encoding="utf-8")
    said = run("init", made.parent)
    assert said.code == 2
    assert "not a database" in said.err


def own_city(folder: Path) -> Path:
    import config

    shutil.copytree(str(config.folder("akishima")), folder, ignore=shutil.ignore_patterns("__*"))
    change(folder / "city.toml", "placeholder = true", "placeholder = false")
    return folder


def contents(folder: Path) -> dict[str, str]:
    """What lies there, but for what SQLite keeps beside a file that is open."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".db-wal", ".db-shm")
    ]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def accounts(made: Path) -> list[str]:
    with connected(made) as database:
        return [login for (login,) in database.execute("SELECT login FROM accounts")]


@contextmanager
def connected(made: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(made.parent / "data" / "ledger.db")
    try:
        with database:
            yield database
    finally:
        database.close()


@contextmanager
def unprivileged(*, with_hub: bool = False) -> Iterator[Path]:
    """As somebody who may read a folder and not write it. Root may write anything, so it steps down."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    try:
        hub(folder if with_hub else folder / "warm")  # everything it imports is loaded
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if root:
            os.seteuid(NOBODY)
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        shutil.rmtree(folder)
