"""Column types and the database's clock, for SQLite and PostgreSQL alike."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, LargeBinary, Row, Select, String, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from hub.recipient import RecipientId

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 (sorts, subtracts and indexes as a number)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_us(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_us(value)


def to_us(moment: datetime) -> int:
    """Exact, unlike `timestamp()`, which is a float."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * MICROSECONDS + delta.microseconds


def from_us(value: int) -> datetime:
    seconds, microseconds = divmod(int(value), MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


class Members(TypeDecorator[tuple[RecipientId, ...]]):
    """Recipient ids, four bytes each: position i here is byte i of a batch's two arrays."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sequence[RecipientId] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else struct.pack(f"<{len(value)}I", *value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[RecipientId, ...] | None:
        return None if value is None else struct.unpack(f"<{len(value) // 4}I", value)


class Foreign(TypeDecorator[str]):
    """What somebody else named, as far as it can be kept: PostgreSQL takes no NUL, and no more than `length`.

    What is longer is cut and marked with a hash of the whole, so two that differ stay two, and the same one
    is found again.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else kept(value, self.length)


def kept(value: str, length: int) -> str:
    """As `Foreign` keeps it."""
    whole = printable(value)
    if len(whole) <= length:
        return whole
    mark = "…" + hashlib.sha256(whole.encode()).hexdigest()[:16]
    return whole[: length - len(mark)] + mark


def printable(value: str) -> str:
    """PostgreSQL takes no NUL, and a screen no control character."""
    return "".join(character if character.isprintable() else "�" for character in value)


class now_us(FunctionElement[int]):  # noqa: N801
    """The database's time in microseconds since 1970: leases of all processes are measured by it."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_us, "sqlite")
def _sqlite(element: now_us, compiler: SQLCompiler, **kw: object) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


@compiles(now_us, "postgresql")
def _postgresql(element: now_us, compiler: SQLCompiler, **kw: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def insert_new(conn: Connection, table: Table) -> Any:
    """An insert that leaves a row alone which is there already."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def streamed(conn: Connection, query: Select[Any], *, at_once: int = 40) -> Iterator[Row[Any]]:
    """The rows of a query, `at_once` of them in memory: to be read within the transaction."""
    with conn.execute(query, execution_options={"yield_per": at_once}) as rows:
        yield from rows


def one_at_a_time(conn: Connection, lock: int) -> None:
    """Wait for whoever holds `lock`, and hold it until this transaction ends. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
