"""Accounts of staff, and their sessions. Holds hashes only: neither a password nor a token of a session or link."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update

from hub.authorise import Actor, Role
from hub.errors import BadInput, Conflict, Refused
from hub.hazard import Hazard
from hub.ledger import tables

NO_PASSWORD = "!"  # noqa: S105 - no hash: nobody signs in with it
"""Stands for the hash of whoever has not chosen a password yet."""

_accounts = tables.accounts.c
_sessions = tables.sessions.c


class Account(NamedTuple):
    """`disabled_at`: since when nobody signs in with it. Accounts are never deleted: the audit names them.

    `reviewed_at`, `reviewed_by`: when somebody last said that it is still needed.
    """

    id: int
    actor: Actor
    password_hash: str
    created_at: datetime
    disabled_at: datetime | None
    last_sign_in: datetime | None
    reviewed_at: datetime | None
    reviewed_by: str | None

    @property
    def usable(self) -> bool:
        """Whether a password signs in with it."""
        return self.disabled_at is None and self.password_hash != NO_PASSWORD


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
    department: str = "",
    hazards: frozenset[Hazard] = frozenset(),
) -> None:
    """Raises `Conflict` when the login is taken."""
    if find(conn, login) is not None:
        raise Conflict(f"the login {login} is taken / ログイン名 {login} はもう使われています")
    conn.execute(
        insert(tables.accounts).values(
            login=login,
            name=name,
            password_hash=password_hash,
            roles=_written(roles),
            department=department,
            hazards=_written(hazards),
            created_at=at,
        )
    )


def find(conn: Connection, login: str) -> Account | None:
    row = conn.execute(select(tables.accounts).where(_accounts.login == login)).first()
    return _account(row) if row else None


def get(conn: Connection, login: str) -> Account:
    """Raises `BadInput` when there is no such account."""
    account = find(conn, login)
    if account is None:
        raise BadInput("login", f"there is no account {login} / アカウント {login} はありません")
    return account


def everyone(conn: Connection) -> list[Account]:
    """By login."""
    return [_account(row) for row in conn.execute(select(tables.accounts).order_by(_accounts.login))]


def change(conn: Connection, actor: Actor) -> None:
    """Give the account of that login this name, these roles, this department and these limits; they hold from the
    next page on. Raises `BadInput` when there is no such account.
    """
    _set(
        conn,
        actor.login,
        name=actor.name,
        roles=_written(actor.roles),
        department=actor.department,
        hazards=_written(actor.hazards),
    )


def set_password(conn: Connection, login: str, password_hash: str) -> None:
    """Also signs out everywhere, and ends a one-time link. Raises `BadInput` when there is no such account."""
    _set(conn, login, password_hash=password_hash, link_hash=None, link_until=None)
    _sign_out(conn, login)


def disable(conn: Connection, login: str, *, at: datetime) -> None:
    """Also signs out everywhere, and ends a one-time link. Raises `BadInput` when there is no such account."""
    _set(conn, login, disabled_at=at, link_hash=None, link_until=None)
    _sign_out(conn, login)


def keep_an_admin(conn: Connection) -> None:
    """Raises `Refused` when nobody is left who administers accounts: the change before it is not to be committed."""
    if not any(Role.ADMIN in each.actor.roles and each.disabled_at is None for each in everyone(conn)):
        raise Refused(
            "アカウントを管理する人がいなくなります / Nobody would be left who administers accounts"
        )


def enable(conn: Connection, login: str) -> None:
    """As before it was disabled, with the same password. Raises `BadInput` when there is no such account."""
    _set(conn, login, disabled_at=None)


def review(conn: Connection, login: str, *, at: datetime, by: str) -> None:
    """Say that it is still needed. Raises `BadInput` when there is no such account."""
    _set(conn, login, reviewed_at=at, reviewed_by=by)


def offer_link(conn: Connection, login: str, token_hash: bytes, *, until: datetime) -> None:
    """A link with which its holder chooses a password, once. The one before it ends; the password stays until then.

    Raises:
        BadInput: there is no such account.
        Refused: it is disabled.
    """
    if get(conn, login).disabled_at is not None:
        raise Refused("止めているアカウントです / This account is locked")
    _set(conn, login, link_hash=token_hash, link_until=until)


def by_link(conn: Connection, token_hash: bytes, *, at: datetime) -> Account | None:
    """Whose one-time link this is; None: nobody's, used, or over."""
    row = conn.execute(
        select(tables.accounts).where(
            _accounts.link_hash == token_hash, _accounts.link_until > at, _accounts.disabled_at.is_(None)
        )
    ).first()
    return _account(row) if row else None


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
    conn.execute(update(tables.accounts).where(_accounts.id == account).values(last_sign_in=at))


def session(conn: Connection, token_hash: bytes, *, at: datetime) -> Session | None:
    """None when there is none, it has expired, or the account was disabled."""
    row = conn.execute(
        select(
            _sessions.csrf,
            _accounts.login,
            _accounts.name,
            _accounts.roles,
            _accounts.department,
            _accounts.hazards,
        )
        .join(tables.accounts, _accounts.id == _sessions.account)
        .where(_sessions.token_hash == token_hash, _sessions.expires_at > at, _accounts.disabled_at.is_(None))
    ).first()
    return Session(_actor(row), row.csrf) if row else None


def end_session(conn: Connection, token_hash: bytes) -> None:
    conn.execute(delete(tables.sessions).where(_sessions.token_hash == token_hash))


def _set(conn: Connection, login: str, **values: object) -> None:
    get(conn, login)
    conn.execute(update(tables.accounts).where(_accounts.login == login).values(**values))


def _sign_out(conn: Connection, login: str) -> None:
    account = select(_accounts.id).where(_accounts.login == login).scalar_subquery()
    conn.execute(delete(tables.sessions).where(_sessions.account == account))


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        actor=_actor(row),
        password_hash=row.password_hash,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        last_sign_in=row.last_sign_in,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
    )


def _actor(row: Any) -> Actor:
    return Actor(
        login=row.login,
        name=row.name,
        roles=frozenset(Role(role) for role in row.roles.split(",") if role),
        department=row.department,
        hazards=frozenset(Hazard(hazard) for hazard in row.hazards.split(",") if hazard),
    )


def _written(values: frozenset[Role] | frozenset[Hazard]) -> str:
    return ",".join(sorted(values))
