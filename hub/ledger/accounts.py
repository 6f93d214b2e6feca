"""Accounts of staff, and their sessions. Holds hashes only: neither a password nor a session's token."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from hub.authorise import Actor, Role
from hub.errors import BadInput, Conflict
from hub.ledger import tables

_accounts = tables.accounts.c
_sessions = tables.sessions.c


class Account(NamedTuple):
    """`disabled_at`: since when nobody signs in with it. Accounts are never deleted: the audit names them."""

    id: int
    actor: Actor
    password_hash: str
    disabled_at: datetime | None


class Session(NamedTuple):
    """Somebody signed in. `csrf` stands in every form of the session."""

    actor: Actor
    csrf: str


def add(
    conn: Connection,
    *,
    login: str,
    name: str,
    password_hash: str,
    roles: frozenset[Role],
    at: datetime,
) -> None:
    """Raises `Conflict` when the login is taken."""
    if find(conn, login) is not None:
        raise Conflict(f"the login {login} is taken / ログイン名 {login} はもう使われています")
    conn.execute(
        insert(tables.accounts).values(
            login=login, name=name, password_hash=password_hash, roles=_written(roles), created_at=at
        )
    )


def find(conn: Connection, login: str) -> Account | None:
    row = conn.execute(select(tables.accounts).where(_accounts.login == login)).first()
    return _account(row) if row else None


def everyone(conn: Connection) -> list[Account]:
    """By login."""
    return [_account(row) for row in conn.execute(select(tables.accounts).order_by(_accounts.login))]


def set_password(conn: Connection, login: str, password_hash: str) -> None:
    """Also signs out everywhere. Raises `BadInput` when there is no such account."""
    _change(conn, login, password_hash=password_hash)


def disable(conn: Connection, login: str, *, at: datetime) -> None:
    """Also signs out everywhere. Raises `BadInput` when there is no such account."""
    _change(conn, login, disabled_at=at)


def open_session(
    conn: Connection, account: int, *, token_hash: bytes, csrf: str, at: datetime, expires_at: datetime
) -> None:
    """Sessions that have expired are removed on the way."""
    conn.execute(delete(tables.sessions).where(_sessions.expires_at <= at))
    conn.execute(
        insert(tables.sessions).values(
            token_hash=token_hash, account=account, csrf=csrf, created_at=at, expires_at=expires_at
        )
    )


def session(conn: Connection, token_hash: bytes, *, at: datetime) -> Session | None:
    """None when there is none, it has expired, or the account was disabled."""
    row = conn.execute(
        select(_sessions.csrf, _accounts.login, _accounts.name, _accounts.roles)
        .join(tables.accounts, _accounts.id == _sessions.account)
        .where(_sessions.token_hash == token_hash, _sessions.expires_at > at, _accounts.disabled_at.is_(None))
    ).first()
    return Session(_actor(row), row.csrf) if row else None


def end_session(conn: Connection, token_hash: bytes) -> None:
    conn.execute(delete(tables.sessions).where(_sessions.token_hash == token_hash))


def _change(conn: Connection, login: str, **values: object) -> None:
    account = find(conn, login)
    if account is None:
        raise BadInput("login", f"there is no account {login} / アカウント {login} はありません")
    conn.execute(update(tables.accounts).where(_accounts.id == account.id).values(**values))
    conn.execute(delete(tables.sessions).where(_sessions.account == account.id))


def _account(row: Row[Any]) -> Account:
    return Account(row.id, _actor(row), row.password_hash, row.disabled_at)


def _actor(row: Any) -> Actor:
    roles = frozenset(Role(role) for role in row.roles.split(",") if role)
    return Actor(login=row.login, name=row.name, roles=roles)


def _written(roles: frozenset[Role]) -> str:
    return ",".join(sorted(roles))
