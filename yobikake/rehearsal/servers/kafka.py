"""Apache Kafka: one node, or a cluster of several, of which any can be ended by itself."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from yobikake.rehearsal.servers import jars
from yobikake.rehearsal.servers.kafka_node import Node, Place
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.program import JAVA, MAVEN, Program


class Kafka:
    """With three nodes a record counts once two have it, so any one of them may be lost.

    `start` after `stop` or `kill` is the same cluster again: the same ports, the same records. Starting
    it also brings back a node that was killed alone.
    """

    name: ClassVar[str] = "kafka"
    variable: ClassVar[str] = "KAFKA_BOOTSTRAP"
    logs_variable: ClassVar[str] = "KAFKA_LOG_DIRS"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (JAVA,) if jars.fetched() else (JAVA, MAVEN)

    def __init__(self, directory: Path, *, nodes: int = 1) -> None:
        places = [
            Place(id=number, broker=free_port(), controller=free_port()) for number in range(1, nodes + 1)
        ]
        self.nodes = tuple(_node(directory, place, places) for place in places)
        self.address = ",".join(node.address for node in self.nodes)

    @property
    def running(self) -> bool:
        """All of it."""
        return all(node.running for node in self.nodes)

    def environment(self) -> dict[str, str]:
        """Also where its records lie, for whoever wants to read what was really written."""
        logs = os.pathsep.join(str(node.log) for node in self.nodes)
        return {self.variable: self.address, self.logs_variable: logs}

    async def start(self) -> None:
        await asyncio.to_thread(jars.fetch)
        await _each(lambda node: node.start(), [node for node in self.nodes if not node.running])

    async def stop(self) -> None:
        """As an administrator stops it; nodes that can still hand over their leadership do."""
        await _each(lambda node: node.stop(), self.nodes)

    async def kill(self) -> None:
        """As a power cut stops all of it."""
        await _each(lambda node: node.kill(), self.nodes)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def wipe(self) -> None:
        """A new, empty cluster on the same ports: no topic, no record, no group."""
        await self.kill()
        for node in self.nodes:
            await asyncio.to_thread(node.forget)
        await self.start()

    def freeze(self) -> None:
        """All of it is there, and silent."""
        for node in self.nodes:
            node.freeze()

    def thaw(self) -> None:
        for node in self.nodes:
            node.thaw()

    def controller(self) -> Node:
        """The node that leads the cluster's own log, as the nodes wrote it down last."""
        _election, leader = max(node.vote() for node in self.nodes)
        return next(node for node in self.nodes if node.id == leader)


def _node(directory: Path, place: Place, places: list[Place]) -> Node:
    own = directory if len(places) == 1 else directory / f"node-{place.id}"
    own.mkdir(parents=True, exist_ok=True)
    return Node(own, place, places)


async def _each(doing: Callable[[Node], Awaitable[None]], nodes: tuple[Node, ...] | list[Node]) -> None:
    """To the end for every one, also when one of them fails."""
    done = await asyncio.gather(*(doing(node) for node in nodes), return_exceptions=True)
    for failure in done:
        if isinstance(failure, BaseException):
            raise failure
