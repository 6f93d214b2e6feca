"""Agreed answers for those who answer the telephone: every version is kept, and who wrote it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from hub.errors import BadInput, Conflict
from hub.hazard import Hazard
from hub.ledger import tables
from hub.ledger.columns import insert_new

_answers = tables.answers.c


class Answer(NamedTuple):
    """One version. `hazard` None: given whatever is in force. `withdrawn`: it must not be given any more."""

    id: str
    version: int
    question: str
    reply: str
    hazard: Hazard | None
    withdrawn: bool
    at: datetime
    by: str


def write(conn: Connection, answer: Answer) -> None:
    """A version after those that there are; the first is 1. Nothing is ever written over.

    Raises:
        Conflict: somebody wrote that version before.
    """
    row = insert_new(conn, tables.answers).values(
        id=answer.id,
        version=answer.version,
        question=answer.question,
        reply=answer.reply,
        hazard=answer.hazard,
        withdrawn=answer.withdrawn,
        at=answer.at,
        by=answer.by,
    )
    if conn.execute(row.returning(_answers.id)).first() is None:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )


def current(conn: Connection) -> list[Answer]:
    """The last version of each, withdrawn ones too, in the order in which they were first written."""
    newest: dict[str, Answer] = {}
    for answer in _read(conn):
        newest[answer.id] = answer
    return list(newest.values())


def versions(conn: Connection, answer: str) -> list[Answer]:
    """The newest first. Raises `BadInput` when there is none."""
    found = [each for each in _read(conn, answer) if each.id == answer]
    if not found:
        raise BadInput(f"answer {answer}", "there is no such answer / この答えはありません")
    return found[::-1]


def _read(conn: Connection, only: str | None = None) -> list[Answer]:
    first = (
        select(_answers.id, func.min(_answers.at).label("written")).group_by(_answers.id).subquery("first")
    )
    query = (
        select(tables.answers)
        .join(first, first.c.id == _answers.id)
        .order_by(first.c.written, _answers.id, _answers.version)
    )
    if only is not None:
        query = query.where(_answers.id == only)
    return [
        Answer(
            id=row.id,
            version=row.version,
            question=row.question,
            reply=row.reply,
            hazard=None if row.hazard is None else Hazard(row.hazard),
            withdrawn=row.withdrawn,
            at=row.at,
            by=row.by,
        )
        for row in conn.execute(query)
    ]
