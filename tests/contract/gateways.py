"""What the harnesses of connectors share: a rehearsal gateway that speaks HTTP, or one that speaks SMTP."""

import ssl
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, Self

from hub.delivery import Outcome
from hub.testing import answers
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Harness
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.smtp import SmtpGateway


class OfGateway(Harness):
    gateway: HttpGateway | SmtpGateway

    @classmethod
    @abstractmethod
    def in_folder(cls, folder: Path) -> Self:
        """With a gateway that is not started, and its secrets in this folder."""

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Self]:
        harness = cls.in_folder(folder)
        async with harness.gateway:
            yield harness


class OfHttp(OfGateway):
    """`provider`: whose API description its gateway is held to (`tests.contract.descriptions`)."""

    provider: ClassVar[str]
    gateway: HttpGateway

    @property
    def faults(self) -> Faults:
        return self.gateway.faults

    def in_flight(self) -> int:
        return self.gateway.in_flight

    def answer_with(self, answer: str, *, echo: bool = False) -> None:
        self.faults.instead, self.faults.echo = answer, echo

    def held(self) -> bool:
        return self.gateway.held > 0 and self.in_flight() > 0

    async def secure(self, tls: ssl.SSLContext) -> None:
        await self.gateway.stop()
        self.gateway.tls, self.gateway.port = tls, 0
        await self.gateway.start()

    async def stop(self) -> int:
        await self.gateway.stop()
        return self.gateway.port


class OfSmtp(OfGateway):
    """A smarthost is on the city's side of the proxy."""

    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.RETRY_AFTER: "SMTP has no word for it (RFC 5321)",
        Feature.PROXY: "SMTP takes no HTTP proxy: the smarthost stands on the city's side of it",
    }
    speaks = answers.SMTP
    answers: ClassVar[Mapping[str, Outcome]] = {
        "greeting 421 4.3.2": Outcome.TEMPORARY,
        "greeting 554 5.7.1": Outcome.CREDENTIALS,  # it does not want to talk to this hub at all
        f"greeting {NO_ANSWER}": Outcome.TEMPORARY,
        "AUTH 454 4.7.0": Outcome.TEMPORARY,
        "AUTH 535 5.7.8": Outcome.CREDENTIALS,
        "MAIL 421 4.7.28": Outcome.THROTTLE,
        "MAIL 451 4.3.0": Outcome.TEMPORARY,
        "MAIL 550 5.7.1": Outcome.CREDENTIALS,  # our sender
        f"MAIL {NO_ANSWER}": Outcome.TEMPORARY,
        "RCPT 450 4.2.1": Outcome.TEMPORARY,
        "RCPT 452 4.5.3": Outcome.TEMPORARY,
        "RCPT 550 5.1.1": Outcome.PERMANENT,
        "RCPT 552 5.2.2": Outcome.TEMPORARY,  # a full mailbox is emptied again
        f"RCPT {NO_ANSWER}": Outcome.TEMPORARY,
        "DATA 421 4.3.2": Outcome.TEMPORARY,
        "DATA 554 5.7.1": Outcome.PERMANENT,
        ". 421 4.3.2": Outcome.TEMPORARY,
        ". 451 4.3.0": Outcome.TEMPORARY,
        ". 552 5.3.4": Outcome.UNSUPPORTED,
        ". 554 5.6.0": Outcome.UNSUPPORTED,
        f". {NO_ANSWER}": Outcome.AMBIGUOUS,
    }
    gateway: SmtpGateway
    secured = False
    """TLS from the first byte on."""

    def in_flight(self) -> int:
        return self.gateway.in_flight

    def answer_with(self, answer: str, *, echo: bool = False) -> None:
        command, _, said = answer.partition(" ")
        repeated: Sequence[str] = (said, *self.secrets) if echo else (said,)
        self.gateway.terms.instead = {command: " ".join(repeated)} if answer else {}

    def held(self) -> bool:
        return self.in_flight() > 0

    async def secure(self, tls: ssl.SSLContext) -> None:
        await self.gateway.stop()
        self.gateway.tls, self.gateway.port, self.secured = tls, 0, True
        await self.gateway.start()

    async def stop(self) -> int:
        await self.gateway.stop()
        return self.gateway.port


TWILIO_ANSWERS: Mapping[str, Outcome] = {
    "400": Outcome.PERMANENT,
    "401": Outcome.CREDENTIALS,
    "403": Outcome.CREDENTIALS,
    "404": Outcome.CREDENTIALS,
    "409": Outcome.TEMPORARY,
    "413": Outcome.UNSUPPORTED,
    "429": Outcome.THROTTLE,
    "500": Outcome.AMBIGUOUS,
    "502": Outcome.AMBIGUOUS,
    "503": Outcome.TEMPORARY,
    "504": Outcome.AMBIGUOUS,
    NO_ANSWER: Outcome.AMBIGUOUS,
    CUT_ANSWER: Outcome.AMBIGUOUS,
}
"""Of calls and of short messages: the account is one."""
