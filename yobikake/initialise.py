"""`yobikake init`: settings, keys and database of a new hub. Repeating it mends what is missing, and
changes nothing that is there."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import DBAPIError

from hub import city as cities
from hub import keys as key_files
from hub import settings
from hub.city import City
from hub.disk import is_full
from hub.errors import BadInput, BadSettings, Refused
from hub.ledger import Ledger, deployment, migrations, tables, trouble
from hub.outbound import Deployment
from yobikake.assembly import city_folder, shipped_cities

SETTINGS = "yobikake.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made, for the person who ran it to read."""

    settings_file: Path
    new_settings: bool
    new_keys: bool
    deployment: Deployment
    city: City


async def initialise(folder: Path, city: str | None, kind: Deployment, *, at: datetime) -> Made:
    """Make whatever is missing of a hub in `folder`. `city` None: the one of the settings that are there,
    or else the only one that was shipped.

    Raises:
        BadSettings: something that is there cannot work, or cannot be written; nothing of it was changed.
        Refused: the database is of another kind or city.
    """
    path = folder / SETTINGS
    wanted = _named(city) if city else None
    if wanted is not None:
        cities.load(city_folder(wanted))  # before anything is written
    with _writing():
        new_settings = _write_settings(path, wanted)
        found = settings.load(path)
        if wanted is not None and str(city_folder(wanted)) != str(city_folder(found.city)):
            raise BadSettings(
                "--city", f"{path} names another one, {found.city!r} / 設定ファイルには別の市が書いてあります"
            )
        known_city = cities.load(city_folder(found.city))
        found.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")  # keys and data never belong in a repository
        new_keys = await _establish(found, kind, known_city, at=at)
    return Made(
        settings_file=path, new_settings=new_settings, new_keys=new_keys, deployment=kind, city=known_city
    )


@asynccontextmanager
async def opened(found: settings.Settings) -> AsyncIterator[Ledger]:
    """The ledger alone, for a command that needs nothing else.

    Raises:
        BadSettings: it cannot be opened, was never initialised, or belongs to another city.
    """
    _require_file(found)
    async with _connected(found) as ledger:
        await ledger.read(deployment.read)
        city = cities.load(city_folder(found.city))
        owner = await ledger.read(_city_code)
        if owner != city.code_with_check:
            raise BadSettings(
                "[ledger] url",
                f"the database belongs to city {owner}, and `city` names {city.code_with_check} / "
                "データベースは別の市のものです",
            )
        yield ledger


async def refuse_placeholders(found: settings.Settings) -> None:
    """A hub in production gives residents numbers that somebody answers.

    Raises:
        Refused: the city's contact was invented; says where to write the real one.
    """
    async with opened(found) as ledger:
        kind = await ledger.read(deployment.read)
    if kind is Deployment.PRODUCTION and cities.load(city_folder(found.city)).contact.placeholder:
        raise Refused(PLACEHOLDER)


PLACEHOLDER = (
    "city.toml [contact] placeholder: the telephone numbers are invented, and residents would call them. "
    "Copy the city's folder, write the real ones, set placeholder = false, and name the folder as `city` in "
    "the settings / 問い合わせ先が架空のままです。本物を書いて placeholder = false にしてください"
)


def _named(city: str) -> str:
    """As it is written into the settings, which lie elsewhere than where the command was given."""
    shipped = city.isidentifier() and (resources.files("config") / city).is_dir()
    return city if shipped else str(Path(city).absolute())


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise BadSettings(
            str(e.filename), f"cannot be written: {e.strerror} / 書き込めません。権限を確認してください"
        ) from e


def _write_settings(path: Path, city: str | None) -> bool:
    """From the example, whole or not at all; False when there are some already."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    example = (resources.files("config") / "city.example.toml").read_text(encoding="utf-8")
    new = path.with_suffix(".new")
    new.write_text(
        example.replace('"{city}"', json.dumps(city or _only_city(), ensure_ascii=False)), encoding="utf-8"
    )
    new.replace(path)
    return True


def _only_city() -> str:
    shipped = shipped_cities()
    if len(shipped) != 1:
        raise BadInput("--city", f"is one of {', '.join(shipped)}, or a folder / 市を指定してください")
    return shipped[0]


async def _establish(found: settings.Settings, kind: Deployment, city: City, *, at: datetime) -> bool:
    """The database, then the keys, then what both are for. True when the keys were made."""

    def work(conn: Connection) -> None:
        deployment.establish(conn, kind, city.code_with_check, at=at)

    async with _connected(found) as ledger:
        established = await ledger.read(_city_code) is not None
        if established:
            await ledger.write(work)  # refuses before anything is changed
        try:
            await asyncio.to_thread(migrations.upgrade, found.ledger_url)
        except CommandError as e:
            raise BadSettings("[ledger] url", NEWER) from e
        new_keys = not any(found.keys.glob("*.key"))
        if new_keys and established:
            raise BadSettings(
                str(found.keys),
                "holds no keys, and the database was written with some: put the backup back; new ones would "
                "open nothing / 鍵がありません。バックアップから戻してください",
            )
        if new_keys:
            await asyncio.to_thread(_make_keys, found.keys)
        key_files.load(found.keys)
        await ledger.write(work)
    return new_keys


NEWER = (
    "the database was made by a newer version of this program; install that one / "
    "データベースは新しい版のものです。新しい版を入れてください"
)


def _make_keys(directory: Path) -> None:
    """All of them or none: what a set lacks cannot be told from what was lost."""
    new = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # never in use: it would have been renamed
    key_files.create(new)
    os.replace(new, directory)


@asynccontextmanager
async def _connected(found: settings.Settings) -> AsyncIterator[Ledger]:
    ledger = Ledger(found.ledger_url)
    try:
        await ledger.open()
        yield ledger
    except DBAPIError as e:
        if is_full(e):
            raise trouble.said(e) from e
        reason = str(e.orig).strip().partition("\n")[0]
        raise BadSettings(
            "[ledger] url", f"the database failed: {reason} / データベースでエラーが起きました"
        ) from e
    finally:
        await ledger.close()


def _require_file(found: settings.Settings) -> None:
    """Opening an SQLite file that is not there would make one."""
    if not found.ledger.url and not (found.data / "ledger.db").is_file():
        raise BadSettings(
            str(found.data / "ledger.db"),
            "is not there; run `yobikake init` / ありません。yobikake init を実行してください",
        )


def _city_code(conn: Connection) -> str | None:
    """None: the database was never given to a hub."""
    if not inspect(conn).has_table("deployment"):
        return None
    return conn.execute(select(tables.deployment.c.city_code)).scalar_one_or_none()
