"""Alerts in the ledger: accepted once, stopped at most once, never changed."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, select, text, update

from hub import codec
from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.delivery import Outcome
from hub.errors import BadInput, Conflict
from hub.keys import Keys
from hub.ledger import tables
from hub.ledger.columns import streamed
from hub.recipient import Called, Reached

_alerts = tables.alerts.c
_LOCK = 0x7961_6E75  # PostgreSQL advisory lock: numbers are given out one at a time


class Accepted(NamedTuple):
    """An alert and what became of it."""

    alert: Alert
    number: str
    author: str
    approver: str
    stopped_as: Outcome | None
    stopped_at: datetime | None
    ended_at: datetime | None


def insert_alert(
    conn: Connection,
    keys: Keys,
    alert: Alert,
    *,
    number: str,
    digest: bytes,
    author: str,
    approver: str,
    break_glass: str | None,
) -> None:
    """The alert, its references and an empty plan for each channel.

    Raises:
        Conflict: it was accepted already.
        BadInput: it refers to an alert that does not exist, or that its sequence does not follow.
    """
    if conn.execute(select(_alerts.identifier).where(_alerts.identifier == alert.identifier)).first():
        raise Conflict("すでに配信済みです。二重には送りません / Already sent. It will not be sent twice")
    _check_references(conn, alert)
    payload = codec.encode(alert)
    audience = alert.targeting.audience
    revision = conn.execute(select(tables.deployment.c.register_revision)).scalar_one()
    conn.execute(
        insert(tables.alerts).values(
            identifier=alert.identifier,
            number=number,
            version=alert.sequence,
            mode=alert.mode,
            lane=alert.lane,
            sent=alert.sent,
            expires=alert.expires,
            payload=payload,
            digest=digest,
            mac=keys.mac(b"alert", payload),
            register_revision=revision,
            author=author,
            approver=approver,
            break_glass=break_glass,
            muster=audience.muster if isinstance(audience, Called) else None,
        )
    )
    for reference in alert.references:
        conn.execute(insert(tables.alert_references).values(identifier=alert.identifier, refers_to=reference))
    for channel in alert.targeting.channels:
        conn.execute(
            insert(tables.plans).values(alert=alert.identifier, channel=channel, cursor="", step=0, planned=0)
        )


def get(conn: Connection, keys: Keys, identifier: str) -> Accepted:
    """Raises `BadInput` when there is none, or when its row is not what was accepted."""
    row = conn.execute(select(tables.alerts).where(_alerts.identifier == identifier)).first()
    if row is None:
        raise BadInput(f"alert {identifier}", "there is no such alert / この配信はありません")
    return _accepted(keys, row)


def numbered(conn: Connection, number: str) -> str | None:
    """The identifier of the alert with this public number."""
    row = tables.alerts.c
    return conn.execute(select(row.identifier).where(row.number == number)).scalar_one_or_none()


def recent(conn: Connection, keys: Keys, *, limit: int = 50) -> list[Accepted]:
    """The newest first, without calls of staff: those are `of_muster`'s."""
    rows = conn.execute(
        select(tables.alerts)
        .where(_alerts.muster.is_(None))
        .order_by(_alerts.sent.desc(), _alerts.number.desc())
        .limit(limit)
    )
    return [_accepted(keys, row) for row in rows]


def of_muster(conn: Connection, keys: Keys, muster: int) -> list[Accepted]:
    """The calls of a muster, the newest first."""
    rows = conn.execute(
        select(tables.alerts)
        .where(_alerts.muster == muster)
        .order_by(_alerts.sent.desc(), _alerts.version.desc())
    )
    return [_accepted(keys, row) for row in rows]


def related(conn: Connection, identifier: str) -> list[tuple[str, str]]:
    """(identifier, number) of what it refers to and of what refers to it, the oldest first."""
    references = tables.alert_references.c
    earlier = select(references.refers_to).where(references.identifier == identifier)
    return _named(conn, _alerts.identifier.in_(earlier) | _refers_to(identifier))


def later(conn: Connection, identifier: str) -> list[tuple[str, str]]:
    """(identifier, number) of what refers to it, the oldest first."""
    return _named(conn, _refers_to(identifier))


def _refers_to(identifier: str) -> ColumnElement[bool]:
    references = tables.alert_references.c
    return _alerts.identifier.in_(select(references.identifier).where(references.refers_to == identifier))


def _named(conn: Connection, which: ColumnElement[bool]) -> list[tuple[str, str]]:
    rows = conn.execute(
        select(_alerts.identifier, _alerts.number).where(which).order_by(_alerts.sent, _alerts.number)
    )
    return [(row.identifier, row.number) for row in rows]


