"""A mailbox read by IMAP (RFC 3501): reports are marked as seen once they are durable. What is no report of
ours is marked with a flag, and stays unread for whoever looks into the mailbox.
"""

import asyncio
import imaplib
import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog

from channels.mail.intake.settings import From
from channels.mail.intake.source import LATER, Take
from hub.outbound import Outbound
from hub.secret import read_secret

log = structlog.get_logger(__name__)

AT_ONCE = 50
LARGEST = 1 << 20
TIMEOUT_S = 30.0


class Mailbox:
    """Implements `Source`. The library blocks: each step runs in a thread, one at a time."""

    def __init__(
        self,
        settings: From,
        *,
        outbound: Outbound,
        page: Callable[[str, str], None],
        setting: str = "[channels.mail.bounces_from]",
    ) -> None:
        """`setting`: where these settings stand.

        Raises `Refused` where this hub may not talk to that host, `BadSettings` for a bad password file.
        """
        outbound.allow(settings.imap, setting=f"{setting} imap")
        url = urlsplit(settings.imap)
        assert settings.username is not None  # noqa: S101 - `From` sees to it
        assert settings.password_file is not None  # noqa: S101
        self._host = url.hostname or ""
        self._tls: ssl.SSLContext | None = outbound.tls() if url.scheme == "imaps" else None
        self._port = url.port or (993 if self._tls else 143)
        self._username = settings.username
        self._password = read_secret(settings.password_file, setting=setting)
        self._setting = setting
        self._mailbox = settings.mailbox
        self._every_s = settings.every_s
        self._page = page

    async def run(self, take: Take) -> None:
        while True:
            try:
                await self._session(take)
            except imaplib.IMAP4.error as e:  # its words may repeat what we said
                log.warning("a mailbox cannot be read", setting=self._setting, error=type(e).__name__)
                self._page(
                    f"mailbox {self._setting}",
                    f"メールボックスを読めません。{self._setting} の設定とパスワードを確かめてください / "
                    f"the mailbox of {self._setting} cannot be read: check its settings and its password",
                )
            except OSError as e:
                log.warning("a mailbox is away", setting=self._setting, error=type(e).__name__)
            except Exception as e:  # whatever a server says, its next answer may be better
                log.warning("nothing can be made of a mailbox", setting=self._setting, error=type(e).__name__)
            await asyncio.sleep(self._every_s)

    async def _session(self, take: Take) -> None:
        imap = await asyncio.to_thread(self._connect)
        try:
            while True:
                for uid in (await asyncio.to_thread(_unread, imap))[:AT_ONCE]:
                    await _one(imap, uid, take)
                await asyncio.sleep(self._every_s)
        finally:
            await asyncio.to_thread(_leave, imap)

    def _connect(self) -> imaplib.IMAP4:
        imap = (
            imaplib.IMAP4_SSL(self._host, self._port, ssl_context=self._tls, timeout=TIMEOUT_S)
            if self._tls
            else imaplib.IMAP4(self._host, self._port, timeout=TIMEOUT_S)
        )
        try:
            imap.login(self._username, self._password)
            _expect_ok(imap.select(f'"{self._mailbox}"'))
        except BaseException:
            imap.shutdown()
            raise
        return imap


async def _one(imap: imaplib.IMAP4, uid: str, take: Take) -> None:
    mail = await asyncio.to_thread(_fetch, imap, uid)
    if mail is None:  # somebody else has deleted it
        return
    try:
        flag = r"(\Seen)" if await take(mail) else r"(\Flagged)"
    except LATER as e:
        log.warning("a mail is left unread for now", error=type(e).__name__)
        return
    await asyncio.to_thread(lambda: _expect_ok(imap.uid("STORE", uid, "+FLAGS.SILENT", flag)))


def _unread(imap: imaplib.IMAP4) -> list[str]:
    _expect_ok(imap.noop())  # lets the server tell of new mail
    found = _expect_ok(imap.uid("SEARCH", "UNSEEN", "UNFLAGGED", "UNDELETED"))
    return found[0].decode("ascii").split() if found and found[0] else []


def _fetch(imap: imaplib.IMAP4, uid: str) -> bytes | None:
    """`PEEK` leaves the mail unread."""
    for each in _expect_ok(imap.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)")):
        if isinstance(each, tuple) and re.search(rb"BODY\[\]", each[0]):
            return bytes(each[1])
    return None


def _expect_ok(answer: tuple[str, Any]) -> list[Any]:
    kind, said = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(kind)
    return list(said)


def _leave(imap: imaplib.IMAP4) -> None:
    try:
        imap.logout()
    except (imaplib.IMAP4.error, OSError):
        imap.shutdown()
