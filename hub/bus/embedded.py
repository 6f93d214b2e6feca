"""The bus of a hub that is one process: a durable log in SQLite, no server.

Topics, groups, offsets and replay mean what they mean in Kafka, so that nothing above notices which
of the two carries it. Why it is our own: docs/decisions/0002-embedded-bus.md.
"""

import asyncio
import fcntl
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

import structlog

from hub.bus import Record, journal
from hub.bus.group import Group, Seat
from hub.bus.journal import Partition, Retention
from hub.bus.writer import Writer
from hub.clock import Clock, utc_now
from hub.errors import Refused, TemporaryFailure

log = structlog.get_logger(__name__)

T = TypeVar("T")

TRIM_EVERY = timedelta(hours=1)
TRIM_AT_ONCE = 1_000
"""Records of one transaction, so that a trim holds up no publisher for long."""


class EmbeddedBus:
    """`path` is the database, made where it is missing; one process at a time may open it.

    Records are kept for `keep` and until every group of their topic has committed them, but never
    for longer than `keep_uncommitted`: a group that is gone for good does not fill the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = utc_now,
        keep: timedelta = timedelta(days=1),
        keep_uncommitted: timedelta = timedelta(days=7),
    ) -> None:
        self._path = path
        self._clock = clock
        self._keep = keep
        self._keep_uncommitted = keep_uncommitted
        self._groups: defaultdict[str, dict[str, Group]] = defaultdict(dict)
        self._ends: dict[Partition, int] = {}
        self._last_offset = 0
        self._opened: _Opened | None = None
        self._trimming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises `Refused` when another process has it open, or when the file cannot be used."""
        lock = await asyncio.to_thread(_lock, self._path)
        try:
            writing, reading = await asyncio.to_thread(self._load)
        except sqlite3.Error as e:
            lock.close()
            raise Refused(
                f"{self._path}: the bus cannot be opened ({e}). Move the file away and start again: deliveries "
                "that were under way come from the ledger. / バスのファイルを開けません。別の場所に移して"
                "起動し直してください。配信中のものは台帳から再開します。"
            ) from e
        self._opened = _Opened(lock, writing, reading)
        self._trimming = asyncio.create_task(self._trim_hourly())

    async def publish(self, topic: str, key: str, value: bytes) -> None:
        await self.publish_many(topic, [(key, value)])

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """All of them or none.

        Raises:
            TemporaryFailure: the disk did not take them.
            Refused: the bus is not open.
        """
        with _disk_errors():
            await self._open_now.writer.run(partial(self._append, topic, list(records)), then=self._grown)

    @asynccontextmanager
    async def subscribe(self, topic: str, *, group: str) -> AsyncIterator["Member"]:
        joined = self._groups[topic].setdefault(group, Group())
        with _disk_errors():  # written down before the first record is read, so that a trim waits for it
            start = dict(enumerate(joined.committed))
            await self._open_now.writer.run(
                partial(journal.commit, topic=topic, group=group, following=start)
            )
        seat = joined.join()
        try:
            yield Member(self, topic, group, seat)
        finally:
            joined.leave(seat)

    async def trim(self) -> int:
        """Remove the records that need not be kept; returns how many. Happens by itself every hour."""
        now_ms = self._now_ms()
        retention = Retention(
            done_before_ms=now_ms - self._keep // timedelta(milliseconds=1),
            all_before_ms=now_ms - self._keep_uncommitted // timedelta(milliseconds=1),
        )
        work = partial(journal.trim, partitions=list(self._ends), retention=retention, limit=TRIM_AT_ONCE)
        total = 0
        with _disk_errors():
            while removed := await self._open_now.writer.run(work):
                total += removed
        return total

    async def close(self) -> None:
        """Finishes what was published; every waiting `get` raises `Refused`."""
        if self._opened is None:
            return
        opened, self._opened = self._opened, None
        if self._trimming is not None:
            self._trimming.cancel()
            await asyncio.wait({self._trimming})
        for groups in self._groups.values():
            for group in groups.values():
                group.close()
        await opened.close()

    async def read(self, topic: str, starts: dict[int, int], limit: int) -> Sequence[Record]:
        """At most `limit` records of the given partitions, from the given offsets on."""
        opened = self._open_now
        with _disk_errors():
            return await opened.read(partial(_read, topic=topic, starts=starts, limit=limit))

    async def commit(self, topic: str, group: str, following: dict[int, int]) -> None:
        work = partial(journal.commit, topic=topic, group=group, following=following)
        with _disk_errors():
            await self._open_now.writer.run(work, then=lambda _: self._groups[topic][group].commit(following))

    def end(self, topic: str, partition: int) -> int:
        """The offset behind the partition's last record."""
        return self._ends.get((topic, partition), 0)

    @property
    def _open_now(self) -> "_Opened":
        if self._opened is None:
            raise Refused("The bus is not open. / バスは開いていません。")
        return self._opened

    def _load(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        writing, reading = journal.connect(self._path), journal.connect(self._path)
        self._last_offset = journal.last_offset(reading)
        self._ends = journal.ends(reading)
        self._groups.clear()
        for (topic, group), committed in journal.committed(reading).items():
            self._groups[topic][group] = Group(committed)
        return writing, reading

    def _append(
        self, topic: str, records: Sequence[tuple[str, bytes]], db: sqlite3.Connection
    ) -> dict[Partition, int]:
        """Runs in the writer's thread, which alone gives out offsets. A rollback leaves a gap: harmless."""
        after, self._last_offset = self._last_offset, self._last_offset + len(records)
        return journal.append(db, topic, records, after=after, at_ms=self._now_ms())

    def _grown(self, ends: dict[Partition, int]) -> None:
        self._ends |= ends
        for topic in {topic for topic, _ in ends}:
            for group in self._groups[topic].values():
                group.wake()

    async def _trim_hourly(self) -> None:
        while True:
            try:
                removed = await self.trim()
                if removed:
                    log.info("bus trimmed", records=removed)
            except TemporaryFailure as e:
                log.warning("bus not trimmed", reason=e.reason)
            await asyncio.sleep(TRIM_EVERY.total_seconds())

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)


