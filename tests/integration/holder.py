"""A process of its own that delivers mail from a ledger it shares, to be frozen and killed by a test.

    python -m tests.integration.holder --folder DIR --port SMARTHOST --lease-s 20 --life-s 1

It logs to standard output, a line of JSON an event; the first says `ready`.
"""

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import structlog

from hub.bus.embedded import EmbeddedBus
from hub.gate import Leases
from tests.integration.engine import engine, mail, until


class Holder:
    """The test's end of it."""

    def __init__(self, process: asyncio.subprocess.Process, ledger: Path) -> None:
        self._process = process
        self._ledger = ledger
        self.events: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def said(self, event: str) -> None:
        """Returns once it has logged this."""

        async def logged() -> bool:
            return event in self.events

        await until(logged)

    async def freeze(self) -> None:
        """Returns once it stands still, wherever it was but in the middle of a commit: of SQLite it would keep everybody
        else out for as long."""

        async def stopped() -> bool:
            status = Path(f"/proc/{self._process.pid}/stat").read_text()
            return status.rpartition(")")[2].split()[0] == "T"

        async def keeps_nobody_out() -> bool:
            self._process.send_signal(signal.SIGSTOP)
            await until(stopped)
            if free := _may_be_written(self._ledger):
                return free
            self.thaw()
            return False

        await until(keeps_nobody_out)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """As when the power goes."""
        self._process.kill()
        await self._process.wait()

    async def end(self) -> None:
        if self._process.returncode is None:
            self.thaw()
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), 120)
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line)["event"])


def _may_be_written(ledger: Path) -> bool:
    with closing(sqlite3.connect(ledger, timeout=0)) as conn:
        try:
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


@asynccontextmanager
async def holder(folder: Path, port: int, leases: Leases) -> AsyncIterator[Holder]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.holder", "--folder", str(folder), "--port", str(port),
        "--lease-s", str(leases.lease.total_seconds()), "--life-s", str(leases.life.total_seconds()),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    held = Holder(process, folder / "ledger.db")
    try:
        await held.said("ready")
        yield held
    finally:
        await held.end()


async def deliver(folder: Path, port: int, leases: Leases) -> None:
    """Until told to end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    carrier = EmbeddedBus(folder / f"bus-{os.getpid()}.db")
    async with (
        engine(
            folder, channels={"mail": mail(port)}, bus=carrier, owner=f"holder {os.getpid()}",
            leases=leases, only_process=False,
        ) as hub,
        hub.running("mail"),
    ):  # fmt: skip
        structlog.get_logger(__name__).info("ready")
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lease-s", type=float, required=True)
    parser.add_argument("--life-s", type=float, required=True)
    given = parser.parse_args()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stdout),
    )
    leases = Leases(lease=timedelta(seconds=given.lease_s), life=timedelta(seconds=given.life_s))
    try:
        asyncio.run(deliver(given.folder, given.port, leases))
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    main()
