"""One alert to a whole city on each channel by itself: hub, connector and gateway whole, and the sums compared.

The hub is `yobikake serve` in a process of its own, with its ledger and its sealed addresses; the gateways are the
rehearsal's, in another one. Then once more in a smaller city, where a little of everything goes wrong. What the
contract would make slow is not waited for: the pace is a setting, and is raised.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hub import keys as key_files
from hub import settings
from yobikake.assembly import assemble
from yobikake.bench.asking import Answered, ask
from yobikake.bench.city_apart import CityApart, Plan, city_apart
from yobikake.bench.connector_peers import Peer, peer
from yobikake.bench.connector_run import Run, Sender, Watch
from yobikake.bench.figures import Machine, Say, machine
from yobikake.bench.hub_apart import Desk, Shape, ledger_of, only, running, submitted
from yobikake.bench.town import enrol
from yobikake.bench.ways import Way, ways
from yobikake.rehearsal import evening
from yobikake.rehearsal.evening import Clerk
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.port import free_port

WINDOW = "window"
"""Stands among the channels: it is asked as many questions as there are residents."""
SYSTEMS = 1_000
"""Receivers of webhooks at the most: one for a hundred residents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`contracts_per_s`: of channels whose pace was raised, what an ordinary contract allows. `window`: None: it was not
    asked."""

    residents: int
    runs: Sequence[Run]
    peers: Sequence[Peer]
    window: Answered | None
    contracts_per_s: dict[str, float]
    machine: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class _Town:
    """Everybody is registered; nothing runs but the gateways. `every`: settings with all channels."""

    city: CityApart
    every: Path
    ways: Sequence[Way]
    people: tuple[Clerk, Clerk]


async def measure(
    residents: int, *, faulty: int, questions: int, channels: Collection[str], say: Say, watch: Watch
) -> Measured:
    """`faulty`: residents of the smaller city; 0: without it. `channels`: none: all, and the window.

    Raises:
        Wrong: sums are not right, or a question was not answered.
    """
    found = machine("aiohttp", "sqlalchemy", "cryptography", "twilio")
    runs: list[Run] = []
    peers: list[Peer] = []
    answered = None
    async with _town(residents, channels, say) as town:
        for way in town.ways:
            say(f"{way.kind}, {residents:,} residents")
            run, other = await _channel(town, way, faulty=False, watch=watch)
            runs.append(run)
            peers += other
            say(f"{way.kind}: {run.sums.recipients:,} in {run.settled_s:.1f} s")
        if not channels or WINDOW in channels:
            answered = await ask(town.city.settings, town.every, town.people, questions, say=say, watch=watch)
        contracts = {way.kind: way.contract_per_s for way in town.ways if way.contract_per_s}
    if faulty:
        async with _town(faulty, channels, say) as town:
            for way in town.ways:
                say(f"{way.kind}, {faulty:,} residents, with faults")
                run, _ = await _channel(town, way, faulty=True, watch=watch)
                runs.append(run)
    return Measured(
        residents=residents,
        runs=runs,
        peers=peers,
        window=answered,
        contracts_per_s=contracts,
        machine=found,
    )


@asynccontextmanager
async def _town(residents: int, channels: Collection[str], say: Say) -> AsyncIterator[_Town]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(temporary("yobikake-bench-"))
        (folder / "hub").mkdir()
        plan = Plan(
            residents_port=free_port(),
            staff_port=free_port(),
            systems=max(2, min(SYSTEMS, residents // 100)),
            browsers=residents if not channels or "webpush" in channels else 0,
        )
        city = await stack.enter_async_context(city_apart(folder / "hub", plan))
        every = folder / "every.toml"
        every.write_text(city.settings.read_text(encoding="utf-8"), encoding="utf-8")
        chosen = [way for kind, way in ways(city.browsers).items() if not channels or kind in channels]
        people = evening.clerks()
        found = await evening.found_hub(city.folder, people)
        say(f"registering {residents:,} residents")
        contacts = {way.kind: way.contact for way in chosen if way.contact is not None}
        async with assemble(found) as assembly:
            where = assembly.city
        await enrol(found, where, residents, lambda n: {kind: of(n) for kind, of in contacts.items()})
        yield _Town(city=city, every=every, ways=chosen, people=people)


async def _channel(town: _Town, way: Way, *, faulty: bool, watch: Watch) -> tuple[Run, list[Peer]]:
    """An alert; and where all is well, what others send with, to some of the same people."""
    path, (author, approver) = town.city.settings, town.people
    only(path, way.kind, of=town.every, **way.over)
    found = settings.load(path)
    async with assemble(found) as assembly:
        (draft,) = await submitted(assembly, author, channels=(way.kind,), number=1)
        capabilities = assembly.capabilities
    async with AsyncExitStack() as stack:
        (pid,) = (await stack.enter_async_context(running(path, Shape.EMBEDDED))).values()
        ledger = await stack.enter_async_context(ledger_of(found))
        desk = Desk(found, approver)
        stack.push_async_callback(desk.close)
        await desk.sign_in()
        sender = Sender(
            way=way,
            city=town.city,
            desk=desk,
            ledger=ledger,
            keys=key_files.load(found.keys),
            capabilities=capabilities,
            pid=pid,
            watch=watch,
        )
        run = await sender.send(draft, faulty=faulty)
        if faulty:
            return run, []
        addresses = list((await sender.audience()).values())
        return run, list(filter(None, [await peer(way.kind, found.channels[way.kind], addresses)]))