def search(
    conn: Connection,
    keys: Keys,
    matches: Callable[[Accepted], bool],
    *,
    modes: Collection[Mode] = tuple(Mode),
    since: datetime | None = None,
    before: datetime | None = None,
    offset: int = 0,
    limit: int = 50,
) -> tuple[int, list[Accepted]]:
    """How many were sent in that time, in these modes, and match; and some of them, the newest first. Calls of
    staff are not among them.

    Texts are in no index: every alert of that time is read, a few hundred in a city's year.
    """
    query = select(tables.alerts).where(_alerts.mode.in_(modes), _alerts.muster.is_(None))
    if since is not None:
        query = query.where(_alerts.sent >= since)
    if before is not None:
        query = query.where(_alerts.sent < before)
    found, number = [], 0
    for row in streamed(conn, query.order_by(_alerts.sent.desc(), _alerts.number.desc())):
        each = _accepted(keys, row)
        if not matches(each):
            continue
        if offset <= number < offset + limit:
            found.append(each)
        number += 1
    return number, found


def active(conn: Connection, keys: Keys, *, at: datetime) -> list[Accepted]:
    """What is in force: not expired, not stopped, not ended by a later alert. The newest first. No call of staff."""
    rows = conn.execute(
        select(tables.alerts)
        .where(
            _alerts.expires > at,
            _alerts.sent <= at,
            _alerts.stopped_at.is_(None),
            _alerts.ended_at.is_(None),
            _alerts.muster.is_(None),
        )
        .order_by(_alerts.sent.desc(), _alerts.number.desc())
    )
    return [_accepted(keys, row) for row in rows]


def stop(conn: Connection, identifier: str, *, outcome: Outcome, at: datetime, actor: str) -> bool:
    """Let nothing more of it start; `outcome` is what its unsent recipients get. False: it was stopped before."""
    stopped = conn.execute(
        update(tables.alerts)
        .where(_alerts.identifier == identifier, _alerts.stopped_at.is_(None))
        .values(stopped_as=int(outcome), stopped_at=at, stopped_by=actor)
    )
    return stopped.rowcount == 1


def end(conn: Connection, identifiers: Sequence[str], *, at: datetime) -> None:
    """No longer in force: lifted, corrected or taken over by a later alert."""
    conn.execute(
        update(tables.alerts)
        .where(_alerts.identifier.in_(identifiers), _alerts.ended_at.is_(None))
        .values(ended_at=at)
    )


def stopped(conn: Connection, identifiers: Sequence[str], *, hold: bool = False) -> dict[str, Outcome]:
    """Which of these are stopped, and as what.

    `hold`: no stop comes between this answer and the commit, so that whatever is planned by it is
    either seen by the stop or knows of it.
    """
    rows = conn.execute(_STOPPED_HELD if hold else _STOPPED, {"asked": identifiers})
    return {row.identifier: Outcome(row.stopped_as) for row in rows if row.stopped_as is not None}


_STOPPED = select(_alerts.identifier, _alerts.stopped_as).where(
    _alerts.identifier.in_(bindparam("asked", expanding=True))
)
_STOPPED_HELD = _STOPPED.with_for_update(read=True)


STAFF_SERIES = "S-"
"""In front of the numbers of calls of staff, so that the public ones have no gaps."""


def next_number(conn: Connection, *, year: int, series: str = "") -> str:
    """The next number of the year in its series: `2026-0147`, `S-2026-0003`. Of two at once, one waits for the
    other's commit."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = conn.execute(
        select(_alerts.number)
        .where(_alerts.number.like(f"{series}{year}-%"))
        .order_by(func.length(_alerts.number).desc(), _alerts.number.desc())
        .limit(1)
    ).scalar_one_or_none()
    return f"{series}{year}-{int(last.rsplit('-', 1)[1]) + 1 if last else 1:04d}"


def _check_references(conn: Connection, alert: Alert) -> None:
    audience = alert.targeting.audience
    if isinstance(audience, Reached) and audience.identifier not in alert.references:
        raise BadInput("$.targeting.audience", f"{audience.identifier} is not among the references")
    if isinstance(audience, Reached) and alert.msg_type is MsgType.ALERT:
        # it would not end what it refers to, and who that reaches would never be known
        raise BadInput(
            "$.msg_type",
            "届いた人だけに送れるのは、訂正・更新・解除だけです / "
            "Only what changes an alert can go to those it reached",
        )
    for reference in alert.references:
        row = conn.execute(
            select(_alerts.version, _alerts.mode, _alerts.muster).where(_alerts.identifier == reference)
        ).first()
        if row is None:
            raise BadInput("$.references", f"there is no alert {reference}")
        if row.mode != alert.mode:
            raise BadInput("$.references", f"{reference} is {row.mode}, this is {alert.mode}: never mixed")
        if row.muster != (audience.muster if isinstance(audience, Called) else None):
            raise BadInput("$.references", f"{reference} is a call of staff, or of others: never mixed")
        if row.version >= alert.sequence:
            raise BadInput("$.sequence", f"{alert.sequence} does not follow {reference}'s {row.version}")


def _accepted(keys: Keys, row: Row[Any]) -> Accepted:
    if keys.mac(b"alert", row.payload) != row.mac:
        raise BadInput(
            f"alert {row.identifier}",
            "its row was changed: the MAC does not fit / 記録が書きかえられています",
        )
    return Accepted(
        alert=codec.alert_from(row.payload),
        number=row.number,
        author=row.author,
        approver=row.approver,
        stopped_as=None if row.stopped_as is None else Outcome(row.stopped_as),
        stopped_at=row.stopped_at,
        ended_at=row.ended_at,
    )
