"""The whole schema of the ledger, the hub's and the shelters'; and the draft of a migration.

`python -m yobikake.schema 0002 "what changes"` compares the declared tables with what the migrations
make, and writes the difference as a new step. Read it before keeping it.
"""

import sys
from pathlib import Path

from alembic import command
from sqlalchemy import MetaData, create_engine

from hub.ledger import migrations, tables
from shelters import tables as shelter_tables

METADATA: list[MetaData] = [tables.metadata, shelter_tables.metadata]


def draft(revision: str, message: str) -> Path:
    """Write the step `revision` and return its file."""
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        config = migrations.config(conn)
        config.attributes["metadata"] = METADATA
        command.upgrade(config, "head")
        script = command.revision(config, message=message, autogenerate=True, rev_id=revision)
    engine.dispose()
    assert script is not None  # noqa: S101 - one revision was asked for
    assert not isinstance(script, list)  # noqa: S101
    return Path(script.path)


if __name__ == "__main__":
    draft(sys.argv[1], sys.argv[2])
