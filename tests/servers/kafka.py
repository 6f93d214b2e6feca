"""Apache Kafka, one KRaft node: broker and controller in one process, no Docker."""

import asyncio
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.servers.port import free_port
from tests.servers.process import NotStarted, Process
from tests.servers.program import JAVA, MAVEN, Program
from tests.servers.say import say

POM = Path(__file__).with_name("pom.xml")
FOLDER = POM.parents[2] / ".servers"
LIBS = FOLDER / "kafka"

QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
"""A short start matters here more than the top speed that the full compiler reaches later."""

CLUSTER = "eW9iaWtha2UtdGVzdGluZw"
"""A cluster's id: sixteen bytes in base64."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
"""


class Kafka:
    """`start` after `stop` is the same broker again: the same port, the same records."""

    name: ClassVar[str] = "kafka"
    variable: ClassVar[str] = "KAFKA_BOOTSTRAP"

    @staticmethod
    def needs() -> tuple[Program, ...]:
        return (JAVA,) if _complete() else (JAVA, MAVEN)

    def __init__(self, directory: Path) -> None:
        port, controller = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        self.log = directory / "log"
        """Where its records lie."""
        self._directory = directory
        self._properties = directory / "server.properties"
        self._properties.write_text(PROPERTIES.format(broker=port, controller=controller, log=self.log))
        self.process: Process | None = None

    async def start(self) -> None:
        await asyncio.to_thread(fetch_jars)
        if not self.log.exists():
            await asyncio.to_thread(self._format)
        self.process = Process(
            [
                *_java("-Xms256m", "-Xmx512m", "-Dorg.apache.logging.log4j.level=INFO"),
                "kafka.Kafka",
                self._properties,
            ],
            directory=self._directory,
            log=self._directory / "kafka.log",
        )
        await self.process.start(ready="Kafka Server started")

    async def stop(self) -> None:
        """As an administrator stops it: leadership moves, the log is closed."""
        if self.process is not None:
            await self.process.stop()

    async def kill(self) -> None:
        """As a power cut stops it."""
        if self.process is not None:
            self.process.kill()
            await self.process.stop()

    def _format(self) -> None:
        argv = [*_java(), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._properties)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotStarted(f"kafka: the directory could not be formatted\n{done.stdout}{done.stderr}")


def fetch_jars() -> None:
    """Kafka's jars from Maven, once; several runs at the same time wait for the first.

    Raises:
        NotStarted: Maven could not get them.
    """
    if _complete():
        return
    with _lock():
        if _complete():
            return
        say("downloading Apache Kafka with Maven (once, about 45 MB) …")
        shutil.rmtree(LIBS, ignore_errors=True)
        LIBS.mkdir()
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={LIBS}"]
        argv = [str(MAVEN.path), "-q", "-B", "-f", str(POM), *goal]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotStarted(f"kafka: Maven could not download it\n{done.stdout[-2000:]}")
        shutil.copy(POM, LIBS / "complete.xml")
        say("downloaded Apache Kafka")


def _complete() -> bool:
    stamp = LIBS / "complete.xml"
    return stamp.exists() and stamp.read_bytes() == POM.read_bytes()


@contextmanager
def _lock() -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _java(*options: str) -> list[str]:
    return [str(JAVA.path), *QUICK, *options, "-cp", os.fspath(LIBS / "*")]
