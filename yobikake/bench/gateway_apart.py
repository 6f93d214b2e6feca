"""A provider's gateway in a process of its own, that tells when each request to people came and whether it
was carried out.

`python -m yobikake.bench.gateway_apart line|voice FAULTS` says its address, then answers every line on its
input with a `Seen`, and forgets what it told. Times are the machine's monotonic clock.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import msgspec

from hub import typed
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.twilio import TwilioGateway

SID = "AC" + 32 * "0"
TOKEN = "not-a-token-of-anybody"  # noqa: S105 - of a gateway on loopback


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """When the head of each request was read; of those carried out, and of those refused."""

    taken: tuple[float, ...]
    refused: tuple[float, ...]
    recipients: int
    """Named in those carried out."""

    def used(self, per_s: float) -> float:
        """The part of a contract of so many a second that was used, from the first request to the last."""
        times = sorted(self.taken)
        return (len(times) - 1) / (times[-1] - times[0]) / per_s

    @property
    def most_in_a_second(self) -> int:
        """Requests in whichever second had the most, carried out or refused."""
        times = sorted((*self.taken, *self.refused))
        first, most = 0, 0
        for number, at in enumerate(times):
            while times[first] <= at - 1:
                first += 1
            most = max(most, number - first + 1)
        return most


class GatewayApart:
    """As whoever measures sees it."""

    def __init__(self, url: str, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self._process = process

    async def seen(self) -> Seen:
        """Since it was asked last."""
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(b"\n")
        return typed.from_json(await self._process.stdout.readline(), Seen)


@asynccontextmanager
async def gateway_apart(kind: str, faults: Faults) -> AsyncIterator[GatewayApart]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake.bench.gateway_apart", kind, msgspec.json.encode(faults).decode(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        yield GatewayApart((await process.stdout.readline()).decode().strip(), process)
    finally:
        process.terminate()
        await process.wait()


class _Nowhere(Inbox):
    """Keeps nothing: a measurement is no demo."""

    def add(self, arrival: Arrival) -> None:
        pass


class _Account:
    def __init__(self) -> None:
        self._exchanges: list[tuple[float, Exchange]] = []

    def witness(self, exchange: Exchange) -> None:
        if exchange.to:
            self._exchanges.append((monotonic(), exchange))

    def seen(self) -> Seen:
        told, self._exchanges = self._exchanges, []
        return Seen(
            taken=tuple(at for at, exchange in told if exchange.taken),
            refused=tuple(at for at, exchange in told if not exchange.taken),
            recipients=sum(len(exchange.taken) for _, exchange in told),
        )


def _gateway(kind: str, faults: Faults) -> HttpGateway:
    if kind == "line":
        return LineGateway(_Nowhere(), faults=faults)
    return TwilioGateway(_Nowhere(), account_sid=SID, auth_token=TOKEN, faults=faults, countries=("+81",))


async def _serve(gateway: HttpGateway) -> None:
    account = _Account()
    gateway.witness = account.witness
    async with gateway:
        print(gateway.url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            gateway.requests.clear()
            print(msgspec.json.encode(account.seen()).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(_gateway(sys.argv[1], typed.from_json(sys.argv[2], Faults))))
