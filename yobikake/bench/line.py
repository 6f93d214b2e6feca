"""How much of LINE's contract is used, 200 multicasts a second of 500 people each, and whether never more.

The gateway is the rehearsal's, in a process of its own: it answers after a while, and 429 to what exceeds the
contract in any one second. Measured are the connector with the hub's pace, the whole hub with its ledger, and
line-bot-sdk by itself: as its README shows it (one client, one multicast after the other), and with everything
at once (`asyncio.gather`).
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import tomli_w
from linebot.v3.messaging import (
    ApiClient,
    ApiException,
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
    MessagingApi,
    MulticastRequest,
    TextMessage,
)

from channels.line import Line, Settings, compose
from hub import settings as settings_file
from hub.alert import Lane
from hub.clock import utc_now
from hub.gate import LEASE
from hub.language import Language
from hub.live.memory import MemoryLive
from hub.outbound import Deployment, Outbound
from hub.pace import Pace
from hub.progress import progress
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import always_open, content, parcel
from hub.worker import AHEAD
from yobikake import roles
from yobikake.assembly import Assembly, assemble
from yobikake.bench.figures import Machine, Say, Spread, cpu, machine, spread
from yobikake.bench.gateway_apart import GatewayApart, Seen, gateway_apart
from yobikake.bench.town import ended, enrol
from yobikake.rehearsal import evening
from yobikake.rehearsal.city import Conditions, rehearsal_city
from yobikake.rehearsal.faults import Faults

CONTRACT_PER_S = 200
GOAL = 0.95
README_SHARE = 10
"""One after the other, so many times fewer: it would take as many times longer."""
TO = [Recipient(id=RecipientId(n), address=f"U{n:032x}") for n in range(1, 501)]
LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """By round. `used`: of the contract. `most`: requests in whichever second had the most. `cpu_ms`: this
    process's for each request."""

    used: list[float] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def add(self, seen: Seen, *, cpu_s: float) -> None:
        self.used.append(seen.used(CONTRACT_PER_S))
        self.most.append(seen.most_in_a_second)
        self.taken.append(len(seen.taken))
        self.refused.append(len(seen.refused))
        self.cpu_ms.append(1000 * cpu_s / (len(seen.taken) + len(seen.refused)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    rounds: int
    requests: int
    latency_s: float
    series: dict[str, Series]
    machine: Machine

    @property
    def ratios(self) -> dict[str, Spread]:
        """Of the contract."""
        return {name: spread(each.used) for name, each in self.series.items()}


async def measure(rounds: int, *, requests: int, latency_s: float, recipients: int, say: Say) -> Measured:
    """Interleaved. `recipients`: of the whole hub's register, who get as many alerts as make `requests`."""
    series = {name: Series() for name in ("connector", "hub", "sdk_readme", "sdk_gather")}
    faults = Faults(latency_s=latency_s, limit_per_s=CONTRACT_PER_S)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(gateway_apart("line", faults))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "connector": lambda: _connector(gateway.url, folder, requests),
            "sdk_readme": lambda: asyncio.to_thread(_readme, gateway.url, requests // README_SHARE),
            "sdk_gather": lambda: _gathered(gateway.url, requests),
        }
        if recipients:
            say(f"registering {recipients:,} recipients")
            ways["hub"] = await stack.enter_async_context(_hub(folder, gateway, requests, recipients))
        for number in range(1, rounds + 1):
            for name, way in ways.items():
                say(f"round {number} of {rounds}: {name}")
                with cpu() as used:
                    await way()
                series[name].add(await gateway.seen(), cpu_s=used.own_s)
                await asyncio.sleep(1.0)  # the contract's second ends
    return Measured(
        rounds=rounds,
        requests=requests,
        latency_s=latency_s,
        series={name: each for name, each in series.items() if each.used},
        machine=machine("line-bot-sdk", "aiohttp"),
    )


async def _connector(url: str, folder: Path, requests: int) -> None:
    """As the hub's worker uses it: two batches to a connection, each when its turn comes."""
    token = folder / "token"
    token.write_text("not-a-token-of-anybody\n")
    line = Line(
        Settings(access_token_file=token, base_url=url),
        outbound=Outbound(deployment=Deployment.REHEARSAL),
        clock=utc_now,
    )
    pace = Pace(MemoryLive(), line.capabilities, lease=LEASE)
    slots = asyncio.Semaphore(AHEAD * line.capabilities.connections)

    async def batch() -> None:
        async with slots:
            await pace.turn(Lane.URGENT, recipients=len(TO), gate=always_open)
            async for _ in line.send(replace(parcel(TO), idempotency_key=uuid4())):
                pass

    await line.open()
    try:
        await asyncio.gather(*(batch() for _ in range(requests)))
    finally:
        await line.close()


def _readme(url: str, requests: int) -> None:
    with ApiClient(_configuration(url)) as client:
        api = MessagingApi(client)
        for request in _requests(requests):
            api.multicast(request, x_line_retry_key=str(uuid4()))


async def _gathered(url: str, requests: int) -> None:
    async with AsyncApiClient(_configuration(url)) as client:
        api = AsyncMessagingApi(client)
        sent = (api.multicast(each, x_line_retry_key=str(uuid4())) for each in _requests(requests))
        answers = await asyncio.gather(*sent, return_exceptions=True)
    if unexpected := [e for e in answers if isinstance(e, BaseException) and not isinstance(e, ApiException)]:
        raise unexpected[0]


def _configuration(url: str) -> Configuration:
    return Configuration(access_token="not-a-token-of-anybody", host=url)  # noqa: S106 - on loopback


def _requests(number: int) -> Iterator[MulticastRequest]:
    text, to = compose(content()), [each.address for each in TO]
    return (MulticastRequest(to=to, messages=[TextMessage(text=text)]) for _ in range(number))


@asynccontextmanager
async def _hub(
    folder: Path, gateway: GatewayApart, requests: int, recipients: int
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """It has one channel, and sends as many alerts as come to so many requests."""
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(
            rehearsal_city(folder, residents_port=0, staff_port=0, conditions=Conditions())
        )
        people = evening.clerks()
        await evening.set_up(town, people, number=0, seed=1, progress=lambda *_: None)
        path = folder / "yobikake.toml"
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        values.pop("phone_in", None)  # it needs voice
        values["channels"] = {"line": values["channels"]["line"] | {"base_url": gateway.url}}
        path.write_text(tomli_w.dumps(values), encoding="utf-8")
        found = settings_file.load(path)
        await enrol(found, town.city, recipients, lambda n: {"line": f"U{n:032x}"}, languages=(Language.JA,))
        assembly = await stack.enter_async_context(assemble(found))
        ready = asyncio.Event()
        running = asyncio.create_task(roles.run(assembly, ["fanout", "sweep", "line"], ready=ready.set))
        stack.push_async_callback(ended, running)
        await ready.wait()
        alerts = max(1, requests * len(TO) // recipients)

        async def send() -> None:
            sent = [
                await evening.alert(assembly, *people, grounds="bench", whole_city=True)
                for _ in range(alerts)
            ]
            for accepted, _ in sent:
                await _finished(assembly, accepted.alert.identifier)

        yield send


async def _finished(assembly: Assembly, identifier: str) -> None:
    """Wait until everybody has an outcome."""
    while True:
        tallies = await assembly.ledger.read(
            lambda conn: progress(conn, identifier, assembly.capabilities, now=assembly.clock())
        )
        if tallies["line"].complete and tallies["line"].done:
            return
        await asyncio.sleep(LOOK_S)
