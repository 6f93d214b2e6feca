"""What is known of each counting device, and what was refused of it: for staff, kept over a restart.

Beside the snapshots of occupancy, in their database: it is no record, and losing it costs nobody a place. Written
together every few seconds, so that a flood of readings costs one row a device.
"""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub import typed
from hub.clock import Clock
from hub.ledger.columns import UtcTime, insert_new
from shelters.intake import Sorted
from shelters.plausible import Passed, Plausible
from shelters.reading import Refusal
from shelters.sensors.counting import STANDS_STILL, Condition
from shelters.side_database import engine, make_tables

log = structlog.get_logger(__name__)

FLUSH_S = 3.0
MOST_CASES = 1_000
"""Kept; the oldest go first."""
MOST_OF_ONE = 20
"""Cases of one device, or of one key, in `A_WHILE`: of a flood, the beginning tells all."""
A_WHILE = timedelta(hours=1)
LASTING = timedelta(days=1)
"""How long an alarm is shown whose end was not heard: the message may be lost."""
MOST_STRANGERS = 100
"""Those that were heard last."""
MOST_BYTES = 512
"""Of what a case was in."""

_metadata = MetaData()

_devices = Table(
    "sensor_devices",
    _metadata,
    Column("device", String(64), primary_key=True),
    Column("heard_at", UtcTime),
    Column("what", String(64), nullable=False, default=""),
    Column("battery", Float),
    Column("volts", Float),
    Column("trouble", Text, nullable=False, default=""),
    Column("refused", Integer, nullable=False, default=0),
    Column("refused_at", UtcTime),
    Column("passed", LargeBinary),
)

