"""What the channel suite needs of a connector and of the gateway it talks to."""

import asyncio
import ssl
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, TypeVar

from hub.channel import Channel, Parcel
from hub.delivery import Outcome, Result
from hub.errors import (
    AmbiguousFailure,
    CredentialsFailure,
    DeliveryFailure,
    HubError,
    PermanentFailure,
    TemporaryFailure,
)
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing import answers

REHEARSAL = Outbound(deployment=Deployment.REHEARSAL)
PRODUCTION = Outbound(deployment=Deployment.PRODUCTION)


class Feature(StrEnum):
    """What a channel may lack. A harness says so in `lacks`, with the reason; nothing else is optional."""

    GATEWAY = "somebody who is asked, and may be away"
    OWN_GATEWAY = "a gateway of the city's own, or of a provider with whom it has a contract"
    NETWORK = "requests over a network"
    PROXY = "a way out through `[proxy]`"
    MANY_RECIPIENTS = "more than one recipient a parcel"
    EACH_RECIPIENT = "an answer for each recipient of a request"
    PERMANENT = "a refusal for good of one address"
    TEMPORARY = "a refusal for now of one address"
    THROTTLE = "a rate-limit answer"
    RETRY_AFTER = "a time after which to come back, in the rate-limit answer"
    CREDENTIALS = "credentials"
    AMBIGUITY = "not knowing: it reads back what it did before it answers"
    REPEATS = "a second identical send that reaches the gateway with a body"


class Where(StrEnum):
    """Where a connector under test is pointed."""

    GATEWAY = "gateway"  # the one under test
    NOWHERE = "nowhere"  # a loopback port at which nothing listens
    REMOTE = "remote"  # an address that is not loopback (RFC 5737: 192.0.2.1, gateway.example)


class Faults(Protocol):
    """How badly the gateway behaves; ratios from 0 to 1. `hits` is asked with the field's name as kind."""

    latency_s: float
    permanent: float
    temporary: float
    throttle: float
    silent: float
    down: bool
    credentials: bool
    seed: int

    def hits(self, ratio: float, kind: str, address: str) -> bool: ...


class Harness(ABC):
    """One gateway, running while the fixture that yields this lives; its faults start at none."""

    kind: ClassVar[str]
    """The connector's, in the settings."""
    lacks: ClassVar[Mapping[Feature, str]] = {}
    speaks: ClassVar[frozenset[str]] = answers.HTTP
    """The kinds of answer its gateway has."""
    answers: ClassVar[Mapping[str, Outcome]] = {}
    """What each of them means for a recipient of the request it is said to."""

    @property
    @abstractmethod
    def faults(self) -> Faults:
        """The gateway's own; the suite changes it while the gateway runs."""

    @property
    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """Tokens, passwords, keys as configured, and as they travel if that differs. Not addresses."""

    @abstractmethod
    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        """A new connector, not opened, with a clock that stands at `parcels.NOW`."""

    @abstractmethod
    def recipients(self, number: int) -> Sequence[Recipient]:
        """`number` different ones; a single one where the channel lacks `MANY_RECIPIENTS`."""

    @abstractmethod
    def sends(self) -> int:
        """Requests seen so far that ask the gateway to send, also those it refused. No reads."""

    @abstractmethod
    def bodies(self) -> Sequence[bytes]:
        """What those requests carried, in order, as far as the gateway got it whole."""

    @abstractmethod
    def arrivals(self) -> Sequence[str]:
        """The addresses that received something, once for each time they did, in order."""

    @abstractmethod
    def in_flight(self) -> int:
        """Requests not answered yet whose connection is still open at the gateway."""

    def answer_with(self, answer: str, *, echo: bool = False) -> None:
        """One of `answers` to all that is asked for from now on; empty: as it is. `echo`: it repeats what was asked,
        secrets too. Needed where it does not lack a network."""
        raise NotImplementedError("a connector that talks to a gateway says how it is made to answer")

    def held(self) -> bool:
        """Somebody waits for an answer that never comes."""
        raise NotImplementedError

    async def secure(self, tls: ssl.SSLContext) -> None:
        """The gateway starts anew under this certificate, and connectors made from now on speak TLS to it."""
        raise NotImplementedError

    async def stop(self) -> int:
        """The gateway goes. Returns the port it listened at."""
        raise NotImplementedError


@dataclass(slots=True, kw_only=True)
class Said:
    """What a connector said of one parcel."""

    results: list[Result] = field(default_factory=list)
    failure: DeliveryFailure | None = None
    to: Sequence[Recipient]

    @property
    def outcomes(self) -> dict[RecipientId, Outcome]:
        """By recipient; a failure speaks for everyone without a result."""
        rest = FAILURES[type(self.failure)] if self.failure else Outcome.PENDING
        known = {result.recipient: result.outcome for result in self.results}
        return {recipient.id: known.get(recipient.id, rest) for recipient in self.to}

    def __str__(self) -> str:
        """Everything that could end in a log: the results, the error and all that it is chained to."""
        chain = "".join(traceback.format_exception(self.failure)) if self.failure else ""
        return f"{self.results!r}\n{chain}\n{self.failure!r}"


FAILURES: Mapping[type[HubError], Outcome] = {
    TemporaryFailure: Outcome.TEMPORARY,
    PermanentFailure: Outcome.PERMANENT,
    CredentialsFailure: Outcome.CREDENTIALS,
    AmbiguousFailure: Outcome.AMBIGUOUS,
}


async def send(channel: Channel, parcel: Parcel) -> Said:
    """Hand a parcel over to the end. Lets a `GateClosed` and whatever is no `DeliveryFailure` pass."""
    said = Said(to=parcel.to)
    try:
        async for result in channel.send(parcel):
            said.results.append(result)
    except DeliveryFailure as e:
        said.failure = e
    return said


@asynccontextmanager
async def opened(
    harness: Harness, *, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY
) -> AsyncIterator[Channel]:
    """A connector that is open, and closed behind the test."""
    channel = harness.channel(outbound, where)
    try:
        await channel.open()
        yield channel
    finally:
        await channel.close()


async def until(condition: Callable[[], bool], *, deadline_s: float = 120.0) -> None:
    """Wait for what another task or process is about to do. Raises `TimeoutError` if it never does."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a socket, which sets no event
            await asyncio.sleep(0.002)


Test = TypeVar("Test", bound=Callable[..., Awaitable[None]])


def needs(*features: Feature) -> Callable[[Test], Test]:
    """This test says nothing of a channel that lacks one of these."""

    def mark(test: Test) -> Test:
        test.__dict__["needs"] = features
        return test

    return mark
