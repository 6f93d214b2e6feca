"""The embedded bus's file: records and committed offsets, in SQLite.

WAL with `synchronous=NORMAL`: what was written survives the process, but the last commits may be
lost in a power cut. The ledger, which may not lose them, is another file.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from hub.bus import Record

PARTITIONS = 8
"""Of every topic. Stored records and offsets depend on it: another number needs a migration."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT,  -- over all topics; never used twice, not even after a trim
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    at_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS record_by_partition ON record (topic, partition, "offset");
CREATE TABLE IF NOT EXISTS committed (
    topic TEXT NOT NULL,
    "group" TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next INTEGER NOT NULL,  -- the first offset the group has not done
    PRIMARY KEY (topic, "group", partition)
) WITHOUT ROWID;
"""

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Milliseconds since 1970. Records from before `done_before_ms` go once every group of their topic
    has committed them; from before `all_before_ms` they go in any case."""

    done_before_ms: int
    all_before_ms: int


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from one thread at a time. Raises `sqlite3.Error`."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def partition_of(key: str) -> int:
    """Stable over restarts and versions."""
    return crc32(key.encode()) % PARTITIONS


def last_offset(db: sqlite3.Connection) -> int:
    """The highest offset ever given."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()
    return int(row[0]) if row else 0


def ends(db: sqlite3.Connection) -> dict[Partition, int]:
    """The offset behind the last record of every partition that holds one."""
    query = 'SELECT topic, partition, max("offset") + 1 FROM record GROUP BY topic, partition'
    return {(topic, partition): end for topic, partition, end in db.execute(query)}


def committed(db: sqlite3.Connection) -> dict[tuple[str, str], list[int]]:
    """By topic and group: the next offset of each partition."""
    found: dict[tuple[str, str], list[int]] = {}
    for topic, group, partition, following in db.execute(
        'SELECT topic, "group", partition, next FROM committed'
    ):
        found.setdefault((topic, group), [0] * PARTITIONS)[partition] = following
    return found


def append(
    db: sqlite3.Connection, topic: str, records: Iterable[tuple[str, bytes]], *, after: int, at_ms: int
) -> dict[Partition, int]:
    """Write (key, value) pairs at the offsets that follow `after`; returns the new ends."""
    rows = [
        (offset, topic, partition_of(key), key, value, at_ms)
        for offset, (key, value) in enumerate(records, start=after + 1)
    ]
    db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", rows)
    return {(topic, partition): offset + 1 for offset, _, partition, *_ in rows}


def read(db: sqlite3.Connection, topic: str, partition: int, *, start: int, limit: int) -> Sequence[Record]:
    """The records of a partition from offset `start` on."""
    rows = db.execute(
        'SELECT "offset", key, value FROM record'
        ' WHERE topic = ? AND partition = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?',
        (topic, partition, start, limit),
    )
    return [
        Record(topic=topic, key=key, value=value, partition=partition, offset=offset)
        for offset, key, value in rows
    ]


def commit(db: sqlite3.Connection, topic: str, group: str, following: dict[int, int]) -> None:
    """Set the next offset of each partition in `following`. Never moves one backwards."""
    db.executemany(
        "INSERT INTO committed VALUES (?, ?, ?, ?)"
        ' ON CONFLICT (topic, "group", partition) DO UPDATE SET next = max(next, excluded.next)',
        [(topic, group, partition, offset) for partition, offset in following.items()],
    )


def trim(db: sqlite3.Connection, partitions: Iterable[Partition], retention: Retention, *, limit: int) -> int:
    """Remove at most `limit` records that need not be kept, each partition's first ones; how many went."""
    removed = 0
    for topic, partition in partitions:
        if removed >= limit:
            break
        until = _keep_from(db, topic, partition, retention, limit=limit - removed)
        removed += db.execute(
            'DELETE FROM record WHERE topic = ? AND partition = ? AND "offset" < ?', (topic, partition, until)
        ).rowcount
    return removed


def _keep_from(
    db: sqlite3.Connection, topic: str, partition: int, retention: Retention, *, limit: int
) -> int:
    """The first offset to keep, at most `limit` records on. Looks at no more records than may go: a trim of
    many steps would else read all that is left at each of them."""
    query = "SELECT min(next) FROM committed WHERE topic = ? AND partition = ?"
    (done,) = db.execute(query, (topic, partition)).fetchone()
    rows = db.execute(
        'SELECT "offset", at_ms FROM record WHERE topic = ? AND partition = ? ORDER BY "offset" LIMIT ?',
        (topic, partition, limit),
    )
    until = 0
    for offset, at_ms in rows:
        is_done = done is None or offset < done
        if at_ms >= retention.all_before_ms and not (is_done and at_ms < retention.done_before_ms):
            break
        until = offset + 1
    return until
