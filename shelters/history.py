"""How many people each site held, every five minutes, kept in the occupancy database beside the snapshots.

Numbers of people by site and time, nothing about anybody. What was unknown is not there: a gap is a gap, and never
zero (I13). The forecast rests on it, and it is what is published as history.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
)

from hub.ledger.columns import insert_new
from shelters.side_database import engine, make_tables
from shelters.site import SiteCode

SLOT = timedelta(minutes=5)
KEPT = timedelta(days=35)
"""The forecast looks back four weeks; a fifth is there for whoever looks back at the evening. At 36 sites that is some
360,000 rows (15 MB), and it does not grow beyond."""
FORGOTTEN_AT_ONCE = 2 * SLOT
"""With each writing, which is one a slot: twice as fast as it grows, so that it comes back to `KEPT` after a pause."""

_metadata = MetaData()

_history = Table(
    "occupancy_history",
    _metadata,
    Column("site", String(32), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),  # its beginning, in seconds since 1970
    Column("people", Integer, nullable=False),
    Column("margin", Integer),
    Index("ix_occupancy_history_slot", "slot"),
    sqlite_with_rowid=False,
)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of a site when the slot that begins at `at` began. `margin`: as in `Occupancy`."""

    site: SiteCode
    at: datetime
    people: int
    margin: int | None = None


class History:
    """Open it before use. Safe for several processes: whoever writes a site's slot first is believed."""

    def __init__(self, url: str) -> None:
        """`url`: SQLAlchemy's, that of `Snapshots`."""
        self._engine = engine(url, reads_first=False)

    async def open(self) -> None:
        await asyncio.to_thread(make_tables, self._engine, _metadata)

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.dispose)

    async def write(self, points: Iterable[Point]) -> None:
        """Keep them, each in the slot of its time; one whose slot is there already changes nothing. What is older
        than `KEPT` before the newest of them goes, but no more than the `FORGOTTEN_AT_ONCE` oldest: a clock that
        jumps a month ahead is put right long before it has cost the past. Durable when it returns."""
        rows = [_row(point) for point in points]
        if rows:
            await asyncio.to_thread(self._write, rows)

    async def read(
        self, start: datetime, until: datetime | None = None, *, sites: Collection[SiteCode] | None = None
    ) -> dict[SiteCode, list[Point]]:
        """From `start`, before `until` (None: to the newest), of `sites` (None: of all) that have any, first to
        last."""
        return await asyncio.to_thread(self._read, start, until, sites)

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        oldest = max(row["slot"] for row in rows) - KEPT // timedelta(seconds=1)
        with self._engine.begin() as conn:
            conn.execute(insert_new(conn, _history), rows)
            first = conn.execute(select(func.min(_history.c.slot))).scalar_one()
            gone = min(oldest, first + FORGOTTEN_AT_ONCE // timedelta(seconds=1))
            conn.execute(delete(_history).where(_history.c.slot < gone))

    def _read(
        self, start: datetime, until: datetime | None, sites: Collection[SiteCode] | None
    ) -> dict[SiteCode, list[Point]]:
        table = _history.c
        query = select(_history).where(table.slot >= start.timestamp()).order_by(table.site, table.slot)
        if until is not None:
            query = query.where(table.slot < until.timestamp())
        if sites is not None:
            query = query.where(table.site.in_(sites))
        with self._engine.connect() as conn:
            return _by_site(conn, query)


def slot_of(moment: datetime) -> datetime:
    """The beginning of the slot in which it lies."""
    return moment - (moment - _EPOCH) % SLOT


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _row(point: Point) -> dict[str, Any]:
    slot = (slot_of(point.at) - _EPOCH) // timedelta(seconds=1)
    return {"site": point.site, "slot": slot, "people": point.people, "margin": point.margin}


def _by_site(conn: Connection, query: Any) -> dict[SiteCode, list[Point]]:
    found: defaultdict[SiteCode, list[Point]] = defaultdict(list)
    for site, slot, people, margin in conn.execute(query):
        at = datetime.fromtimestamp(slot, UTC)
        found[site].append(Point(site=site, at=at, people=people, margin=margin))
    return dict(found)
