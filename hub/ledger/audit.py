"""The audit trail: a hash chain written in the same commit as what it tells of (I12).

Each row's hash is an HMAC over the previous row's hash and its own fields, so that a changed,
removed or inserted row shows, and nobody without the record key can mend the chain. The head, how
many rows there are, is signed beside it, so that rows missing at the end show too. What does not show
is a whole database put back to an earlier day: keep the head elsewhere for that.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from hub import codec
from hub.errors import HubError
from hub.keys import Keys
from hub.ledger import tables
from hub.ledger.columns import one_at_a_time, to_us

_START = bytes(32)
_LOCK = 0x7961_7564  # one appender at a time keeps the chain a chain


class BrokenChain(HubError):
    """A row of the audit trail is not what was written. Names the first such row."""


class Entry(NamedTuple):
    """One row, to be read by a person. `detail` as it was written."""

    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


def append(
    conn: Connection,
    keys: Keys,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one row in the caller's transaction. `detail` holds ids and facts, never personal data."""
    one_at_a_time(conn, _LOCK)
    last = conn.execute(
        select(tables.audit.c.seq, tables.audit.c.hash).order_by(tables.audit.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, _START)
    row = {
        "seq": seq,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": codec.encode(detail or {}).decode(),
    }
    link = _link(keys, previous, **row)
    conn.execute(insert(tables.audit).values(**row, hash=link))
    _move_head(conn, seq, _head(keys, seq, link))


def about(conn: Connection, subjects: Collection[str], *, limit: int = 200) -> list[Entry]:
    """What was done to any of these, the newest first. Does not check the chain: `verify` does."""
    rows = conn.execute(
        select(tables.audit)
        .where(tables.audit.c.subject.in_(subjects))
        .order_by(tables.audit.c.seq.desc())
        .limit(limit)
    )
    return [
        Entry(row.at, row.actor, row.action, codec.decode(dict[str, Any], row.detail, what="audit"))
        for row in rows
    ]


def verify(conn: Connection, keys: Keys) -> int:
    """Walk the whole chain; the number of rows.

    Raises:
        BrokenChain: a row was changed, removed or inserted, also at the end.
    """
    # before the rows: those written meanwhile come after it
    head = conn.execute(select(tables.audit_head.c.seq, tables.audit_head.c.mac)).first()
    previous, expected = _START, 1
    for row in _rows(conn):
        fields = {name: row[name] for name in ("seq", "at", "actor", "action", "subject", "detail")}
        if row["seq"] != expected or row["hash"] != _link(keys, previous, **fields):
            raise _broken(expected)
        if head is not None and head.seq == expected and head.mac != _head(keys, expected, row["hash"]):
            raise _broken(expected)
        previous, expected = row["hash"], expected + 1
    if (head.seq if head is not None else 0) >= expected or (head is None and expected > 1):
        raise _broken(expected)
    return expected - 1


def _broken(seq: int) -> BrokenChain:
    return BrokenChain(f"audit row {seq} was changed or removed / 監査記録 {seq} が書きかえられています")


def _move_head(conn: Connection, seq: int, mac: bytes) -> None:
    moved = conn.execute(update(tables.audit_head).values(seq=seq, mac=mac))
    if moved.rowcount == 0:
        conn.execute(insert(tables.audit_head).values(id=1, seq=seq, mac=mac))


def _head(keys: Keys, seq: int, link: bytes) -> bytes:
    return keys.mac(b"audit head", str(seq).encode(), link)


def _rows(conn: Connection) -> Iterator[Mapping[Any, Any]]:
    yield from conn.execute(select(tables.audit).order_by(tables.audit.c.seq)).mappings()


def _link(keys: Keys, previous: bytes, **row: object) -> bytes:
    at = row["at"]
    assert isinstance(at, datetime)  # noqa: S101 - narrows the type; the column is UtcTime
    fields = [str(row[name]).encode() for name in ("seq", "actor", "action", "subject", "detail")]
    return keys.mac(b"audit", previous, str(to_us(at)).encode(), *fields)
