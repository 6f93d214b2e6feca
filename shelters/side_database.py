"""The database beside the ledger: what is no record, and must never hold an alert's lock."""

from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError


def engine(url: str) -> Engine:
    """`url`: SQLAlchemy's. SQLite is told to write without waiting for the disk."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _tune)
        event.listen(made, "begin", _begin)
    return made


def make_tables(made: Engine, tables: MetaData) -> None:
    """Those that are not there. Several processes may do so at once: whoever comes second finds them."""
    try:
        tables.create_all(made)
    except (IntegrityError, OperationalError, ProgrammingError):
        tables.create_all(made)


def _tune(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN and SAVEPOINT, not the driver's guesses
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")
