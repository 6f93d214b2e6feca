"""What is known of each counting device, and what was refused of it: for staff, kept over a restart.

Beside the snapshots of occupancy, in their database: it is no record, and losing it costs nobody a place. Written
together every few seconds, so that a flood of readings costs one row a device.
"""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.clock import Clock
from shelters import book_rows as rows
from shelters.alarm import LASTING, Alarm, later
from shelters.book_rows import MOST_STRANGERS, Case, Change, Known
from shelters.intake import Sorted, Vital
from shelters.plausible import Plausible
from shelters.reading import Refusal
from shelters.sensors.counting import STANDS_STILL, Condition
from shelters.side_database import engine, make_tables

log = structlog.get_logger(__name__)

T = TypeVar("T")

FLUSH_S = 3.0
MOST_OF_ONE = 20
"""Cases of one device, or of one key, in `A_WHILE`: of a flood, the beginning tells all."""
A_WHILE = timedelta(hours=1)
MOST_BYTES = 512
"""Of what a case was in."""


class DeviceBook:
    """Open it before use. Several processes may write the same."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        """`url`: SQLAlchemy's."""
        self._clock = clock
        self._engine = engine(url)
        self._changes: defaultdict[str, Change] = defaultdict(Change)
        self._new: list[Case] = []
        self._strange: dict[str, datetime] = {}
        self._recent: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._alarms: defaultdict[str, dict[str, Alarm]] = defaultdict(dict)
        self._told: set[tuple[str, str]] = set()
        """Alarms, by device and name, of which something is to be written."""
        self.plausible = Plausible()
        """What the doors last said, also before a restart."""

    async def open(self) -> None:
        """Raises `BadSettings` where a later version of the hub has made its tables."""
        await asyncio.to_thread(make_tables, self._engine, rows.METADATA)
        self.plausible.passed.update(await self._read(rows.passed))
        self._learn(await self._read(rows.alarms))
        self._learn(_of_an_earlier_version((await self._read(rows.known)).values()))

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
        self.hear(found.heard)
        for reading in found.taken:
            self._changes[reading.device].values |= {"heard_at": now, "what": "reading"}
        for refusal in found.refused:
            if not refusal.stranger:
                self._refused(refusal, body, now)
            elif refusal.device and (refusal.device in self._strange or len(self._strange) < MOST_STRANGERS):
                self._strange[refusal.device[:64]] = now

    def hear(self, vitals: Iterable[Vital]) -> None:
        """Signs of life, and what they say of how a device is. Told twice they say the same."""
        now = self._clock()
        for vital in vitals:
            values = self._changes[vital.device].values
            values |= {"heard_at": now, "what": vital.what}
            values |= _measured(vital.condition)
            if vital.what == "uplink":
                values["trouble"] = "\n".join(_of_now(vital.condition))
            self._told_of_alarms(vital, now)

    def alarms(self, device: str) -> Sequence[Alarm]:
        """Those that last or have ended of late, as any process heard of them some seconds ago."""
        return tuple(self._alarms.get(device, {}).values())

    def _told_of_alarms(self, vital: Vital, now: datetime) -> None:
        at, condition = vital.at or now, vital.condition
        if at <= now - LASTING:  # sent again; that it has ended may be forgotten
            return
        began = [Alarm(name=name, at=at) for name in condition.lasting]
        ended = [Alarm(name=name, at=at, ended_at=at) for name in condition.over]
        self._learn((vital.device, alarm) for alarm in (*began, *ended))
        self._told |= {(vital.device, alarm.name) for alarm in (*began, *ended)}

    def _learn(self, told: Iterable[tuple[str, Alarm]]) -> None:
        for device, alarm in told:
            alarms = self._alarms[device]
            alarms[alarm.name] = later(alarms.get(alarm.name), alarm)

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
        """Write what was noted, and learn of others' alarms. What cannot be written is given up, except alarms: the
        rest is no record, and with some of these counts are not believed."""
        changes, new, strange, told = self._changes, self._new, self._strange, self._told
        self._changes, self._new, self._strange, self._told = defaultdict(Change), [], {}, set()
        for device, change in changes.items():
            if (passed := self.plausible.passed.get(device)) is not None:
                change.values["passed"] = msgspec.msgpack.encode(passed)
        alarms = {(device, name): self._alarms[device][name] for device, name in told}
        try:
            if changes or new or strange or alarms:
                await asyncio.to_thread(self._write, changes, new, strange, alarms)
            self._learn(await self._read(rows.alarms))
        except SQLAlchemyError as e:
            self._told |= told
            log.warning("the book of devices was not written", error=type(e).__name__)
        self._forget()

    def _forget(self) -> None:
        now = self._clock()
        for device, alarms in list(self._alarms.items()):
            left = {name: alarm for name, alarm in alarms.items() if not alarm.forgotten(now)}
            self._alarms[device] = left
            if not left:
                del self._alarms[device]

    async def known(self) -> dict[str, Known]:
        """Every device that was ever heard or refused."""
        await self.flush()
        now = self._clock()
        found = await self._read(rows.known)
        return {device: self._with_alarms(known, now) for device, known in found.items()}

    def _with_alarms(self, known: Known, now: datetime) -> Known:
        lasting = [alarm.name for alarm in self.alarms(known.device) if alarm.lasts(now)]
        ended = {alarm.name for alarm in self.alarms(known.device)} - set(lasting)
        of_now = [name for name in known.trouble if name not in lasting and name not in ended]
        return msgspec.structs.replace(known, trouble=(*of_now, *lasting))

    async def strangers(self) -> dict[str, datetime]:
        """Numbers of sensors that are not registered, and when each was heard last, the latest first."""
        await self.flush()
        return await self._read(rows.strangers)

    async def cases(self, *, limit: int = 100) -> list[Case]:
        """What was refused, the newest first."""
        await self.flush()
        return await self._read(lambda conn: rows.cases(conn, limit))

    def _write(
        self,
        changes: Mapping[str, Change],
        new: Sequence[Case],
        strange: Mapping[str, datetime],
        alarms: Mapping[tuple[str, str], Alarm],
    ) -> None:
        with self._engine.begin() as conn:
            rows.put_changes(conn, changes)
            rows.put_cases(conn, new)
            rows.put_strangers(conn, strange)
            rows.put_alarms(conn, alarms, now=self._clock())

    async def _read(self, what: Callable[[Connection], T]) -> T:
        def work() -> T:
            with self._engine.connect() as conn:
                return what(conn)

        return await asyncio.to_thread(work)


def _measured(condition: Condition) -> dict[str, object]:
    said = {"battery": condition.battery, "volts": condition.volts, "presence": condition.presence or None}
    return {name: value for name, value in said.items() if value is not None}


def _of_now(condition: Condition) -> list[str]:
    """What holds for this uplink alone."""
    return [name for name in condition.trouble if name not in condition.lasting]


def _of_an_earlier_version(known: Iterable[Known]) -> Iterable[tuple[str, Alarm]]:
    """Alarms that stand among the troubles: these had no table of their own."""
    for device in known:
        if device.heard_at is not None:
            for name in device.trouble:
                if name not in STANDS_STILL:
                    yield device.device, Alarm(name=name, at=device.heard_at)


def _sender(place: str) -> str:
    """Who sent what no device is named in, as far as that is known: a key's name stands before the place. Without it,
    whoever has no key at all could fill up what staff are shown."""
    return re.split(r"[ .\[]", place, maxsplit=1)[0]
