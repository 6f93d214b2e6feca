"""Alembic's entry: the connection comes from `migrations.upgrade`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from hub.ledger.columns import Members, UtcTime
from hub.ledger.tables import metadata


def plain(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A step spells out what the database sees, so that it still runs when our types have moved on."""
    if kind == "type" and isinstance(item, UtcTime):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Members):
        return "sa.LargeBinary()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata", metadata),
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
