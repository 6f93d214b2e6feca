"""Reports of alerts: figures locked once, with their SHA-256; what is found out later is added, never changed."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from hub.authorise import Actor
from hub.errors import BadInput, Conflict
from hub.ledger import tables
from hub.ledger.columns import insert_new

_reports = tables.reports.c
_notes = tables.report_notes.c


class Locked(NamedTuple):
    """`hash`: SHA-256 of `payload`; the audit trail has it too."""

    payload: bytes
    hash: bytes
    at: datetime
    by: str


class Note(NamedTuple):
    """A correction of the report. `number` counts from 1."""

    number: int
    at: datetime
    by: str
    text: str


def lock(conn: Connection, alert: str, payload: bytes, actor: Actor, *, at: datetime) -> Locked:
    """From now on this is the report.

    Raises:
        Conflict: it was locked before.
    """
    digest = hashlib.sha256(payload).digest()
    row = insert_new(conn, tables.reports).values(
        alert=alert, payload=payload, hash=digest, locked_at=at, locked_by=actor.login
    )
    if conn.execute(row.returning(_reports.alert)).first() is None:
        raise Conflict("この報告書はもう確定しています / This report is locked already")
    return Locked(payload, digest, at, actor.login)


def find(conn: Connection, alert: str) -> Locked | None:
    """Raises `BadInput` when the figures are not those that were locked."""
    row = conn.execute(select(tables.reports).where(_reports.alert == alert)).first()
    if row is None:
        return None
    if hashlib.sha256(row.payload).digest() != row.hash:
        raise BadInput(
            f"report of {alert}",
            "the report was changed: its SHA-256 does not fit / 報告書が書きかえられています",
        )
    return Locked(row.payload, row.hash, row.locked_at, row.locked_by)


def add(conn: Connection, alert: str, text: str, actor: Actor, *, at: datetime) -> Note:
    """Append a correction.

    Raises:
        Conflict: the report is not locked yet, so that there is nothing to correct.
    """
    locked = conn.execute(select(_reports.alert).where(_reports.alert == alert).with_for_update()).first()
    if locked is None:
        raise Conflict("確定してから書き足してください / Lock the report first")
    last = conn.execute(select(func.max(_notes.number)).where(_notes.alert == alert)).scalar_one()
    note = Note((last or 0) + 1, at, actor.login, text)
    conn.execute(
        insert(tables.report_notes).values(alert=alert, number=note.number, at=at, by=actor.login, text=text)
    )
    return note


def notes(conn: Connection, alert: str) -> list[Note]:
    """In the order in which they were added."""
    rows = conn.execute(select(tables.report_notes).where(_notes.alert == alert).order_by(_notes.number))
    return [Note(row.number, row.at, row.by, row.text) for row in rows]
