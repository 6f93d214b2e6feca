"""`yobikake init`: settings, keys and database of a new hub. Repeating it mends what is missing, and
changes nothing that is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection

from hub import city as cities
from hub import keys as key_files
from hub import settings
from hub.authorise import SYSTEM, Role
from hub.ledger import Ledger, accounts, audit, deployment, migrations
from hub.outbound import Deployment
from operator_ui.staff import passwords
from yobikake.assembly import city_folder

SETTINGS = "yobikake.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made, for the person who ran it to read."""

    settings_file: Path
    new_settings: bool
    new_keys: bool
    deployment: Deployment


def write_settings(folder: Path, city: str) -> bool:
    """`yobikake.toml` from the example; False when there is one already."""
    path = folder / SETTINGS
    if path.exists():
        return False
    folder.mkdir(parents=True, exist_ok=True)
    example = (resources.files("config") / "city.example.toml").read_text(encoding="utf-8")
    path.write_text(example.replace("{city}", city), encoding="utf-8")
    return True


async def initialise(folder: Path, city: str, kind: Deployment, *, at: datetime) -> Made:
    """Make whatever is missing of a hub in `folder`.

    Raises:
        BadSettings: the settings that are there cannot work.
        Refused: the database is of another kind or city.
    """
    new_settings = write_settings(folder, city)
    found = settings.load(folder / SETTINGS)
    known_city = cities.load(city_folder(found.city))
    found.data.mkdir(parents=True, exist_ok=True)
    new_keys = not any(found.keys.glob("*.key"))
    if new_keys:
        key_files.create(found.keys)
    await asyncio.to_thread(migrations.upgrade, found.ledger_url)
    ledger = Ledger(found.ledger_url)
    await ledger.open()
    try:
        await ledger.write(lambda conn: deployment.establish(conn, kind, known_city.code_with_check, at=at))
    finally:
        await ledger.close()
    return Made(
        settings_file=folder / SETTINGS, new_settings=new_settings, new_keys=new_keys, deployment=kind
    )


async def add_account(
    found: settings.Settings, *, login: str, name: str, password: str, roles: frozenset[Role], at: datetime
) -> None:
    """Add somebody who may sign in.

    Raises:
        Conflict: the login is taken.
        BadInput: the password is too weak.
    """
    stored = await asyncio.to_thread(passwords.hashed, password, login=login)
    known = key_files.load(found.keys)

    def work(conn: Connection) -> None:
        accounts.add(conn, login=login, name=name, password_hash=stored, roles=roles, at=at)
        audit.append(
            conn,
            known,
            at=at,
            actor=SYSTEM.login,
            action="account.add",
            subject=login,
            detail={"roles": sorted(roles)},
        )

    async with opened(found) as ledger:
        await ledger.write(work)


async def has_accounts(found: settings.Settings) -> bool:
    async with opened(found) as ledger:
        return bool(await ledger.read(accounts.everyone))


@asynccontextmanager
async def opened(found: settings.Settings) -> AsyncIterator[Ledger]:
    """The ledger alone, for a command that needs nothing else.

    Raises:
        BadSettings: it cannot be opened, or was never initialised.
    """
    ledger = Ledger(found.ledger_url)
    await ledger.open()
    try:
        await ledger.read(deployment.read)
        yield ledger
    finally:
        await ledger.close()
