"""What is to be published because of a commit, written in it: relayed in its order, at least once (`hub.sweep`)."""

from datetime import datetime

from sqlalchemy import Connection, insert

from hub.ledger import tables


def put(conn: Connection, topic: str, key: str, value: bytes, *, at: datetime) -> None:
    """`value`: sealed for this topic and key. It leaves once the transaction is durable, and never without it."""
    conn.execute(insert(tables.outbox).values(topic=topic, key=key, value=value, created_at=at))