class Member:
    """A `Subscription`, for one reader at a time. The partitions of the topic are shared by all members."""

    def __init__(self, bus: EmbeddedBus, topic: str, group: str, seat: Seat) -> None:
        self._bus = bus
        self._topic = topic
        self._group = group
        self._seat = seat

    async def get(self, *, max_records: int = 500) -> Sequence[Record]:
        """Raises `Refused` once the bus or this subscription is closed."""
        while True:
            self._seat.changed.clear()
            if self._seat.closed:
                raise Refused("The subscription is closed. / 購読は終了しています。")
            if records := await self._read(max_records):
                return records
            await self._seat.changed.wait()

    async def commit(self, records: Sequence[Record]) -> None:
        following: dict[int, int] = {}
        for record in records:
            following[record.partition] = max(following.get(record.partition, 0), record.offset + 1)
        if following:
            await self._bus.commit(self._topic, self._group, following)

    async def _read(self, limit: int) -> Sequence[Record]:
        """What there is now. Empty also when the partitions were dealt anew meanwhile."""
        seat = self._seat
        starts = {p: start for p, start in seat.positions.items() if start < self._bus.end(self._topic, p)}
        if not starts:
            return ()
        generation = seat.generation
        records = await self._bus.read(self._topic, starts, limit)
        if seat.generation != generation:
            seat.changed.set()
            return ()
        self._move_on(starts, records)
        return records

    def _move_on(self, starts: dict[int, int], records: Sequence[Record]) -> None:
        """Behind what was read. A partition that was read goes to the end of the queue: none starves."""
        for record in records:
            self._seat.positions[record.partition] = record.offset + 1
        for partition in {record.partition for record in records}:
            self._seat.positions[partition] = self._seat.positions.pop(partition)


class _Opened:
    """What exists only while the bus is open."""

    def __init__(self, lock: TextIO, writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        self.writer = Writer(writing)
        self._lock = lock
        self._reading = reading
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bus-reader")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, self._reading)

    async def close(self) -> None:
        await self.writer.close()
        await asyncio.to_thread(self._reader.shutdown)
        self._reading.close()
        self._lock.close()


def _read(db: sqlite3.Connection, *, topic: str, starts: dict[int, int], limit: int) -> Sequence[Record]:
    records: list[Record] = []
    for partition, start in starts.items():
        if len(records) >= limit:
            break
        records += journal.read(db, topic, partition, start=start, limit=limit - len(records))
    return records


def _lock(path: Path) -> TextIO:
    """Held until it is closed, or until the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        lock.close()
        raise Refused(
            f"{path}: another process has this bus open. End it first, or use Kafka for several processes. / "
            "別のプロセスがこのバスを使っています。先に終了してください（複数のプロセスには Kafka を使います）。"
        ) from e
    return lock


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as e:
        raise TemporaryFailure(
            "bus_disk",
            f"The bus could not use its disk ({e}). Check free space. / "
            "バスがディスクに書き込めません。空き容量を確かめてください。",
        ) from e
