"""A rehearsal city whose gateways run in a process of their own, and tell by channel whom they took something for.

`python -m yobikake.bench.city_apart FOLDER PLAN` writes the hub's folder, says that it is ready, then carries out every
line on its input (an `Order`) and answers with a `Told`. It keeps no message: there may be a hundred thousand of each.
"""

import asyncio
import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import tomli_w

from hub import typed
from hub.measure import segments
from yobikake.rehearsal.city import Conditions, RehearsalCity, rehearsal_city
from yobikake.rehearsal.exchange import Exchange
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.inbox import Arrival, Inbox
from yobikake.rehearsal.push import PushService
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.twilio_handsets import Signal
from yobikake.rehearsal.twilio_phones import Fates
from yobikake.rehearsal.wordpress import WordpressSite

RETRY_AFTER = timedelta(seconds=1)
"""What a request that comes too often is told to wait."""
KNOW_REPEATS = frozenset({"line", "webhook"})
"""Gateways that know a repeat by its key, and carry it out once."""
WORDPRESS_USER, WORDPRESS_PASSWORD = "yobikake", "not a password of anybody"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`systems`: receivers of webhooks. `browsers`: subscriptions that are made; their lines go to `browsers.txt`."""

    residents_port: int
    staff_port: int
    systems: int
    browsers: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Tell of a channel since it was asked last, the addresses to a file; from now on its gateway is like this."""

    channel: str
    to: str
    faults: Faults


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """`requests`: that named somebody, or all where none does; refused ones too. Times are seconds since the epoch, 0 where there was nothing."""

    requests: int = 0
    taken: int = 0
    """Recipients of those carried out that reached them, each as often as they were: a call that nobody picks up is made
    again."""
    parts: int = 0
    """Of short messages, what a contract counts; else the requests that were carried out."""
    first_at: float = 0.0
    last_at: float = 0.0


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """How often each was taken."""

    taken: dict[str, int]


class CityApart:
    """As whoever measures sees it."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self.pid = process.pid
        self._process = process

    @property
    def settings(self) -> Path:
        return self.folder / "yobikake.toml"

    @property
    def browsers(self) -> list[str]:
        """The lines of the subscriptions."""
        return (self.folder / "browsers.txt").read_text(encoding="utf-8").splitlines()

    async def told(self, channel: str, *, then: Faults) -> tuple[Told, Addresses]:
        """Since it was asked last; `then`: how this channel's gateway is from now on."""
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        path = self.folder / "told.json"
        order = Order(channel=channel, to=str(path), faults=then)
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        told = typed.from_json(await self._process.stdout.readline(), Told)
        return told, typed.from_json(path.read_bytes(), Addresses)


