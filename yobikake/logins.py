"""The people who may sign in, from the command line. Every change is audited; nothing is deleted."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from hub import keys as key_files
from hub.authorise import SYSTEM, Role
from hub.errors import BadInput
from hub.ledger import accounts, audit
from hub.ledger.accounts import Account
from hub.settings import Settings
from yobikake.initialise import opened


async def add(
    found: Settings, *, login: str, name: str, password: str, roles: frozenset[Role], at: datetime
) -> None:
    """Add somebody who may sign in.

    Raises:
        Conflict: the login is taken.
        BadInput: the password is too weak, the login or the name is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", login):
        raise BadInput(
            "login", "has letters, digits and . _ - only / 半角の英数字と . _ - だけを使ってください"
        )
    if not name.strip() or not name.isprintable():
        raise BadInput("name", "is empty or cannot be shown / 氏名を書いてください")
    stored = await _hashed(password, login)
    await _change(
        found,
        lambda conn: accounts.add(conn, login=login, name=name, password_hash=stored, roles=roles, at=at),
        login=login,
        action="account.add",
        at=at,
        roles=sorted(roles),
    )


async def set_password(found: Settings, *, login: str, password: str, at: datetime) -> None:
    """Also signs out everywhere. Raises `BadInput` when it is too weak, or there is no such login."""
    stored = await _hashed(password, login)
    await _change(
        found,
        lambda conn: accounts.set_password(conn, login, stored),
        login=login,
        action="account.password",
        at=at,
    )


async def disable(found: Settings, *, login: str, at: datetime) -> None:
    """Also signs out everywhere. Raises `BadInput` when there is no such login."""
    await _change(
        found,
        lambda conn: accounts.disable(conn, login, at=at),
        login=login,
        action="account.disable",
        at=at,
    )


async def everyone(found: Settings) -> list[Account]:
    """By login."""
    async with opened(found) as ledger:
        return await ledger.read(accounts.everyone)


async def _hashed(password: str, login: str) -> str:
    from operator_ui.staff import passwords  # noqa: PLC0415 - loads the hasher only where one is needed

    return await asyncio.to_thread(passwords.hashed, password, login=login)


async def _change(
    found: Settings,
    change: Callable[[Connection], None],
    *,
    login: str,
    action: str,
    at: datetime,
    **detail: object,
) -> None:
    keys = key_files.load(found.keys)

    def work(conn: Connection) -> None:
        change(conn)
        audit.append(conn, keys, at=at, actor=SYSTEM.login, action=action, subject=login, detail=detail)

    async with opened(found) as ledger:
        await ledger.write(work)
