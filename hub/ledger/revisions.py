"""What staff set in the console, laid over the city's files: every version kept, sealed, the newest in force.

A subject is `on-call`, `thresholds` and so on; what its bytes mean is its own module's. Sealed whatever it holds:
some of it is personal data. A change is one commit with its audit row, which names no value.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select

from hub.errors import Conflict
from hub.keys import Keys
from hub.ledger import audit, tables
from hub.ledger.columns import one_at_a_time

_LOCK = 0x7265_7669

_revisions = tables.revisions.c


class Revision(NamedTuple):
    """`number`: from 1, without gaps."""

    number: int
    at: datetime
    by: str
    value: bytes


def latest(conn: Connection, keys: Keys, subject: str) -> Revision | None:
    """The one in force; None: nobody has set it."""
    return next(iter(history(conn, keys, subject, limit=1)), None)


def history(conn: Connection, keys: Keys, subject: str, *, limit: int = 50) -> list[Revision]:
    """The newest first."""
    rows = conn.execute(
        select(tables.revisions)
        .where(_revisions.subject == subject)
        .order_by(_revisions.number.desc())
        .limit(limit)
    )
    return [_revision(keys, row) for row in rows]


def number(conn: Connection, subject: str) -> int:
    """Of the one in force; 0: nobody has set it. Opens nothing, so it may be asked often."""
    newest = conn.execute(select(func.max(_revisions.number)).where(_revisions.subject == subject)).scalar()
    return int(newest or 0)


def add(
    conn: Connection,
    keys: Keys,
    subject: str,
    value: bytes,
    *,
    seen: int,
    at: datetime,
    by: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Put `value` in force after the revision `seen`, with its audit row; `detail` holds no personal data.

    Raises:
        Conflict: somebody set it meanwhile.
    """
    one_at_a_time(conn, _LOCK)
    if number(conn, subject) != seen:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    conn.execute(
        insert(tables.revisions).values(
            subject=subject,
            number=seen + 1,
            at=at,
            by=by,
            key_id=keys.active,
            sealed=keys.seal(value, bound_to=_place(subject, seen + 1)),
        )
    )
    audit.append(
        conn,
        keys,
        at=at,
        actor=by,
        action=f"{subject}.set",
        subject=subject,
        detail={"number": seen + 1, **(detail or {})},
    )


def _revision(keys: Keys, row: Row[Any]) -> Revision:
    value = keys.unseal(row.sealed, key_id=row.key_id, bound_to=_place(row.subject, row.number))
    return Revision(number=row.number, at=row.at, by=row.by, value=value)


def _place(subject: str, revision: int) -> str:
    return f"revision {subject} {revision}"
