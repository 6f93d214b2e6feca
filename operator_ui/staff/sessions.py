"""Signing in and staying signed in: a random token in a cookie, of which the ledger keeps the hash."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Actor
from hub.clock import Clock
from hub.errors import Conflict, Forbidden
from hub.keys import Keys
from hub.ledger import Ledger, accounts, audit
from hub.ledger.accounts import Session
from operator_ui.places import Full, Places
from operator_ui.staff import passwords
from operator_ui.throttle import Throttle

log = structlog.get_logger(__name__)

COOKIE = "yobikake"
LASTS = timedelta(hours=12)
LINK_LASTS = timedelta(hours=24)
_AT_ONCE = 2
"""Passwords checked at once: each takes 64 MiB and a core for a moment."""
_MOST_WAITING = 16
"""Sign-ins under way: what the two at once check in some two seconds."""
_MOST_OF_ONE_SENDER = 8
"""Of these: so that nobody takes every place. A whole city hall may come from one address."""


class TooMany(Forbidden):
    """Too many wrong passwords; it is worth trying again later."""


class Sessions:
    def __init__(self, *, ledger: Ledger, keys: Keys, clock: Clock, https: bool) -> None:
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._https = https
        self._checking = asyncio.Semaphore(_AT_ONCE)
        self._places = Places(total=_MOST_WAITING, of_one=_MOST_OF_ONE_SENDER)
        # Per login and sender, so that nobody locks a colleague out; per login, so that many senders do
        # not help; per sender, so that many logins do not.
        self._by_both = Throttle(clock=clock, free=5, longest=timedelta(minutes=1))
        self._by_login = Throttle(clock=clock, free=50, longest=timedelta(seconds=10))
        self._by_sender = Throttle(clock=clock, free=30, longest=timedelta(seconds=10))

    async def sign_in(self, login: str, password: str, *, sender: str) -> str:
        """The token of a new session.

        Raises:
            Forbidden: wrong login or password; does not say which.
            TooMany: wait.
        """
        paces = self._paces(login, sender)
        _check_pace(paces)
        with self._place(sender):
            account = await self._ledger.read(lambda conn: accounts.find(conn, login))
            stored = account.password_hash if account and account.usable else None
            async with self._checking:
                right = await _verified(stored, password, paces)
        if account is None or not right:
            log.warning("sign-in refused", sender=sender)
            raise Forbidden("ログイン名かパスワードが違います / The login or the password is wrong")
        self._by_both.succeeded(_key(login, sender))
        return await self._open(account)

    async def who(self, token: str | None) -> Session | None:
        """Whose session this is; None: nobody's, or over."""
        if not token:
            return None
        return await self._ledger.read(lambda conn: accounts.session(conn, _hash(token), at=self._clock()))

    async def change_password(self, actor: Actor, current: str, new: str, *, sender: str) -> str:
        """Signs out everywhere, and in again here: the token of the new session.

        Raises:
            Forbidden: `current` is wrong.
            TooMany: wait.
            BadInput: `new` is too weak.
        """
        paces = self._paces(actor.login, sender)
        _check_pace(paces)
        with self._place(sender):
            account = await self._ledger.read(lambda conn: accounts.get(conn, actor.login))
            async with self._checking:
                if not await _verified(account.password_hash, current, paces):
                    raise Forbidden("いまのパスワードが違います / The present password is wrong")
                stored = await asyncio.to_thread(passwords.hashed, new, login=actor.login)

        def work(conn: Connection) -> None:
            accounts.set_password(conn, actor.login, stored)
            self._audit(conn, actor, "account.password")

        await self._ledger.write(work)
        return await self._open(account)

    async def offer_link(self, login: str, by: Actor) -> str:
        """The token of a link with which `login` chooses a password, once, within `LINK_LASTS`. Until it is used
        the password stays.

        Raises:
            BadInput: there is no such account.
            Refused: it is locked.
        """
        token = secrets.token_urlsafe(32)

        def work(conn: Connection) -> None:
            accounts.offer_link(conn, login, _hash(token), until=self._clock() + LINK_LASTS)
            self._audit(conn, by, "account.link", login)

        await self._ledger.write(work)
        return token

    async def by_link(self, token: str) -> accounts.Account | None:
        """Whose one-time link this is; looking does not use it up, since mail scanners look too."""
        return await self._ledger.read(lambda conn: accounts.by_link(conn, _hash(token), at=self._clock()))

    async def use_link(self, token: str, new: str) -> None:
        """Choose a password with it.

        Raises:
            Conflict: the link was used, or is over.
            BadInput: `new` is too weak.
        """
        account = await self.by_link(token)
        if account is None:
            raise _link_over()
        async with self._checking:
            stored = await asyncio.to_thread(passwords.hashed, new, login=account.actor.login)

        def work(conn: Connection) -> None:
            if accounts.by_link(conn, _hash(token), at=self._clock()) is None:
                raise _link_over()
            accounts.set_password(conn, account.actor.login, stored)
            self._audit(conn, account.actor, "account.password")

        await self._ledger.write(work)

    async def sign_out(self, token: str, actor: Actor) -> None:
        def work(conn: Connection) -> None:
            accounts.end_session(conn, _hash(token))
            self._audit(conn, actor, "session.close")

        await self._ledger.write(work)

    def remember(self, response: web.StreamResponse, token: str) -> None:
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._https,
            path="/",
        )

    def forget(self, response: web.StreamResponse) -> None:
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=self._https)

    @contextmanager
    def _place(self, sender: str) -> Iterator[None]:
        try:
            with self._places.take(sender):
                yield
        except Full as e:
            raise TooMany(
                "サインインが集中しています。少し待ってからやり直してください / "
                "Many are signing in right now: wait a moment, then try again"
            ) from e

    def _paces(self, login: str, sender: str) -> "_Paces":
        return (
            (self._by_both, _key(login, sender)),
            (self._by_login, _key(login)),
            (self._by_sender, _key(sender)),
        )

    async def _open(self, account: accounts.Account) -> str:
        token, now = secrets.token_urlsafe(32), self._clock()

        def work(conn: Connection) -> None:
            accounts.open_session(
                conn,
                account.id,
                token_hash=_hash(token),
                csrf=secrets.token_urlsafe(32),
                at=now,
                expires_at=now + LASTS,
            )
            self._audit(conn, account.actor, "session.open")

        await self._ledger.write(work)
        return token

    def _audit(self, conn: Connection, actor: Actor, action: str, subject: str = "") -> None:
        audit.append(
            conn,
            self._keys,
            at=self._clock(),
            actor=actor.login,
            action=action,
            subject=subject or actor.login,
        )


_Paces = tuple[tuple[Throttle, str], ...]


async def _verified(stored: str | None, password: str, paces: _Paces) -> bool:
    """Counts as a failure from before it is checked until it is known not to be one: guesses that came
    together do not all pass, and one that hangs up has failed."""
    _check_pace(paces)
    for throttle, key in paces:
        throttle.failed(key)
    right = await asyncio.to_thread(passwords.verified, stored, password)
    if right:
        for throttle, key in paces:
            throttle.take_back(key)
    return right


def _link_over() -> Conflict:
    return Conflict(
        "このリンクは使えません（使用済みか期限切れ）。管理者にもう一度頼んでください / "
        "This link was used or is over: ask your administrator for another"
    )


def _check_pace(paces: _Paces) -> None:
    wait = max(throttle.wait(key) for throttle, key in paces)
    if wait:
        seconds = int(wait.total_seconds()) + 1
        raise TooMany(
            f"まちがいが続いたため、{seconds}秒待ってからやり直してください / "
            f"Too many tries: wait {seconds} seconds, then try again"
        )


def _key(*parts: str) -> str:
    """Short, however long a login somebody sends."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
