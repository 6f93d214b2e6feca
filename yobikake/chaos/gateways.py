"""The gateways of a run: they run in the instrument's own process, so that what they saw outlives every hub."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from yobikake.chaos.log import GatewayLog
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.mishap import Mishaps
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.smtp_dialogue import Terms
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import Fates, Reporting
from yobikake.rehearsal.x import XGateway

TIMEOUT_S = 3.0
"""How long a hub under test waits for an answer: shorter than its lease, longer than a machine of which every
process wants more than it has keeps one of them waiting."""

RETRY_AFTER = timedelta(seconds=1)
"""What it is told to wait when it asks too often."""

CALLS_PER_S = 20


class Gateways:
    """Mail, LINE, voice and X on loopback, between `start` and `stop` (or in `async with`).

    They are slow enough for an alert to be caught in the middle: some hundred recipients take seconds.
    """

    def __init__(self, folder: Path, *, residents_port: int, seed: int = 0) -> None:
        """`folder`: where their secrets are written. `residents_port`: where the hub takes callbacks.
        `seed`: the same one gives the same unknown addresses and the same calls that nobody picks up.
        """
        self.log = GatewayLog()
        self._residents_port = residents_port
        self._secrets = Secrets(folder / "secrets")
        inbox, held = Inbox(), self._secrets
        self.mail = SmtpGateway(
            faults=Faults(latency_s=0.002, drain_per_s=200, seed=seed),
            terms=Terms(login=("hub", held["smtp"])),
        )
        self.line = LineGateway(inbox, faults=Faults(latency_s=0.01, drain_per_s=25, seed=seed))
        self.x = XGateway(inbox, faults=Faults(latency_s=0.05, seed=seed))
        self.voice = TwilioGateway(
            inbox,
            account_sid=f"AC{held['twilio_sid']}",
            auth_token=held["twilio"],
            faults=Faults(latency_s=0.02, seed=seed),
            fates=Fates(busy=0.05, no_answer=0.1, ring_s=0.05, talk_s=0.05),
        )
        self._all: Mapping[str, SmtpGateway | HttpGateway] = {
            "mail": self.mail,
            "line": self.line,
            "x": self.x,
            "voice": self.voice,
        }
        for gateway in (self.line, self.x, self.voice):
            gateway.retry_after = RETRY_AFTER
        for each in self._all.values():
            each.witness = self.log.begin
        self._stack = AsyncExitStack()

    @property
    def busy(self) -> bool:
        """One of them still works on something, or a callback is on its way."""
        return any(gateway.busy for gateway in self._all.values())

    def mishaps(self, channel: str) -> Mishaps:
        """What can be armed on a channel's gateway. Raises `KeyError` for a channel there is not."""
        return self._all[channel].mishaps

    def faults(self, channel: str) -> Faults:
        """How a channel's gateway is. Raises `KeyError` for a channel there is not."""
        return self._all[channel].faults

    @asynccontextmanager
    async def reporting(self, reporting: Reporting) -> AsyncIterator[Reporting]:
        """Twilio's callbacks come in like this; what was held is sent at the end."""
        phones = self.voice.phones
        usual, phones.reporting = phones.reporting, reporting
        try:
            yield reporting
        finally:
            phones.reporting = usual
            await phones.release(reporting)

    def stanzas(self) -> dict[str, Any]:
        """`[channels.*]` of a hub that talks to these gateways, once they are started."""
        callbacks = f"http://127.0.0.1:{self._residents_port}/callbacks/voice"
        held = self._secrets
        return {
            "mail": {
                "host": "127.0.0.1",
                "port": self.mail.port,
                "security": "none",
                "sender": "bosai@akishima.example",
                "username": "hub",
                "password_file": held.file("smtp"),
                "recipients_per_transaction": 20,
                "connections": 4,
                "connect_timeout_s": TIMEOUT_S,
                "reply_timeout_s": TIMEOUT_S,
            },
            "line": {
                "access_token_file": held.file("line"),
                "base_url": self.line.url,
                "connections": 8,  # a hub and all of its gateways share two processors here
                "timeout_s": TIMEOUT_S,
            },
            "voice": {
                "account_sid": f"AC{held['twilio_sid']}",
                "auth_token_file": held.file("twilio"),
                "from_number": "+815000000000",
                "callback_url": callbacks,
                "base_url": self.voice.url,
                "calls_per_s": CALLS_PER_S,
            },
            "x": {
                "account": {f"{name}_file": held.file(f"x_{name}") for name in X_KEYS},
                "base_url": self.x.url,
                "timeout_s": TIMEOUT_S,
                "card": False,  # a picture is half a second of a processor, and changes nothing that is looked at here
            },
        }

    async def start(self) -> None:
        for gateway in self._all.values():
            await gateway.start()
            self._stack.push_async_callback(gateway.stop)

    async def stop(self) -> None:
        """Closes every connection; the log stays."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


X_KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


class Secrets:
    """Of one run, each in a file of its own that nobody else can read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._folder = folder
        self._values = {
            "smtp": secrets.token_urlsafe(24),
            "line": secrets.token_urlsafe(64),
            "twilio": secrets.token_hex(16),
            "twilio_sid": secrets.token_hex(16),
            "x_consumer_key": secrets.token_hex(12),
            "x_consumer_secret": secrets.token_hex(25),
            "x_access_token": f"1000000001-{secrets.token_hex(20)}",
            "x_access_token_secret": secrets.token_hex(22),
        }
        for name, value in self._values.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def file(self, name: str) -> str:
        return str(self._folder / name)

    def values(self) -> Mapping[str, str]:
        return self._values
