"""What the occupancy of each site was computed from, kept over a restart. In a database of its own.

Not the record: that is the ledger. It lies elsewhere so that readings never wait for an alert's
commit, nor an alert for theirs; losing it means 不明 until the next head count, never a wrong number.

When a snapshot's form changes so that an earlier one cannot be read, the table gets another name: an earlier version's
snapshots are not converted but lost, and until heads are counted again the sites that have doors are 不明.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
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
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import DropTable

from hub import typed
from shelters.occupancy import Occupancy
from shelters.side_database import engine, make_tables
from shelters.site import SiteCode
from shelters.tally import Tally

_metadata = MetaData()

_EARLIER = ("occupancy_snapshots",)
"""What earlier versions of the hub called it."""

_snapshots = Table(
    "occupancy_beliefs",
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
        self._engine = engine(url)

    async def open(self) -> None:
        await asyncio.to_thread(make_tables, self._engine, _metadata)

    async def forget_earlier(self) -> None:
        """Remove what an earlier version of the hub left: for whoever writes here, once it is the only one."""
        await asyncio.to_thread(self._forget_earlier)

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.dispose)

    async def load(self, sites: Collection[SiteCode] | None = None) -> dict[SiteCode, Snapshot]:
        """The snapshots of `sites` (None: of all) that have one."""
        return await asyncio.to_thread(self._load, sites)

    async def save(self, snapshots: Iterable[tuple[Snapshot | None, Snapshot]]) -> set[SiteCode]:
        """Write the second of each pair where the first is what is there; the sites where it is not."""
        return await asyncio.to_thread(self._save, list(snapshots))

    def _forget_earlier(self) -> None:
        with self._engine.begin() as conn:
            for name in _EARLIER:
                conn.execute(DropTable(Table(name, MetaData()), if_exists=True))

    def _load(self, sites: Collection[SiteCode] | None) -> dict[SiteCode, Snapshot]:
        query = select(_snapshots)
        if sites is not None:
            query = query.where(_snapshots.c.site.in_(sites))
        with self._engine.connect() as conn:
            return {row.site: typed.from_msgpack(row.body, Snapshot) for row in conn.execute(query)}

    def _save(self, pairs: Sequence[tuple[Snapshot | None, Snapshot]]) -> set[SiteCode]:
        with self._engine.begin() as conn:
            there = _versions(conn, [new.tally.site for _, new in pairs])
            followed = [(known, new) for known, new in pairs if there.get(new.tally.site) == _version(known)]
            _update(conn, [new for known, new in followed if known is not None])
            written = {new.tally.site for known, new in followed if known is not None or _insert(conn, new)}
        return {new.tally.site for _, new in pairs} - written


def _version(snapshot: Snapshot | None) -> int | None:
    return snapshot.said.version if snapshot else None


def _versions(conn: Connection, sites: Collection[SiteCode]) -> dict[SiteCode, int]:
    """Of those that have a snapshot; nobody else changes them until this transaction ends."""
    query = select(_snapshots.c.site, _snapshots.c.version).where(_snapshots.c.site.in_(sites))
    return {row.site: row.version for row in conn.execute(query.order_by("site").with_for_update())}


def _update(conn: Connection, snapshots: Sequence[Snapshot]) -> None:
    if snapshots:
        rows = [_row(snapshot) | {"there": snapshot.tally.site} for snapshot in snapshots]
        conn.execute(update(_snapshots).where(_snapshots.c.site == bindparam("there")), rows)


def _insert(conn: Connection, snapshot: Snapshot) -> bool:
    """Whether nobody else was first."""
    try:
        with conn.begin_nested():
            conn.execute(insert(_snapshots).values(_row(snapshot)))
    except IntegrityError:
        return False
    return True


def _row(snapshot: Snapshot) -> dict[str, Any]:
    body = msgspec.msgpack.encode(snapshot)
    return {"site": snapshot.tally.site, "version": snapshot.said.version, "body": body}
