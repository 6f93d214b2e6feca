"""Ticks: who carried an alert over to a channel that has no API, and when."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from hub.alert import Mode
from hub.authorise import Actor
from hub.errors import Conflict
from hub.ledger import tables
from hub.ledger.batches import Taken
from hub.ledger.columns import insert_new

_ticks = tables.ticks.c


class Tick(NamedTuple):
    at: datetime
    by: str


def tick(conn: Connection, alert: str, sheet: str, actor: Actor, *, at: datetime) -> None:
    """Say that it is done.

    Raises:
        Conflict: somebody ticked it before.
    """
    row = insert_new(conn, tables.ticks).values(alert=alert, sheet=sheet, ticked_at=at, ticked_by=actor.login)
    if conn.execute(row.returning(_ticks.sheet)).first() is None:
        raise Conflict("すでに入力済みです / This was ticked already")


def untick(conn: Connection, alert: str, sheet: str) -> None:
    """It was ticked by mistake, and is still to be done.

    Raises:
        Conflict: it is not ticked.
    """
    gone = delete(tables.ticks).where(_ticks.alert == alert, _ticks.sheet == sheet)
    if not conn.execute(gone).rowcount:
        raise Conflict("まだ入力済みになっていません / This is not ticked")


def of_alert(conn: Connection, alert: str) -> dict[str, Tick]:
    """By sheet."""
    rows = conn.execute(select(_ticks.sheet, _ticks.ticked_at, _ticks.ticked_by).where(_ticks.alert == alert))
    return {row.sheet: Tick(row.ticked_at, row.ticked_by) for row in rows}


def last(conn: Connection, sheets: Collection[str]) -> Taken | None:
    """When one of these was last ticked, and for an alert of which mode."""
    alerts = tables.alerts.c
    newest = (
        select(_ticks.ticked_at, alerts.mode)
        .join_from(tables.ticks, tables.alerts, alerts.identifier == _ticks.alert)
        .where(_ticks.sheet.in_(sheets))
        .order_by(_ticks.ticked_at.desc())
        .limit(1)
    )
    row = conn.execute(newest).first()
    return row and Taken(row.ticked_at, Mode(row.mode))
