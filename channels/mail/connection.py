"""A connection to the smarthost, logged in and ready for a transaction."""

import asyncio
import socket
import ssl

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from channels._secret import read_secret
from channels.mail.replies import Stage, classify
from channels.mail.session import Session, adopt
from channels.mail.settings import Security, Settings
from hub.delivery import Outcome
from hub.errors import BadSettings, CredentialsFailure, DeliveryFailure, TemporaryFailure
from hub.outbound import Outbound
from hub.reasons import words


class Smarthost:
    """Where to connect, and as whom."""

    def __init__(self, settings: Settings, outbound: Outbound, *, stanza: str = "[channels.mail]") -> None:
        """`stanza`: where it is written, for errors. Raises `Refused` where this hub may not talk to that host,
        `BadSettings` for a bad password file."""
        outbound.allow(settings.host, setting=f"{stanza} host")
        self._stanza = stanza
        self._settings = settings
        self._outbound = outbound
        self._tls = None if settings.security is Security.NONE else outbound.tls()
        self._password = _password(settings, stanza)

    async def connect(self) -> Session:
        """Greeting, TLS, EHLO and AUTH, within `connect_timeout_s`; a session that is ready for transactions.

        The greeting is looked at before anything is told to the host, the password above all.

        Raises:
            Refused: this is a production hub and the host a rehearsal gateway.
            TemporaryFailure: it cannot be reached, or has no time for us.
            CredentialsFailure: it does not accept us, or cannot prove who it is.
        """
        settings = self._settings
        smtp = SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.ehlo_name or settings.domain,
            timeout=settings.connect_timeout_s,
            use_tls=settings.security is Security.TLS,
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                session = await self._greet(smtp)
        except SMTPResponseException as e:
            _abort(smtp)
            raise _refused(e, self._stanza) from None  # the host's words may repeat what we told it
        except (SMTPException, OSError, TimeoutError) as e:
            _abort(smtp)
            raise _unreached(e, self._stanza) from None
        except BaseException:
            _abort(smtp)
            raise
        return session

    async def _greet(self, smtp: SMTP) -> Session:
        greeting = await smtp.connect()
        self._outbound.recognise(greeting.message, setting=f"{self._stanza} host")
        if self._settings.security is Security.STARTTLS:
            await smtp.starttls()
        asked_at = asyncio.get_running_loop().time()
        await smtp.ehlo()
        round_trip_s = asyncio.get_running_loop().time() - asked_at
        if self._settings.username is not None and self._password is not None:
            await smtp.login(self._settings.username, self._password)
        if smtp.transport is None or smtp.transport.is_closing():
            raise SMTPServerDisconnected("after the log-in")
        return adopt(
            smtp.transport,
            offers=frozenset(smtp.esmtp_extensions),
            round_trip_s=round_trip_s,
            reply_s=self._settings.reply_timeout_s,
            whole_s=self._settings.timeout_s,
        )


def _abort(smtp: SMTP) -> None:
    transport = smtp.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    smtp.close()


def _password(settings: Settings, stanza: str) -> str | None:
    if settings.password_file is None:
        return None
    if settings.security is Security.NONE and settings.host not in ("localhost", "127.0.0.1", "::1"):
        raise BadSettings(
            f"{stanza} security",
            "a password goes over TLS only: use starttls or tls / パスワードは暗号化した接続でのみ送ります",
        )
    return read_secret(settings.password_file, setting=f"{stanza} password_file")


def _refused(reply: SMTPResponseException, stanza: str) -> DeliveryFailure:
    verdict = classify(Stage.SESSION, reply.code, reply.message)
    if verdict.outcome is Outcome.CREDENTIALS:
        return _unaccepted(verdict.reason, stanza)
    return _away(verdict.reason, stanza)


def _unreached(error: Exception, stanza: str) -> DeliveryFailure:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CredentialsFailure(
            "certificate",
            f"{stanza} host: the smarthost's certificate cannot be verified; see [proxy] ca_file. / "
            f"メールサーバーの証明書を確認できません。({cause.verify_message})",
        )
    if isinstance(error, SMTPException) and not isinstance(error, OSError):
        return _unaccepted("not offered", stanza)  # neither STARTTLS nor AUTH can be had from this host
    return _away(_why(cause), stanza)


def _unaccepted(reason: str, stanza: str) -> CredentialsFailure:
    return CredentialsFailure(
        reason,
        f"{stanza} the smarthost does not accept this hub ({reason}): check security, username and "
        f"password_file. / メールサーバーに認証されません。設定を確認してください。({reason})",
    )


def _away(reason: str, stanza: str) -> TemporaryFailure:
    japanese, english = words(reason)
    return TemporaryFailure(
        reason,
        f"{stanza} the smarthost cannot be used now: {english}. / メールサーバーを使えません。{japanese}",
    )


def _why(cause: Exception) -> str:
    """In a word of `hub.reasons`."""
    for kinds, reason in _WORDS:
        if isinstance(cause, kinds):
            return reason
    return "broken off"


_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((TimeoutError,), "no answer"),
    ((socket.gaierror,), "unknown name"),
    ((ssl.SSLError,), "certificate"),
    ((ConnectionRefusedError, SMTPConnectError), "no connection"),
)