@asynccontextmanager
async def city_apart(folder: Path, plan: Plan) -> AsyncIterator[CityApart]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake.bench.city_apart", str(folder), msgspec.json.encode(plan).decode(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the rehearsal city did not start")
        yield CityApart(folder, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Nowhere(Inbox):
    """Keeps nothing: a measurement is no demo."""

    def add(self, arrival: Arrival) -> None:
        pass


class _Account:
    """What the gateways of one channel saw."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []

    def witness(self, forget: Callable[[], None]) -> Callable[[Exchange], None]:
        def see(exchange: Exchange) -> None:
            forget()
            self._exchanges.append(exchange)

        return see

    def told(self, channel: str) -> tuple[Told, Addresses]:
        seen = [each for each in self._exchanges if each.to] or self._exchanges
        self._exchanges = []
        carried_out = [each for each in seen if each.taken and each.reached and each.taken_at is not None]
        if channel in KNOW_REPEATS:
            taken = Counter(address for address, _ in {(to, e.key) for e in carried_out for to in e.taken})
        else:
            taken = Counter(address for each in carried_out for address in each.taken)
        times = [each.taken_at.timestamp() for each in carried_out if each.taken_at is not None]
        told = Told(
            requests=len(seen),
            taken=taken.total(),
            parts=sum(segments(each.text) if channel == "sms" else 1 for each in carried_out),
            first_at=min(times, default=0.0),
            last_at=max(times, default=0.0),
        )
        return told, Addresses(taken=dict(taken))


def _conditions() -> Conditions:
    """All is well, and nobody takes a while to pick up."""
    return Conditions(
        mail=Faults(),
        line=Faults(),
        x=Faults(),
        voice=Faults(),
        sms=Faults(),
        fax=Faults(),
        webhook=Faults(),
        wifi=Faults(),
        loudspeaker=Faults(),
        webpush=Faults(),
        handsets=Signal(),
        phones=Fates(),
    )


def _gateways(town: RehearsalCity, wordpress: WordpressSite) -> dict[str, list[HttpGateway | SmtpGateway]]:
    found: dict[str, list[HttpGateway | SmtpGateway]] = {}
    every: list[HttpGateway | SmtpGateway] = [town.smtp, town.fax, *town.http, wordpress]
    for gateway in every:
        found.setdefault(gateway.channel, []).append(gateway)
    return found


def _forgetting(gateway: HttpGateway | SmtpGateway) -> Callable[[], None]:
    if isinstance(gateway, SmtpGateway):
        gateway.inbox = None
        return gateway.forget
    if isinstance(gateway, PushService):
        return partial(_forget_pushes, gateway)
    return gateway.requests.clear


def _forget_pushes(service: PushService) -> None:
    service.requests.clear()
    service.opened.clear()


def _complete(town: RehearsalCity, wordpress: WordpressSite, plan: Plan) -> None:
    """As many systems and browsers as were asked for; a website beside the folder."""
    password = town.folder / "secrets" / "wordpress"
    password.touch(mode=0o600)
    password.write_text(WORDPRESS_PASSWORD)
    path = town.folder / "yobikake.toml"
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    channels = values["channels"]
    channels["website"]["wordpress"] = {
        "url": wordpress.url,
        "user": WORDPRESS_USER,
        "password_file": str(password),
    }
    like = channels["webhook"]["systems"][0]
    base = like["url"].removesuffix(like["ref"])
    channels["webhook"]["systems"] = [
        like | {"ref": f"system-{n}", "name": f"連携先{n}（架空）", "url": f"{base}system-{n}"}
        for n in range(plan.systems)
    ]
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    lines = [town.push.subscribe(town.push_key).line for _ in range(plan.browsers)]
    (town.folder / "browsers.txt").write_text("\n".join(lines), encoding="utf-8")


async def _serve(folder: Path, plan: Plan) -> None:
    wordpress = WordpressSite(Nowhere(), user=WORDPRESS_USER, password=WORDPRESS_PASSWORD)
    async with (
        rehearsal_city(
            folder,
            residents_port=plan.residents_port,
            staff_port=plan.staff_port,
            conditions=_conditions(),
            inbox=Nowhere(),
        ) as town,
        wordpress,
    ):
        _complete(town, wordpress, plan)
        by_channel = _gateways(town, wordpress)
        accounts = {channel: _Account() for channel in by_channel}
        for channel, gateways in by_channel.items():
            for gateway in gateways:
                gateway.witness = accounts[channel].witness(_forgetting(gateway))
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = typed.from_json(line, Order)
            told, addresses = accounts[order.channel].told(order.channel)
            await asyncio.to_thread(Path(order.to).write_bytes, msgspec.json.encode(addresses))
            for gateway in by_channel[order.channel]:
                _turn(gateway, order.faults)
            print(msgspec.json.encode(told).decode(), flush=True)


def _turn(gateway: HttpGateway | SmtpGateway, faults: Faults) -> None:
    gateway.faults = faults
    if isinstance(gateway, HttpGateway):
        gateway.retry_after = RETRY_AFTER


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), typed.from_json(sys.argv[2], Plan)))
