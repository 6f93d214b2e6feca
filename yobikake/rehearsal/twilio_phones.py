"""The telephones behind the simulated Twilio: they ring, are picked up or not, and Twilio reports it."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from hub.clock import Clock
from yobikake.rehearsal.twilio_account import VERSION

EVENTS = ("initiated", "ringing", "answered", "completed")


@dataclass(slots=True, kw_only=True)
class Fates:
    """How phones behave. Ratios are of numbers; the first time only, so that a second call gets through."""

    busy: float = 0.0
    no_answer: float = 0.0
    ring_s: float = 0.0
    talk_s: float = 0.0
    key: str = ""
    """What is pressed on every telephone where a call asks for a key; empty: what `keys` says."""
    keys: Sequence[str] = ()
    """The same, one after the other by the telephones' numbers; an empty one presses nothing."""

    def pressed(self, number: str) -> str:
        """On the telephone with this number; the same each time."""
        return self.key or (self.keys[int(number[-4:]) % len(self.keys)] if self.keys else "")


@dataclass(slots=True, kw_only=True)
class Reporting:
    """How callbacks come in: a network between two companies keeps no promise of time or order."""

    early: bool = False
    """The call is over and reported before the request for it is answered."""
    late_s: float = 0.0
    copies: int = 1
    held: list["Report"] | None = None
    """A list: reports wait in it until `Phones.release` sends them, the last one first."""
    sent: int = 0
    """Reports that came in this way and were taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A callback, signed when it was due."""

    url: str
    form: Mapping[str, str]
    signature: str


@dataclass(slots=True, kw_only=True)
class Call:
    """A call resource. `ending` is what it will be once it is over."""

    sid: str
    to: str
    caller: str
    created: datetime
    ending: str
    callback: str
    events: Sequence[str]
    gather: str = ""
    """Where a pressed key goes, if the call asks for one."""
    status: str = "queued"
    sequence: int = 0
    heard: str = ""
    """The TwiML that was played after the key."""


class Phones:
    """Plays calls, each in its own task. Callbacks go to loopback addresses only."""

    def __init__(self, fates: Fates, *, account_sid: str, auth_token: str, clock: Clock) -> None:
        self.reporting = Reporting()
        self._fates = fates
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._clock = clock
        self._playing: set[asyncio.Task[None]] = set()

    async def call(self, call: Call) -> None:
        """Begin to ring. Returns at once, but where reports come early: then when the call was reported."""
        playing = asyncio.create_task(self._play(call))
        self._playing.add(playing)
        playing.add_done_callback(self._playing.discard)
        if self.reporting.early:
            await asyncio.wait({playing})

    async def release(self, reporting: Reporting) -> None:
        """Send the reports that were held, the last one first."""
        held, reporting.held = reporting.held or [], None
        async with aiohttp.ClientSession() as session:
            for report in reversed(held):
                await _send(session, report, reporting)

    @property
    def busy(self) -> bool:
        """Somewhere it rings, somebody listens, or a report is on its way."""
        return bool(self._playing)

    async def idle(self) -> None:
        """Returns once every call so far is over and has reported."""
        await asyncio.gather(*self._playing)

    async def stop(self) -> None:
        """Hangs up: calls under way report nothing more."""
        for playing in self._playing:
            playing.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)

    async def _play(self, call: Call) -> None:
        """Ring, talk, end; report each step that was asked for."""
        async with aiohttp.ClientSession() as session:
            await self._report(session, call, "initiated", "initiated")
            call.status = "ringing"
            await self._report(session, call, "ringing", "ringing")
            await asyncio.sleep(self._fates.ring_s)
            if call.ending == "completed":
                call.status = "in-progress"
                await self._report(session, call, "answered", "in-progress")
                await asyncio.sleep(self._fates.talk_s)
                await self._press(session, call)
            call.status = call.ending
            await self._report(session, call, "completed", call.ending)

    async def _report(self, session: aiohttp.ClientSession, call: Call, event: str, status: str) -> None:
        if event not in call.events or not is_loopback(call.callback):
            return
        form = self._callback(call, status)
        call.sequence += 1
        signature = sign(call.callback, form, auth_token=self._auth_token)
        await self._bring(session, Report(url=call.callback, form=form, signature=signature))

    async def _press(self, session: aiohttp.ClientSession, call: Call) -> None:
        """https://www.twilio.com/docs/voice/twiml/gather#action."""
        key = self._fates.pressed(call.to)
        if not key or not is_loopback(call.gather):
            return
        form = {**self._callback(call, "in-progress"), "Digits": key}
        signature = sign(call.gather, form, auth_token=self._auth_token)
        pressed = Report(url=call.gather, form=form, signature=signature)
        call.heard = await _send(session, pressed, Reporting())

    async def _bring(self, session: aiohttp.ClientSession, report: Report) -> None:
        reporting = self.reporting
        await asyncio.sleep(reporting.late_s)
        if reporting.held is not None:
            reporting.held.append(report)
            return
        for _ in range(reporting.copies):
            await _send(session, report, reporting)

    def _callback(self, call: Call, status: str) -> dict[str, str]:
        """https://www.twilio.com/docs/voice/api/call-resource#statuscallback."""
        form = {
            "AccountSid": self._account_sid,
            "ApiVersion": VERSION,
            "CallSid": call.sid,
            "CallStatus": status,
            "CallbackSource": "call-progress-events",
            "Direction": "outbound-api",
            "From": call.caller,
            "SequenceNumber": str(call.sequence),
            "Timestamp": format_datetime(self._clock()),
            "To": call.to,
        }
        if status in _SIP:
            form |= {"SipResponseCode": _SIP[status], "CallDuration": str(round(self._fates.talk_s))}
        return form


async def _send(session: aiohttp.ClientSession, report: Report, reporting: Reporting) -> str:
    """What was answered; nothing where nobody took it."""
    headers = {"X-Twilio-Signature": report.signature}
    with suppress(aiohttp.ClientError, TimeoutError):  # nobody listens: Twilio would give up too
        async with session.post(report.url, data=report.form, headers=headers) as answer:
            reporting.sent += answer.ok
            return await answer.text() if answer.ok else ""
    return ""


_SIP = {"completed": "200", "busy": "486", "no-answer": "487"}


def sign(url: str, form: Mapping[str, str], *, auth_token: str) -> str:
    """https://www.twilio.com/docs/usage/security#validating-requests."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)).decode()


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
