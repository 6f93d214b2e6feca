"""The rows of the book of devices: tables beside the snapshots of occupancy, and plain functions on a connection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
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
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from hub import typed
from hub.ledger.columns import UtcTime, insert_new
from shelters.alarm import LASTING, Alarm, later
from shelters.plausible import Passed
from shelters.sensors.counting import MISTRUSTED

MOST_CASES = 1_000
"""Kept; the oldest go first."""
MOST_STRANGERS = 100
"""Those that were heard last."""

METADATA = MetaData()

_devices = Table(
    "sensor_devices",
    METADATA,
    Column("device", String(64), primary_key=True),
    Column("heard_at", UtcTime),
    Column("what", String(64), nullable=False, default=""),
    Column("battery", Float),
    Column("volts", Float),
    Column("trouble", Text, nullable=False, default=""),
    Column("refused", Integer, nullable=False, default=0),
    Column("refused_at", UtcTime),
    Column("passed", LargeBinary),
    Column("presence", String(16)),
    info={"version": 2},  # 2: presence
)

_cases = Table(
    "sensor_quarantine",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("device", String(64), nullable=False),
    Column("place", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


_strangers = Table(
    "sensor_strangers",
    METADATA,
    Column("address", String(64), primary_key=True),
    Column("heard_at", UtcTime, nullable=False),
)

_alarms = Table(
    "sensor_alarms",
    METADATA,
    Column("device", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Of one device. `refused`: how often, ever. `trouble`: in the device's own words. `presence`: `OCCUPIED` or
    `VACANT`, as a sensor said last that sees whether somebody is there."""

    device: str
    heard_at: datetime | None = None
    what: str = ""
    battery: float | None = None
    volts: float | None = None
    trouble: tuple[str, ...] = ()
    refused: int = 0
    refused_at: datetime | None = None
    presence: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was not counted, and why. `device` is empty where it said of none."""

    at: datetime
    device: str
    place: str
    reason: str
    body: bytes = b""


class Change(msgspec.Struct):
    """What is to be written of a device."""

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    refused: int = 0


def put_changes(conn: Connection, changes: Mapping[str, Change]) -> None:
    for device, change in sorted(
        changes.items()
    ):  # in one order, so that no two processes wait for each other
        _put(conn, device, change)


def put_cases(conn: Connection, cases: Sequence[Case]) -> None:
    if not cases:
        return
    conn.execute(insert(_cases), [msgspec.structs.asdict(case) for case in cases])
    newest = conn.execute(select(func.max(_cases.c.id))).scalar_one()
    conn.execute(delete(_cases).where(_cases.c.id <= newest - MOST_CASES))


def put_strangers(conn: Connection, strange: Mapping[str, datetime]) -> None:
    if not strange:
        return
    conn.execute(delete(_strangers).where(_strangers.c.address.in_(strange)))
    rows = [{"address": address, "heard_at": at} for address, at in sorted(strange.items())]
    conn.execute(insert_new(conn, _strangers), rows)
    latest = select(_strangers.c.heard_at).order_by(_strangers.c.heard_at.desc())
    oldest = conn.execute(latest.offset(MOST_STRANGERS - 1).limit(1)).scalar()
    if oldest is not None:
        conn.execute(delete(_strangers).where(_strangers.c.heard_at < oldest))


def put_alarms(conn: Connection, told: Mapping[tuple[str, str], Alarm], *, now: datetime) -> None:
    """What is known later stays, whichever process writes it last."""
    for (device, name), alarm in sorted(told.items()):
        here = and_(_alarms.c.device == device, _alarms.c.name == name)
        values = {"at": alarm.at, "ended_at": alarm.ended_at}
        conn.execute(insert_new(conn, _alarms), {"device": device, "name": name} | values)
        known = conn.execute(select(_alarms).where(here).with_for_update()).one()
        if later(_alarm(known), alarm) is alarm:
            conn.execute(update(_alarms).where(here).values(values))
    if told:
        ended = _alarms.c.ended_at
        lapses = or_(ended.is_not(None), _alarms.c.name.not_in(MISTRUSTED))
        old = func.coalesce(ended, _alarms.c.at) <= now - LASTING
        conn.execute(delete(_alarms).where(lapses, old))


def known(conn: Connection) -> dict[str, Known]:
    """Every device that was ever heard or refused. Without alarms that last."""
    return {row.device: _known(row) for row in conn.execute(select(_devices))}


def passed(conn: Connection) -> dict[str, Passed]:
    query = select(_devices.c.device, _devices.c.passed).where(_devices.c.passed.is_not(None))
    return {row.device: typed.from_msgpack(row.passed, Passed) for row in conn.execute(query)}


def alarms(conn: Connection) -> list[tuple[str, Alarm]]:
    """Those of each device, the first first."""
    query = select(_alarms).order_by(_alarms.c.device, _alarms.c.at, _alarms.c.name)
    return [(row.device, _alarm(row)) for row in conn.execute(query)]


def strangers(conn: Connection) -> dict[str, datetime]:
    """The latest first."""
    query = select(_strangers).order_by(_strangers.c.heard_at.desc()).limit(MOST_STRANGERS)
    return {row.address: row.heard_at for row in conn.execute(query)}


def cases(conn: Connection, limit: int) -> list[Case]:
    """The newest first."""
    return [
        Case(at=row.at, device=row.device, place=row.place, reason=row.reason, body=row.body)
        for row in conn.execute(select(_cases).order_by(_cases.c.id.desc()).limit(limit))
    ]


def _put(conn: Connection, device: str, change: Change) -> None:
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


def _known(row: Any) -> Known:
    return Known(
        device=row.device,
        heard_at=row.heard_at,
        what=row.what,
        battery=row.battery,
        volts=row.volts,
        trouble=tuple(row.trouble.split("\n")) if row.trouble else (),
        refused=row.refused,
        refused_at=row.refused_at,
        presence=row.presence or "",
    )


def _alarm(row: Any) -> Alarm:
    return Alarm(name=row.name, at=row.at, ended_at=row.ended_at)
