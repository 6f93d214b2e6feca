"""Occasions: what came in and waits for a decision of staff. Nothing in it sends by itself."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

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
    return [_occasion(row) for row in rows]


def since(conn: Connection, at: datetime) -> list[Occasion]:
    """All that came in since, decided or not, in the order it did."""
    rows = conn.execute(select(tables.occasions).where(_occasions.received_at >= at).order_by(_occasions.id))
    return [_occasion(row) for row in rows]


def newest(conn: Connection) -> int:
    """The number of what came in last; 0: nothing has."""
    return int(conn.execute(select(func.max(_occasions.id))).scalar() or 0)


def answered_by(conn: Connection, draft: str) -> Occasion | None:
    """What the city answered with this draft, if anything."""
    row = conn.execute(
        select(tables.occasions).where(_occasions.decision == draft).order_by(_occasions.received_at).limit(1)
    ).first()
    return None if row is None else _occasion(row)


def _occasion(row: Row[Any]) -> Occasion:
    return Occasion(
        id=row.id,
        received_at=row.received_at,
        source=row.source,
        telegram=codec.decode(Telegram, row.payload, what=f"occasion {row.id}"),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision=row.decision,
    )


def decide(conn: Connection, occasion: int, actor: Actor, *, decision: str, at: datetime) -> None:
    """`decision`: the draft's id, or why nothing is sent."""
    conn.execute(
        update(tables.occasions)
        .where(_occasions.id == occasion, _occasions.decided_at.is_(None))
        .values(decided_at=at, decided_by=actor.login, decision=decision)
    )
