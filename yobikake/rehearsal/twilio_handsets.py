"""The handsets behind the simulated Twilio: a message arrives on them or does not, and Twilio reports it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from yobikake.rehearsal.twilio_account import VERSION
from yobikake.rehearsal.twilio_phones import is_loopback, sign


@dataclass(slots=True, kw_only=True)
class Signal:
    """How handsets behave: the share of numbers that a first message does not arrive on, and Twilio's code for why.
    `lasting`: nor does any later one."""

    undelivered: float = 0.0
    code: int = 30003
    lasting: bool = False


@dataclass(slots=True, kw_only=True)
class Message:
    """A message resource. `ending` is what it will be once it is over, `code` why it did not arrive."""

    sid: str
    to: str
    sender: str
    service: str | None
    body: str
    created: datetime
    validity_s: int
    callback: str
    ending: str
    code: int | None
    status: str = "queued"


class Handsets:
    """Brings messages, each in its own task. Callbacks go to loopback addresses only."""

    def __init__(self, *, account_sid: str, auth_token: str) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._under_way: set[asyncio.Task[None]] = set()

    def bring(self, message: Message) -> None:
        """Returns at once."""
        task = asyncio.create_task(self._bring(message))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    async def idle(self) -> None:
        """Returns once every message so far is over and was reported."""
        await asyncio.gather(*self._under_way)

    async def stop(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _bring(self, message: Message) -> None:
        async with aiohttp.ClientSession() as session:
            for status in ("sent", message.ending):
                message.status = status
                await self._report(session, message)

    async def _report(self, session: aiohttp.ClientSession, message: Message) -> None:
        """https://www.twilio.com/docs/messaging/guides/track-outbound-message-status."""
        if not is_loopback(message.callback):
            return
        form = {
            "AccountSid": self._account_sid,
            "ApiVersion": VERSION,
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": message.status,
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "To": message.to,
        }
        if message.status == "undelivered":
            form["ErrorCode"] = str(message.code)
        headers = {"X-Twilio-Signature": sign(message.callback, form, auth_token=self._auth_token)}
        with suppress(aiohttp.ClientError, TimeoutError):  # nobody listens: Twilio would give up too
            async with session.post(message.callback, data=form, headers=headers):
                pass
