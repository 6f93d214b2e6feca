"""The planner of one alert, in a process of its own, and what it took.

`python -m yobikake.bench.plan_apart SETTINGS ALERT` says how far it is, and in its last line, as JSON, what came of
it (`Planned`).
"""

import asyncio
import logging
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection, func, select

from hub import exposure, settings
from hub.bus.embedded import EmbeddedBus
from hub.fanout import Fanout
from hub.idset import IdSet
from hub.ledger import batches, tables
from yobikake.assembly import Assembly, assemble

CHANNEL = "mail"
TELL_S = 5.0


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """`recipients`: members of batches, `distinct` ones among them; the two differ when somebody is in two."""

    seconds: float
    recipients: int
    distinct: int
    batches: int
    texts: int
    resident_bytes: int
    peak_bytes: int
    bytes_before: int
    bytes_after: int


class Forgetful(EmbeddedBus):
    """Takes every record and keeps none. Tells how far planning is."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._taken = 0
        self._tell_at = time.monotonic() + TELL_S

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        self._taken += len(records)
        if time.monotonic() >= self._tell_at:
            self._tell_at += TELL_S
            print(f"planned {self._taken:,} batches", flush=True)


async def plan(path: Path, alert: str) -> Planned:
    found = settings.load(path)
    database = found.data / "ledger.db"
    async with assemble(found) as assembly:
        before = _size(database)
        resident = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240 - proc_pid_clear_refs(5): forget the peak
        began = time.perf_counter()
        await _fanout(assembly).plan(alert)
        seconds = time.perf_counter() - began
        peak = _memory("VmHWM")
        recipients, distinct, number, texts = await assembly.ledger.read(lambda conn: _counted(conn, alert))
        return Planned(
            seconds=seconds,
            recipients=recipients,
            distinct=distinct,
            batches=number,
            texts=texts,
            resident_bytes=resident,
            peak_bytes=peak,
            bytes_before=before,
            bytes_after=_size(database),
        )


def _fanout(assembly: Assembly) -> Fanout:
    return Fanout(
        ledger=assembly.ledger,
        transport=Forgetful(),
        records=assembly.records,
        keys=assembly.keys,
        capabilities=assembly.capabilities,
        render=assembly.renderer.render,
        clock=assembly.clock,
        exposure=exposure.load(assembly.city_folder, assembly.city),
    )


def _counted(conn: Connection, alert: str) -> tuple[int, int, int, int]:
    people, recipients, number = IdSet(), 0, 0
    for members in batches.planned(conn, alert, CHANNEL):
        people.update(members)
        recipients += len(members)
        number += 1
    texts = conn.execute(select(func.count()).select_from(tables.contents)).scalar_one()
    return recipients, len(people), number, int(texts)


def _size(database: Path) -> int:
    """Bytes of the file, with everything in it that was committed."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return database.stat().st_size


def _memory(name: str) -> int:
    """Bytes; `proc_pid_status(5)` says what the names mean."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith(name))
    return int(line.split()[1]) * 1024


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(msgspec.json.encode(asyncio.run(plan(Path(sys.argv[1]), sys.argv[2]))).decode(), flush=True)


if __name__ == "__main__":
    main()
