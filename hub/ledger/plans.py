"""How far an alert's fan-out has come on each channel: a durable cursor."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select, update

from hub import codec
from hub.ledger import batches, tables
from hub.ledger.batches import Planned
from hub.ledger.columns import now_us

_plans = tables.plans.c


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where planning goes on: in this variant, behind this recipient.

    Variants are walked in the order of (language, zone); one that appears later is not skipped, one
    that vanished is passed over.
    """

    language: str = ""
    zone: str = ""
    after: int = 0
    revision: int = 0
    """The register's, as it is walked."""
    again: bool = False
    """The register was rebuilt under way: whoever is planned already is passed over."""
    link: int = 0
    """Of a correction: which of the alerts it corrects is walked …"""
    family: int = 0
    """… and which family of that alert's batches. Within a family recipients ascend."""


class Plan(NamedTuple):
    cursor: Cursor
    step: int
    complete: bool


def get(conn: Connection, alert: str, channel: str, *, hold: bool = False) -> Plan:
    """`hold`: nobody else plans this until the commit."""
    query = select(_plans.cursor, _plans.step, _plans.complete_at).where(
        _plans.alert == alert, _plans.channel == channel
    )
    row = conn.execute(query.with_for_update() if hold else query).one()
    cursor = codec.decode(Cursor, row.cursor, what="plan") if row.cursor else Cursor()
    return Plan(cursor, row.step, row.complete_at is not None)


def advance(
    conn: Connection,
    alert: str,
    channel: str,
    *,
    step: int,
    to: Cursor,
    planned: Sequence[Planned],
    complete_at: datetime | None,
) -> bool:
    """Add a step's batches and move the cursor, in one go.

    False, and nothing written, when another planner took this step first.
    """
    moved = conn.execute(
        update(tables.plans)
        .where(_plans.alert == alert, _plans.channel == channel, _plans.step == step)
        .values(
            cursor=codec.encode(to).decode(),
            step=step + 1,
            planned=_plans.planned + sum(len(each.batch.members) for each in planned),
            complete_at=complete_at,
        )
    )
    if moved.rowcount == 0:
        return False
    batches.plan(conn, planned)
    return True


def extend(conn: Connection, alert: str, channel: str, planned: Sequence[Planned]) -> None:
    """Add batches to a plan held by `get`, complete or not; its cursor stays where it is."""
    conn.execute(
        update(tables.plans)
        .where(_plans.alert == alert, _plans.channel == channel)
        .values(planned=_plans.planned + sum(len(each.batch.members) for each in planned))
    )
    batches.plan(conn, planned)


def incomplete(conn: Connection, *, quiet_for_us: int) -> list[str]:
    """Alerts accepted that long ago whose planning is not complete: planned by nobody, as it seems."""
    rows = conn.execute(
        select(_plans.alert)
        .join(tables.alerts, tables.alerts.c.identifier == _plans.alert)
        .where(_plans.complete_at.is_(None), tables.alerts.c.sent <= now_us() - quiet_for_us)
        .distinct()
    )
    return [row.alert for row in rows]


def completion(conn: Connection, alert: str) -> dict[str, tuple[int, bool]]:
    """Per channel: recipients planned so far, and whether that is all of them."""
    rows = conn.execute(
        select(_plans.channel, _plans.planned, _plans.complete_at).where(_plans.alert == alert)
    )
    return {row.channel: (row.planned, row.complete_at is not None) for row in rows}
