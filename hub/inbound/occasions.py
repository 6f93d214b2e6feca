"""Occasions: what came in and waits for a decision of staff. Nothing in it sends by itself."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from hub import codec
from hub.authorise import Actor
from hub.inbound.warning import Telegram
from hub.ledger import tables

_occasions = tables.occasions.c


class Occasion(NamedTuple):
    id: int
    received_at: datetime
    source: str
    telegram: Telegram
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None


def keep(conn: Connection, telegram: Telegram, *, source: str, at: datetime) -> bool:
    """False when this telegram came before: feeds repeat themselves."""
    event = telegram.key
    if conn.execute(select(_occasions.id).where(_occasions.event == event)).first():
        return False
    conn.execute(
        insert(tables.occasions).values(
            received_at=at, source=source, event=event, payload=codec.encode(telegram)
        )
    )
    return True


def waiting(conn: Connection, *, limit: int = 20) -> list[Occasion]:
    """Undecided, the longest waiting first."""
    rows = conn.execute(
        select(tables.occasions)
        .where(_occasions.decided_at.is_(None))
        .order_by(_occasions.received_at)
        .limit(limit)
    )
    return [
        Occasion(
            id=row.id,
            received_at=row.received_at,
            source=row.source,
            telegram=codec.decode(Telegram, row.payload, what=f"occasion {row.id}"),
            decided_at=row.decided_at,
            decided_by=row.decided_by,
            decision=row.decision,
        )
        for row in rows
    ]


def decide(conn: Connection, occasion: int, actor: Actor, *, decision: str, at: datetime) -> None:
    """`decision`: the draft's id, or why nothing is sent."""
    conn.execute(
        update(tables.occasions)
        .where(_occasions.id == occasion, _occasions.decided_at.is_(None))
        .values(decided_at=at, decided_by=actor.login, decision=decision)
    )
