"""What the occupancy of each site was computed from, kept over a restart. In a database of its own.

Not the record: that is the ledger. It lies elsewhere so that readings never wait for an alert's
commit, nor an alert for theirs; losing it means 不明 until the next head count, never a wrong number.
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from shelters.occupancy import Occupancy
from shelters.site import SiteCode
from shelters.tally import Tally

_metadata = MetaData()

_snapshots = Table(
    "occupancy_snapshots",
    _metadata,
    Column("site", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A site's tally and what was last said of it."""

    tally: Tally
    said: Occupancy


class Snapshots:
    """Open it before use. Safe for several processes: of two that write the same version, one is told."""

    def __init__(self, url: str) -> None:
        """`url`: SQLAlchemy's, for example `sqlite:///…/occupancy.db` or `postgresql+psycopg://…`."""
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _tune)
            event.listen(self._engine, "begin", _begin)

    async def open(self) -> None:
        await asyncio.to_thread(_metadata.create_all, self._engine)

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.dispose)

    async def load(self, sites: Collection[SiteCode] | None = None) -> dict[SiteCode, Snapshot]:
        """The snapshots of `sites` (None: of all) that have one."""
        return await asyncio.to_thread(self._load, sites)

    async def save(self, snapshots: Iterable[tuple[Snapshot | None, Snapshot]]) -> set[SiteCode]:
        """Write the second of each pair where the first is what is there; the sites where it is not."""
        return await asyncio.to_thread(self._save, list(snapshots))

    def _load(self, sites: Collection[SiteCode] | None) -> dict[SiteCode, Snapshot]:
        query = select(_snapshots)
        if sites is not None:
            query = query.where(_snapshots.c.site.in_(sites))
        with self._engine.connect() as conn:
            return {row.site: msgspec.msgpack.decode(row.body, type=Snapshot) for row in conn.execute(query)}

    def _save(self, pairs: list[tuple[Snapshot | None, Snapshot]]) -> set[SiteCode]:
        with self._engine.begin() as conn:
            return {new.tally.site for known, new in pairs if not _write(conn, known, new)}


def _write(conn: Connection, known: Snapshot | None, snapshot: Snapshot) -> bool:
    site, body = snapshot.tally.site, msgspec.msgpack.encode(snapshot)
    if known is not None:
        there = (_snapshots.c.site == site) & (_snapshots.c.version == known.said.version)
        done = conn.execute(update(_snapshots).where(there).values(version=snapshot.said.version, body=body))
        return done.rowcount == 1
    try:
        with conn.begin_nested():
            conn.execute(insert(_snapshots).values(site=site, version=snapshot.said.version, body=body))
    except IntegrityError:
        return False
    return True


def _tune(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN and SAVEPOINT, not the driver's guesses
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")
