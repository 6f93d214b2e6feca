"""One node of Apache Kafka: broker and KRaft controller in one process, no Docker."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yobikake.rehearsal.servers import jars
from yobikake.rehearsal.servers.process import NotStarted, Process
from yobikake.rehearsal.servers.program import JAVA

QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
"""A short start matters here more than the top speed that the full compiler reaches later."""

CLUSTER = "eW9iaWtha2UtdGVzdGluZw"
"""A cluster's id: sixteen bytes in base64."""

PROPERTIES = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log}
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node's number in its cluster, from 1, and its ports."""

    id: int
    broker: int
    controller: int


class Node:
    """`start` after `stop` or `kill` is the same node again: the same ports, the same records."""

    def __init__(self, directory: Path, place: Place, cluster: Sequence[Place]) -> None:
        self.id = place.id
        self.address = f"127.0.0.1:{place.broker}"
        self.log = directory / "log"
        """Where its records lie."""
        self._directory = directory
        self._properties = directory / "server.properties"
        self._properties.write_text(_properties(self.log, place, cluster))
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    async def start(self) -> None:
        """Returns once it serves; one of several waits for a majority of the others. Raises `NotStarted`."""
        libs = await asyncio.to_thread(jars.fetch)
        if not self.log.exists():
            await asyncio.to_thread(self._format, libs)
        java = _java(libs, "-Xms128m", "-Xmx512m", "-Dorg.apache.logging.log4j.level=INFO")
        self._process = Process(
            [*java, "kafka.Kafka", self._properties],
            directory=self._directory,
            log=self._directory / "kafka.log",
        )
        await self._process.start(ready="Kafka Server started")

    async def stop(self) -> None:
        """As an administrator stops it: leadership moves, the log is closed."""
        if self._process is not None:
            await self._process.stop()

    async def kill(self) -> None:
        """As a power cut stops it."""
        if self._process is not None:
            self._process.kill()
            await self._process.stop()

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        if self._process is not None:
            self._process.freeze()

    def thaw(self) -> None:
        if self._process is not None:
            self._process.thaw()

    def forget(self) -> None:
        """Every record and every group's place is gone. Only while it is stopped."""
        shutil.rmtree(self.log, ignore_errors=True)

    def vote(self) -> tuple[int, int]:
        """The last election it knows of and the node that won it, or -1 while that is open."""
        state = json.loads((self.log / "__cluster_metadata-0" / "quorum-state").read_text())
        return int(state["leaderEpoch"]), int(state["leaderId"])

    def _format(self, libs: Path) -> None:
        tool = [*_java(libs), "kafka.tools.StorageTool", "format", "-t", CLUSTER]
        argv = [*tool, "-c", str(self._properties)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise NotStarted(f"kafka: the directory could not be formatted\n{done.stdout}{done.stderr}")


def _properties(log: Path, place: Place, cluster: Sequence[Place]) -> str:
    """Every record is on every node, up to three, and counts once all but one of them have it."""
    copies = min(3, len(cluster))
    return PROPERTIES.format(
        id=place.id,
        voters=",".join(f"{each.id}@127.0.0.1:{each.controller}" for each in cluster),
        broker=place.broker,
        controller=place.controller,
        log=log,
        copies=copies,
        in_sync=max(1, copies - 1),
    )


def _java(libs: Path, *options: str) -> list[str]:
    return [str(JAVA.path), *QUICK, *options, "-cp", os.fspath(libs / "*")]
