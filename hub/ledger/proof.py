"""Proof: what the rows of alerts say beside their sealed payload, held against the audit trail (I12).

A payload has a MAC, the audit trail is a chain; author, approver, break-glass and what ended an alert
stand in columns that anybody with the database could change. So they are compared with the trail, whose
own chain `audit.verify` checks.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, select

from hub import codec
from hub.delivery import Outcome
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import alerts, tables

ACCEPT, STOP = "alert.accept", "alert.stop"
_audit = tables.audit.c


class _Ending(NamedTuple):
    """A stop by staff, or the acceptance of an alert that takes the place."""

    outcome: Outcome
    at: datetime
    by: str


class _Acceptance(NamedTuple):
    by: str
    at: datetime
    detail: "_Detail"


class _Detail(msgspec.Struct, frozen=True):
    """What an acceptance wrote down."""

    digest: str
    author: str
    break_glass: str | None = None
    approver: str | None = None
    """Who approved it for a time; None: whoever accepted it."""
    ends: tuple[str, ...] = ()


def differences(conn: Connection, keys: Keys, *, only: str | None = None) -> list[str]:
    """Each column that says something else than the trail, in words. `only`: of this alert."""
    accepted, endings = _trail(conn)
    query = select(tables.alerts).order_by(tables.alerts.c.number)
    rows = conn.execute(query if only is None else query.where(tables.alerts.c.identifier == only)).all()
    found = [
        f"alert {row.identifier}: {what} / 配信の記録が監査記録と合いません"
        for row in rows
        for what in _of(conn, keys, row, accepted.get(row.identifier), endings[row.identifier])
    ]
    known = accepted.keys() if only is None else accepted.keys() & {only}
    missing = known - {row.identifier for row in rows}
    return found + [
        f"alert {each}: its row was removed / 配信の記録が消されています" for each in sorted(missing)
    ]


def _trail(conn: Connection) -> tuple[Mapping[str, _Acceptance], defaultdict[str, list[_Ending]]]:
    """The acceptances by alert, and what ended each alert, in the order it was written."""
    accepted: dict[str, _Acceptance] = {}
    endings: defaultdict[str, list[_Ending]] = defaultdict(list)
    rows = conn.execute(select(tables.audit).where(_audit.action.in_((ACCEPT, STOP))).order_by(_audit.seq))
    for row in rows:
        if row.action == STOP:
            endings[row.subject].append(_Ending(Outcome.CANCELLED, row.at, row.actor))
            continue
        detail = codec.decode(_Detail, row.detail, what=f"audit row {row.seq}")
        accepted[row.subject] = _Acceptance(row.actor, row.at, detail)
        for ended in detail.ends:
            endings[ended].append(_Ending(Outcome.SUPERSEDED, row.at, row.actor))
    return accepted, endings


def _of(
    conn: Connection,
    keys: Keys,
    row: Row[Any],
    acceptance: _Acceptance | None,
    endings: list[_Ending],
) -> Iterator[str]:
    try:
        alert = alerts.get(conn, keys, row.identifier).alert
    except BadInput:
        yield "its payload was changed"
        return
    if acceptance is None:
        yield "nobody accepted it"
        return
    taken_over = next((ending.at for ending in endings if ending.outcome is Outcome.SUPERSEDED), None)
    stopped = endings[0] if endings else None
    expected = {
        "number": row.identifier.removeprefix(f"{alert.sender}-"),
        "version": alert.sequence,
        "mode": alert.mode,
        "lane": alert.lane,
        "sent": alert.sent,
        "expires": alert.expires,
        "digest": bytes.fromhex(acceptance.detail.digest),
        "author": acceptance.detail.author,
        "approver": acceptance.detail.approver or acceptance.by,
        "break_glass": acceptance.detail.break_glass,
        "stopped_as": stopped and int(stopped.outcome),
        "stopped_at": stopped and stopped.at,
        "stopped_by": stopped and stopped.by,
        "ended_at": taken_over,
    }
    for column, value in expected.items():
        if getattr(row, column) != value:
            yield f"{column} was changed"
