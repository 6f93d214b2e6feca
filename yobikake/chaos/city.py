"""The city's shape: a process for each role, over three Kafka nodes, PostgreSQL and Redis.

The servers are started once and serve run after run; each run has a database, and names in Kafka and
Redis, of its own.
"""

import asyncio
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from hub.bus import topics
from hub.bus.kafka import administration
from hub.bus.transport import Unavailable
from hub.errors import HubError, Refused
from yobikake.chaos import people, shapes
from yobikake.chaos.people import Register
from yobikake.chaos.plan import CHANNELS
from yobikake.chaos.shapes import Post
from yobikake.rehearsal.servers.kafka import Kafka
from yobikake.rehearsal.servers.postgresql import PostgreSQL
from yobikake.rehearsal.servers.process import NotStarted
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.rehearsal.servers.redis import Redis

FILLED = "filled"
"""The database that each run's is copied from."""

KINDS = (
    "kafka_stopped",
    "kafka_restarted",
    "kafka_frozen",
    "kafka_wiped",
    "kafka_node_killed",
    "rebalance",
    "redis_flushed",
    "redis_down",
    "kafka_and_redis_down",
    "database_restarted",
)
"""What can hit a hub because it stands on servers."""

ELSEWHERE = frozenset({"full_disk"})
"""What hits a hub only where the ledger lies on its own disk."""

EMPTIED_EVERY = 20
"""Runs, after which Kafka begins anew: the topics of each would be a burden to all that follow."""

TOGETHER_S = 30.0
LOOK_AGAIN_S = 0.1


class City:
    """Seven kinds of work in six processes; mail has two, so that one can take over from the other."""

    name: ClassVar[str] = "city"
    nodes: ClassVar[int] = 3
    """Of Kafka."""
    kinds: ClassVar[tuple[str, ...]] = (
        *KINDS,
        *(kind for kind in shapes.KINDS if kind not in ELSEWHERE),
    )
    posts: ClassVar[tuple[Post, ...]] = (
        Post(name="api", roles=("api",)),
        Post(name="plan", roles=("fanout", "sweep")),
        Post(name="receipts", roles=("receipts",)),
        Post(name="mail-1", roles=("mail",)),
        Post(name="mail-2", roles=("mail",)),
        Post(name="others", roles=("line", "voice", "x")),
    )

    kafka: Kafka
    postgresql: PostgreSQL
    redis: Redis

    def __init__(self, *, durable: bool = False) -> None:
        """`durable`: as `PostgreSQL` has it.

        Raises:
            Refused: a server's program is not installed; says which, and how to get it.
        """
        self._durable = durable
        _require_programs()
        self.hands = asyncio.Lock()
        """Held by whoever ends, freezes or starts a server."""
        self._template = Path()
        self._runs = 0

    async def open(self, folder: Path) -> Register:
        """Raises `Refused` when a server did not start, with the end of its log."""
        await self.start(folder)
        self._template = _made(folder / "template")
        url = await asyncio.to_thread(self.postgresql.create, FILLED)
        return await people.populate(self._template, {"ledger": {"url": url}})

    async def start(self, folder: Path) -> None:
        """The servers, with nothing in them. Raises `Refused` when one did not start."""
        self.kafka = Kafka(_made(folder / Kafka.name), nodes=self.nodes)
        self.postgresql = PostgreSQL(_made(folder / PostgreSQL.name), durable=self._durable)
        self.redis = Redis(_made(folder / Redis.name))
        await self.heal()

    async def empty(self) -> dict[str, Any]:
        """The stanzas of a hub that has nobody in it yet, once the servers are started."""
        self._runs += 1
        url = await asyncio.to_thread(self.postgresql.create, self._database)
        await self.make_topics()
        return self._stanzas(url)

    async def fresh(self, folder: Path) -> dict[str, Any]:
        await asyncio.to_thread(self.postgresql.drop, self._database)
        self._runs += 1
        if self._runs % EMPTIED_EVERY == 0:
            await self.kafka.wipe()
        url = await asyncio.to_thread(self.postgresql.create, self._database, like=FILLED)
        await asyncio.to_thread(shutil.copytree, self._template, folder, dirs_exist_ok=True)
        await self.make_topics()
        return self._stanzas(url)

    async def make_topics(self) -> None:
        """Fewer partitions than a city has: the nodes share two processors with everything else here.

        Raises:
            Refused: the cluster does not take them.
        """
        try:
            async with asyncio.timeout(TOGETHER_S):
                await self._until_together()
                with resources.as_file(resources.files("yobikake.chaos") / "topics.toml") as declared:
                    await topics.ensure(self.kafka.address, CHANNELS, path=declared, prefix=self._prefix)
        except (TimeoutError, HubError) as e:
            raise Refused("Kafka does not take topics. / Kafka にトピックを作れません。") from e

    def carried(self, folder: Path) -> Sequence[Path]:
        """Every segment of this run's topics, on every node."""
        return [path for node in self.kafka.nodes for path in sorted(node.log.glob(f"{self._prefix}*/*.log"))]

    async def heal(self) -> None:
        """Raises `Refused` when one does not start."""
        self.kafka.thaw()
        servers = (self.kafka, self.postgresql, self.redis)
        try:
            await asyncio.gather(*(server.start() for server in servers if not server.running))
        except NotStarted as e:
            raise Refused(f"{e} / サーバーが起動しません。") from e

    async def close(self) -> None:
        """At once: nothing of them is kept."""
        await asyncio.gather(
            *(getattr(self, name).kill() for name in ("kafka", "postgresql", "redis") if hasattr(self, name))
        )

    def _stanzas(self, url: str) -> dict[str, Any]:
        return {
            "ledger": {"url": url},
            "bus": {"kafka": self.kafka.address, "prefix": self._prefix},
            "live": {"redis": self.redis.address, "share": 0.5},
        }

    @property
    def _database(self) -> str:
        return f"run_{self._runs}"

    @property
    def _prefix(self) -> str:
        return f"run-{self._runs}."

    async def _until_together(self) -> None:
        """A topic gets as many copies as there are brokers at that moment."""
        while True:
            try:
                async with administration(self.kafka.address) as cluster:
                    if await cluster.brokers() == self.nodes:
                        return
            except Unavailable:
                pass
            await asyncio.sleep(LOOK_AGAIN_S)


class SmallCity(City):
    """With one Kafka node: while that is away, nothing travels."""

    name: ClassVar[str] = "small-city"
    nodes: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(kind for kind in City.kinds if kind != "kafka_node_killed")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _require_programs() -> None:
    if absent := missing(program for server in (Kafka, PostgreSQL, Redis) for program in server.needs()):
        names = ", ".join(program.name for program in absent)
        raise Refused(
            f"--shape city runs Kafka, PostgreSQL and Redis on this machine. Missing: {names} ({advice(absent)}). "
            "`--shape embedded` needs none of them. / 必要なサーバーのプログラムがありません"
        )
