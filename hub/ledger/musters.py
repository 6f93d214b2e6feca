"""Musters in the ledger: who was called is sealed, for it holds names; answers are numbers and words.

Plain functions on a connection, for `ledger.write` and `ledger.read`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

from hub import codec
from hub.alert import Mode
from hub.errors import BadInput
from hub.keys import Keys
from hub.ledger import tables
from hub.ledger.columns import insert_new, one_at_a_time
from hub.muster import Answer, Given, Muster, Roll
from hub.recipient import RecipientId

_LOCK = 0x6D75_7374

_musters = tables.musters.c
_answers = tables.muster_answers.c
_firings = tables.muster_firings.c


class Firing(NamedTuple):
    """A rule met its event. `muster` None: it had nobody to call."""

    rule: str
    event: str
    at: datetime
    muster: int | None


def begin(
    conn: Connection, keys: Keys, *, mode: Mode, roll: Roll, by: str, rule: str, at: datetime
) -> Muster:
    """Of two at once, one waits for the other's commit."""
    one_at_a_time(conn, _LOCK)
    number = 1 + int(conn.execute(select(func.coalesce(func.max(_musters.id), 0))).scalar_one())
    conn.execute(
        insert(tables.musters).values(
            id=number,
            mode=mode,
            called_at=at,
            called_by=by,
            rule=rule,
            key_id=keys.active,
            sealed=keys.seal(codec.encode(roll), bound_to=_place(number)),
            cancelled=False,
        )
    )
    return Muster(id=number, mode=mode, called_at=at, called_by=by, rule=rule, roll=roll)


def get(conn: Connection, keys: Keys, number: int, *, hold: bool = False) -> Muster:
    """`hold`: nobody ends it before the commit. Raises `BadInput` when there is none, or its row was changed."""
    query = select(tables.musters).where(_musters.id == number)
    row = conn.execute(query.with_for_update() if hold else query).first()
    if row is None:
        raise BadInput(f"muster {number}", "there is no such muster / この参集はありません")
    return _muster(keys, row)


def running(conn: Connection, keys: Keys) -> list[Muster]:
    """Those that nobody has ended, the newest first."""
    query = select(tables.musters).where(_musters.ended_at.is_(None))
    return [_muster(keys, row) for row in conn.execute(query.order_by(_musters.id.desc()))]


def recent(conn: Connection, keys: Keys, *, limit: int = 30) -> list[Muster]:
    """The newest first."""
    query = select(tables.musters).order_by(_musters.id.desc()).limit(limit)
    return [_muster(keys, row) for row in conn.execute(query)]


def end(conn: Connection, number: int, *, by: str, at: datetime, cancelled: bool) -> bool:
    """Take no more answers. False: it was over before."""
    ended = conn.execute(
        update(tables.musters)
        .where(_musters.id == number, _musters.ended_at.is_(None))
        .values(ended_at=at, ended_by=by, cancelled=cancelled)
    )
    return ended.rowcount == 1


def answer(conn: Connection, number: int, given: Given) -> bool:
    """Keep an answer. False: it is what they said last, and nothing was written."""
    last = conn.execute(
        select(_answers.answer)
        .where(_answers.muster == number, _answers.recipient == given.recipient)
        .order_by(_answers.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if last == given.answer:
        return False
    conn.execute(
        insert(tables.muster_answers).values(
            muster=number, recipient=given.recipient, answer=given.answer, at=given.at, by=given.by
        )
    )
    return True


def answers(conn: Connection, number: int) -> list[Given]:
    """All of them, in the order they came."""
    rows = conn.execute(select(tables.muster_answers).where(_answers.muster == number).order_by(_answers.id))
    return [Given(RecipientId(row.recipient), Answer(row.answer), row.at, row.by) for row in rows]


def answered(conn: Connection, number: int, people: Collection[RecipientId]) -> set[RecipientId]:
    """Who of these has answered."""
    rows = conn.execute(
        select(_answers.recipient).where(_answers.muster == number, _answers.recipient.in_(people)).distinct()
    )
    return {RecipientId(row.recipient) for row in rows}


def fire(conn: Connection, rule: str, event: str, *, at: datetime) -> bool:
    """Note that a rule found its event. False: it was noted before, and nothing follows from it again."""
    row = insert_new(conn, tables.muster_firings).values(rule=rule, event=event, at=at)
    return conn.execute(row.returning(_firings.rule)).first() is not None


def fired(conn: Connection, rule: str, event: str, muster: int) -> None:
    """It called this muster."""
    conn.execute(
        update(tables.muster_firings)
        .where(_firings.rule == rule, _firings.event == event)
        .values(muster=muster)
    )


def called_by(conn: Connection, form: str) -> int:
    """The muster that a form called. Raises `BadInput` where it called none."""
    query = select(_firings.muster).where(_firings.rule == "", _firings.event == form)
    found = conn.execute(query).scalar_one_or_none()
    if found is None:
        raise BadInput("form", "もう一度呼びかけてください / Call again")
    return int(found)


def firings(conn: Connection, *, limit: int = 20) -> list[Firing]:
    """Those of rules, the newest first."""
    query = select(tables.muster_firings).where(_firings.rule != "").order_by(_firings.at.desc()).limit(limit)
    return [Firing(row.rule, row.event, row.at, row.muster) for row in conn.execute(query)]


def _muster(keys: Keys, row: Row[Any]) -> Muster:
    roll = keys.unseal(row.sealed, key_id=row.key_id, bound_to=_place(row.id))
    return Muster(
        id=row.id,
        mode=Mode(row.mode),
        called_at=row.called_at,
        called_by=row.called_by,
        rule=row.rule,
        roll=codec.decode(Roll, roll, what=f"muster {row.id}"),
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        cancelled=bool(row.cancelled),
    )


def _place(number: int) -> str:
    return f"muster {number}"
