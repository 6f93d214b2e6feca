"""SQLite files with the newest schema: it is migrated once a process, and copied."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.ledger import migrations, sqlite_url


def with_schema(path: Path) -> str:
    """A new database at `path`. Gives its address, for SQLAlchemy."""
    path.write_bytes(_migrated())
    return sqlite_url(path)


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        database = Path(folder) / "ledger.db"
        migrations.upgrade(sqlite_url(database))
        return database.read_bytes()
