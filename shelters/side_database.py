"""The database beside the ledger: what is no record, and must never hold an alert's lock."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from hub.errors import BadSettings
from hub.ledger.columns import one_at_a_time

_LOCK = 0x7369_6465

_made_as = Table(
    "side_tables",
    MetaData(),
    Column("table_name", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
)
"""Which form each table has: that of the newest hub that opened it."""


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
    """Those that are not there, and the columns that an earlier version of the hub did not have. Several processes may
    do so at once.

    A table whose columns change says so by the next `version` in its `info` (1 without it); a column that is added
    may be empty, or has a `server_default`.

    Raises:
        BadSettings: a later version of the hub has made one of them; nothing was changed.
    """
    with made.begin() as conn:
        _alone(conn)
        known = _versions(conn)
        for table in tables.sorted_tables:
            _check(table, known.get(table.name, 0))
        there = inspect(conn)
        for table in tables.sorted_tables:
            if there.has_table(table.name):
                _complete(conn, table, {column["name"] for column in there.get_columns(table.name)})
            else:
                conn.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                conn.execute(CreateIndex(index, if_not_exists=True))
            if known.get(table.name) != _version(table):
                conn.execute(delete(_made_as).where(_made_as.c.table_name == table.name))
                conn.execute(insert(_made_as).values(table_name=table.name, version=_version(table)))


def _alone(conn: Connection) -> None:
    """Whoever else makes tables waits."""
    one_at_a_time(conn, _LOCK)
    driver: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "sqlite" and not driver.in_transaction:
        _begin(conn)


def _versions(conn: Connection) -> dict[str, int]:
    """Of every table that was made so far by a hub that noted it."""
    conn.execute(CreateTable(_made_as, if_not_exists=True))
    return {row.table_name: row.version for row in conn.execute(select(_made_as))}


def _version(table: Table) -> int:
    return int(table.info.get("version", 1))


def _check(table: Table, known: int) -> None:
    if known > _version(table):
        raise BadSettings(
            f"occupancy database, table {table.name}",
            f"was made by a later version of the hub (form {known}; this one knows {_version(table)}): install that "
            "version again / 新しい版のよびかけが作った表です。その版を入れ直してください",
        )


def _complete(conn: Connection, table: Table, there: Collection[str]) -> None:
    """Columns stand in no order, and rows that are there get the default."""
    for column in table.columns:
        if column.name not in there:
            told = CreateColumn(column).compile(dialect=conn.dialect)
            name = conn.dialect.identifier_preparer.format_table(table)
            conn.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {told}")


def _tune(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _leave_begin_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN and SAVEPOINT, not the driver's guesses


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")
