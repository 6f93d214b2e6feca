"""The database beside the ledger: what is no record, and must never hold an alert's lock."""

from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.schema import CreateIndex, CreateTable

from hub.ledger.columns import one_at_a_time

_LOCK = 0x7369_6465


def engine(url: str, *, reads_first: bool = True) -> Engine:
    """`url`: SQLAlchemy's. SQLite is told to write without waiting for the disk.

    `reads_first`: a transaction reads what it then writes by, so SQLite locks as it begins; without it a reader
    takes no lock.
    """
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _tune)
        if reads_first:
            event.listen(made, "connect", _leave_begin_to_us)
            event.listen(made, "begin", _begin)
    return made


def make_tables(made: Engine, tables: MetaData) -> None:
    """Those that are not there. Several processes may do so at once."""
    with made.begin() as conn:
        one_at_a_time(conn, _LOCK)
        for table in tables.sorted_tables:
            conn.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                conn.execute(CreateIndex(index, if_not_exists=True))


def _tune(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _leave_begin_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN and SAVEPOINT, not the driver's guesses


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")
