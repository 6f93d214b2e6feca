"""The ledger's schema, step by step (Alembic). `upgrade` brings a database to the newest step.

A new step: change the tables, then `python -m yobikake.schema 0002 "what changes"` writes a draft
of it against an empty SQLite file; read it before keeping it. The steps also make the tables that
`shelters` keeps in the ledger; a test compares the outcome with what the code declares.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

_HERE = Path(__file__).parent


def upgrade(url: str) -> None:
    """Run the missing steps. Safe to repeat; a step that fails leaves the one before it."""
    engine = create_engine(url)
    try:
        with engine.begin() as conn:
            command.upgrade(config(conn), "head")
    finally:
        engine.dispose()


def pending(conn: Connection) -> bool:
    """Whether the database lacks a step this program needs."""
    current = MigrationContext.configure(conn).get_current_revision()
    return current != ScriptDirectory(str(_HERE)).get_current_head()


def config(conn: Connection) -> Config:
    """Alembic on this connection, in its transaction."""
    made = Config()
    made.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    made.attributes["connection"] = conn
    return made
