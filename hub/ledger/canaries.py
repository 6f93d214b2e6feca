"""Canaries on record: of each channel the last one sent, and the last that is known to have arrived."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef
from hub.ledger import tables
from hub.ledger.columns import insert_new

ARRIVED = frozenset({Outcome.DELIVERED, Outcome.ANSWERED})

_canaries = tables.canaries.c
_parked = tables.parked_receipts.c


class Known(NamedTuple):
    """`waiting`: the last one sent is neither proven nor given up. `missed`: in a row. `proven_at`: when the last
    that arrived was seen to have done so, `took` after it was sent. `detail`: for staff; no address, no token.
    `asked_at`: staff want one now."""

    channel: str
    asked_at: datetime | None
    sent_at: datetime | None
    key: str
    ref: str
    waiting: bool
    proven_at: datetime | None
    took: timedelta | None
    missed: int
    detail: str

    @property
    def alive(self) -> bool:
        """The last of which anything is known arrived."""
        return self.proven_at is not None and self.missed == 0


def known(conn: Connection) -> Mapping[str, Known]:
    """By channel, of those that have had one, or are to have one."""
    rows = conn.execute(select(tables.canaries)).all()
    return {row.channel: _known(row) for row in rows}


def ask(conn: Connection, channel: str, *, at: datetime) -> None:
    """Staff want one now."""
    _make(conn, channel)
    conn.execute(update(tables.canaries).where(_canaries.channel == channel).values(asked_at=at))


def begin(conn: Connection, channel: str, *, key: str, last: datetime | None, at: datetime) -> bool:
    """Claim the next one: False where another process did. `last`: when the last was sent, as the caller read it."""
    _make(conn, channel)
    unchanged = _canaries.sent_at.is_(None) if last is None else _canaries.sent_at == last
    began = conn.execute(
        update(tables.canaries)
        .where(_canaries.channel == channel, unchanged)
        .values(sent_at=at, key=key, ref="", waiting=True, asked_at=None)
    )
    return began.rowcount == 1


def hand_over(conn: Connection, channel: str, *, key: str, ref: ProviderRef | None) -> None:
    """The gateway has it, and knows it by `ref`."""
    conn.execute(update(tables.canaries).where(*_this(channel, key)).values(ref=ref or ""))


def prove(conn: Connection, channel: str, *, key: str, at: datetime) -> bool:
    """It arrived, be it late. False: another has been sent since, or it is proven already."""
    sent_at = conn.execute(
        select(_canaries.sent_at).where(
            *_this(channel, key), _canaries.waiting.is_(True) | (_canaries.missed > 0)
        )
    ).scalar()
    if sent_at is None:
        return False
    took_ms = max(0, int((at - sent_at) / timedelta(milliseconds=1)))
    conn.execute(
        update(tables.canaries)
        .where(*_this(channel, key))
        .values(proven_at=at, took_ms=took_ms, missed=0, waiting=False, detail="")
    )
    return True


def miss(conn: Connection, channel: str, *, key: str, detail: str) -> int:
    """It is given up. Returns how many in a row are missed; 0: this one was counted, or proven, before."""
    missed = conn.execute(
        update(tables.canaries)
        .where(*_this(channel, key), _canaries.waiting.is_(True))
        .values(missed=_canaries.missed + 1, waiting=False, detail=detail)
        .returning(_canaries.missed)
    ).scalar()
    return int(missed or 0)


def report(conn: Connection, channel: str, receipt: Receipt) -> bool:
    """Keep what a gateway says that knows no more of a canary than our key (`Receipt.ref`), for `receipt`. False: nobody
    waits for that one."""
    waited_for = select(_canaries.key).where(*_this(channel, receipt.ref), _canaries.waiting.is_(True))
    if conn.execute(waited_for).scalar() is None:
        return False
    conn.execute(
        insert(tables.parked_receipts).values(
            channel=channel,
            ref=receipt.ref,
            outcome=int(receipt.outcome),
            reason=receipt.reason,
            at=receipt.at,
        )
    )
    return True


def receipt(conn: Connection, channel: str, ref: str) -> Receipt | None:
    """What the provider reported of it: it waits among the receipts of which no batch knows. Taken out by this."""
    rows = conn.execute(
        delete(tables.parked_receipts)
        .where(_parked.channel == channel, _parked.ref == ref)
        .returning(_parked.outcome, _parked.at, _parked.reason)
    ).all()
    found = [
        Receipt(ref=ProviderRef(ref), outcome=Outcome(row.outcome), at=row.at, reason=row.reason)
        for row in rows
    ]
    return max(found, key=lambda each: (each.outcome in ARRIVED, each.at), default=None)


def _this(channel: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _canaries.channel == channel, _canaries.key == key


def _make(conn: Connection, channel: str) -> None:
    conn.execute(
        insert_new(conn, tables.canaries).values(
            channel=channel, key="", ref="", waiting=False, missed=0, detail=""
        )
    )


def _known(row: Row[Any]) -> Known:
    took = None if row.took_ms is None else timedelta(milliseconds=row.took_ms)
    return Known(**{field: getattr(row, field) for field in Known._fields if field != "took"}, took=took)
