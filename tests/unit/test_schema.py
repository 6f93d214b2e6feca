"""The migrations make exactly what the code declares."""

import asyncio
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from hub.ledger import migrations, sqlite_url
from yobikake.schema import METADATA


async def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "ledger.db")
    await asyncio.to_thread(migrations.upgrade, url)
    engine = create_engine(url)
    with engine.connect() as conn:
        assert not migrations.pending(conn)
        assert compare_metadata(MigrationContext.configure(conn), METADATA) == []
    engine.dispose()
