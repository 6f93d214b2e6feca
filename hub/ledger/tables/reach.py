"""Who can be reached."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from hub.ledger.columns import Foreign, Members, UtcTime
from hub.ledger.tables.base import RowId, metadata

recipients = Table(
    "recipients",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("town", String(16), nullable=False, default=""),
    Column("zone", String(64), nullable=False, default=""),
    Column("drills", Boolean, nullable=False, default=False),
    Column("registered_at", UtcTime, nullable=False),
    Index(None, "kind", "town"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("recipient", ForeignKey("recipients.id"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("blind", LargeBinary(32), nullable=False),
    Column("suppressed", Boolean, nullable=False, default=False),
    Column("withdrawn", Boolean, nullable=False, server_default=false()),  # they left by themselves (LINE)
    UniqueConstraint("channel", "blind"),
    Index(
        None,
        "channel",
        "suppressed",
        sqlite_where=text("suppressed IS 1"),
        postgresql_where=text("suppressed IS true"),
    ),
)

support = Table(
    "support",
    metadata,
    Column("recipient", ForeignKey("recipients.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # whether they need help to evacuate
    Column("key_id", String(16), nullable=False),
)

trials = Table(
    "trials",
    metadata,
    Column("recipient", ForeignKey("recipients.id"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("due_at", UtcTime),  # NULL: out, or over
    Column("tries", Integer, nullable=False),
    Column("sent_at", UtcTime),
    Column("key", String(32), nullable=False),  # of the last one sent
    Column("ref", Foreign(128), nullable=False),  # the provider's; empty: none
    Column("waiting", Boolean, nullable=False),  # for what became of it
    Column("finding", String(16), nullable=False),  # empty: none yet
    Column("reason", Text, nullable=False),
    Column("found_at", UtcTime),
    Index(None, "channel", "due_at"),
)

packs = Table(
    "packs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("staged", String(36)),  # by which rebuild, until it is done; NULL: in force
    Column("ids", Members, nullable=False),
    Column("traits", Text, nullable=False),  # town, kind, drills, suppressed of each id: no address
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("support", LargeBinary),  # sealed: who of them needs help; NULL: written by an earlier version
    Index(None, "channel", "language", "zone", "last_id"),
)
