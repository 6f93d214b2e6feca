"""Drafts in the ledger: changed only by who holds the version they saw."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select, update

from hub import codec
from hub.draft import Draft, Message, State
from hub.errors import BadInput, Conflict
from hub.ledger import tables
from hub.schedule import Schedule

_drafts = tables.drafts.c
_versions = tables.draft_versions.c


class Submitted(NamedTuple):
    """A version as it was submitted."""

    version: int
    at: datetime
    message: Message


def create(conn: Connection, draft: Draft) -> None:
    conn.execute(insert(tables.drafts).values(id=draft.id, created_at=draft.created_at, **_values(draft)))


def get(conn: Connection, draft: str, *, hold: bool = False) -> Draft:
    """`hold`: nobody else changes it before this transaction ends. Raises `BadInput` when there is none."""
    found = find(conn, draft, hold=hold)
    if found is None:
        raise BadInput(f"draft {draft}", "there is no such draft / この下書きはありません")
    return found


def find(conn: Connection, draft: str, *, hold: bool = False) -> Draft | None:
    """As `get`, where there need not be one."""
    query = select(tables.drafts).where(_drafts.id == draft)
    row = conn.execute(query.with_for_update() if hold else query).first()
    return None if row is None else _draft(row)


def of_alert(conn: Connection, alert: str) -> Draft | None:
    """The draft that became this alert."""
    row = conn.execute(select(tables.drafts).where(_drafts.alert == alert)).first()
    return None if row is None else _draft(row)


def replace(conn: Connection, draft: Draft, *, seen: int) -> None:
    """Write `draft` over the version `seen`. A version that is submitted is kept beside it.

    Raises:
        Conflict: somebody changed it meanwhile.
    """
    changed = conn.execute(
        update(tables.drafts).where(_drafts.id == draft.id, _drafts.version == seen).values(**_values(draft))
    )
    if changed.rowcount == 0:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    if draft.state is State.SUBMITTED:
        conn.execute(
            insert(tables.draft_versions).values(
                draft=draft.id,
                version=draft.version,
                at=draft.updated_at,
                payload=codec.encode(draft.message),
            )
        )


def remark(conn: Connection, draft: Draft) -> None:
    """Write down who is asked, and since when those on call are paged: beside the version, which stays."""
    conn.execute(
        update(tables.drafts).where(_drafts.id == draft.id).values(asked=draft.asked, paged_at=draft.paged_at)
    )


def submitted(conn: Connection, draft: str) -> list[Submitted]:
    """Every version that was submitted, the newest first."""
    rows = conn.execute(
        select(tables.draft_versions).where(_versions.draft == draft).order_by(_versions.version.desc())
    )
    return [
        Submitted(row.version, row.at, codec.decode(Message, row.payload, what=f"draft {draft}"))
        for row in rows
    ]


def in_state(conn: Connection, state: State, *, limit: int = 50) -> list[Draft]:
    """The longest unchanged first: who waits longest stands on top."""
    rows = conn.execute(
        select(tables.drafts).where(_drafts.state == state).order_by(_drafts.updated_at).limit(limit)
    )
    return [_draft(row) for row in rows]


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "version": draft.version,
        "state": draft.state,
        "author": draft.author,
        "authors": codec.encode(draft.authors).decode(),
        "mode": draft.message.mode,
        "payload": codec.encode(draft.message),
        "updated_at": draft.updated_at,
        "submitted_at": draft.submitted_at,
        "note": draft.note,
        "alert": draft.alert,
        "schedule": None if draft.schedule is None else codec.encode(draft.schedule).decode(),
        "asked": draft.asked,
        "paged_at": draft.paged_at,
    }


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        version=row.version,
        state=State(row.state),
        author=row.author,
        authors=codec.decode(tuple[str, ...], row.authors, what=f"draft {row.id}"),
        message=codec.decode(Message, row.payload, what=f"draft {row.id}"),
        created_at=row.created_at,
        updated_at=row.updated_at,
        submitted_at=row.submitted_at,
        note=row.note,
        alert=row.alert,
        schedule=None
        if row.schedule is None
        else codec.decode(Schedule, row.schedule, what=f"draft {row.id}"),
        asked=row.asked,
        paged_at=row.paged_at,
    )