_cases = Table(
    "sensor_quarantine",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("device", String(64), nullable=False),
    Column("place", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


_strangers = Table(
    "sensor_strangers",
    _metadata,
    Column("address", String(64), primary_key=True),
    Column("heard_at", UtcTime, nullable=False),
)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Of one device. `refused`: how often, ever. `trouble`: in the device's own words."""

    device: str
    heard_at: datetime | None = None
    what: str = ""
    battery: float | None = None
    volts: float | None = None
    trouble: tuple[str, ...] = ()
    refused: int = 0
    refused_at: datetime | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not counted, and why. `device` is empty where it said of none."""

    at: datetime
    device: str
    place: str
    reason: str
    body: bytes = b""


class _Change(msgspec.Struct):
    """What is to be written of a device."""

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    refused: int = 0


class DeviceBook:
    """Open it before use. Several processes may write the same."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        """`url`: SQLAlchemy's."""
        self._clock = clock
        self._engine = engine(url)
        self._changes: defaultdict[str, _Change] = defaultdict(_Change)
        self._new: list[Case] = []
        self._strange: dict[str, datetime] = {}
        self._recent: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._lasting: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
        self.plausible = Plausible()
        """What the doors last said, also before a restart."""

    async def open(self) -> None:
        await asyncio.to_thread(make_tables, self._engine, _metadata)
        self.plausible.passed.update(await asyncio.to_thread(self._passed))
        for device in (await asyncio.to_thread(self._known)).values():
            if device.heard_at is not None:
                alarms = [name for name in device.trouble if name not in STANDS_STILL]
                self._lasting[device.device] = dict.fromkeys(alarms, device.heard_at)

    async def close(self) -> None:
        """Writes what is noted."""
        await self.flush()
        await asyncio.to_thread(self._engine.dispose)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator["DeviceBook"]:
        """Open, and written every few seconds."""
        await self.open()
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    def note(self, found: Sorted, body: bytes = b"") -> None:
        """Who was heard, and what was refused. Costs no I/O."""
        now = self._clock()
        for reading in found.taken:
            self._changes[reading.device].values |= {"heard_at": now, "what": "reading"}
        for vital in found.heard:
            self._heard(vital.device, vital.what, vital.condition, now)
        for refusal in found.refused:
            if not refusal.stranger:
                self._refused(refusal, body, now)
            elif refusal.device and (refusal.device in self._strange or len(self._strange) < MOST_STRANGERS):
                self._strange[refusal.device[:64]] = now

    def _heard(self, device: str, what: str, condition: Condition, now: datetime) -> None:
        values = self._changes[device].values
        values |= {"heard_at": now, "what": what}
        if condition.battery is not None:
            values["battery"] = condition.battery
        if condition.volts is not None:
            values["volts"] = condition.volts
        if what == "uplink":
            values["trouble"] = "\n".join(self._troubles(device, condition, now))

    def _troubles(self, device: str, condition: Condition, now: datetime) -> list[str]:
        """Those of its last uplink, and what it said began and not yet that it ended: it says that only once."""
        lasting = self._lasting[device]
        lasting |= dict.fromkeys(condition.lasting, now)
        for name in [name for name, at in lasting.items() if name in condition.over or at <= now - LASTING]:
            del lasting[name]
        return [*condition.trouble, *(name for name in lasting if name not in condition.trouble)]

    def _refused(self, refusal: Refusal, body: bytes, now: datetime) -> None:
        if refusal.device:
            change = self._changes[refusal.device]
            change.refused += 1
            change.values["refused_at"] = now
        recent = self._recent[refusal.device or _sender(refusal.place)]
        while recent and recent[0] <= now - A_WHILE:
            recent.popleft()
        if len(recent) < MOST_OF_ONE:
            recent.append(now)
            self._new.append(
                Case(
                    at=now,
                    device=refusal.device[:64],
                    place=refusal.place[:128],
                    reason=refusal.message[:1_000],
                    body=body[:MOST_BYTES],
                )
            )

    async def flush(self) -> None:
        """Write what was noted. What cannot be written is given up: it is no record."""
        changes, new, strange = self._changes, self._new, self._strange
        self._changes, self._new, self._strange = defaultdict(_Change), [], {}
        for device, change in changes.items():
            if (passed := self.plausible.passed.get(device)) is not None:
                change.values["passed"] = msgspec.msgpack.encode(passed)
        if changes or new or strange:
            try:
                await asyncio.to_thread(self._write, changes, new, strange)
            except SQLAlchemyError as e:
                log.warning("the book of devices was not written", error=type(e).__name__)

    async def known(self) -> dict[str, Known]:
        """Every device that was ever heard or refused."""
        await self.flush()
        return await asyncio.to_thread(self._known)

    async def strangers(self) -> dict[str, datetime]:
        """Numbers of sensors that are not registered, and when each was heard last, the latest first."""
        await self.flush()
        return await asyncio.to_thread(self._read_strangers)

    async def cases(self, *, limit: int = 100) -> list[Case]:
        """What was refused, the newest first."""
        await self.flush()
        return await asyncio.to_thread(self._read_cases, limit)

    def _write(
        self, changes: Mapping[str, _Change], new: Sequence[Case], strange: Mapping[str, datetime]
    ) -> None:
        with self._engine.begin() as conn:
            for device, change in sorted(
                changes.items()
            ):  # in one order, so that no two processes wait for each other
                _put(conn, device, change)
            if new:
                conn.execute(insert(_cases), [msgspec.structs.asdict(case) for case in new])
                newest = conn.execute(select(func.max(_cases.c.id))).scalar_one()
                conn.execute(delete(_cases).where(_cases.c.id <= newest - MOST_CASES))

            if strange:
                conn.execute(delete(_strangers).where(_strangers.c.address.in_(strange)))
                rows = [{"address": address, "heard_at": at} for address, at in sorted(strange.items())]
                conn.execute(insert_new(conn, _strangers), rows)
                latest = select(_strangers.c.heard_at).order_by(_strangers.c.heard_at.desc())
                oldest = conn.execute(latest.offset(MOST_STRANGERS - 1).limit(1)).scalar()
                if oldest is not None:
                    conn.execute(delete(_strangers).where(_strangers.c.heard_at < oldest))

    def _known(self) -> dict[str, Known]:
        with self._engine.connect() as conn:
            return {row.device: _row(row) for row in conn.execute(select(_devices))}

    def _passed(self) -> dict[str, Passed]:
        query = select(_devices.c.device, _devices.c.passed).where(_devices.c.passed.is_not(None))
        with self._engine.connect() as conn:
            return {row.device: typed.from_msgpack(row.passed, Passed) for row in conn.execute(query)}

    def _read_strangers(self) -> dict[str, datetime]:
        query = select(_strangers).order_by(_strangers.c.heard_at.desc()).limit(MOST_STRANGERS)
        with self._engine.connect() as conn:
            return {row.address: row.heard_at for row in conn.execute(query)}

    def _read_cases(self, limit: int) -> list[Case]:
        query = select(_cases).order_by(_cases.c.id.desc()).limit(limit)
        with self._engine.connect() as conn:
            return [
                Case(at=row.at, device=row.device, place=row.place, reason=row.reason, body=row.body)
                for row in conn.execute(query)
            ]


def _sender(place: str) -> str:
    """Who sent what no device is named in, as far as that is known: a key's name stands before the place. Without it,
    whoever has no key at all could fill up what staff are shown."""
    return re.split(r"[ .\[]", place, maxsplit=1)[0]


def _put(conn: Connection, device: str, change: _Change) -> None:
    values = change.values | {"refused": _devices.c.refused + change.refused}
    statement = update(_devices).where(_devices.c.device == device)
    if conn.execute(statement.values(values)).rowcount:
        return
    try:
        with conn.begin_nested():
            conn.execute(
                insert(_devices).values(change.values | {"device": device, "refused": change.refused})
            )
    except IntegrityError:  # another process was first
        conn.execute(statement.values(values))


def _row(row: Any) -> Known:
    return Known(
        device=row.device,
        heard_at=row.heard_at,
        what=row.what,
        battery=row.battery,
        volts=row.volts,
        trouble=tuple(row.trouble.split("\n")) if row.trouble else (),
        refused=row.refused,
        refused_at=row.refused_at,
    )
