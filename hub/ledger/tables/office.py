"""The hub itself and the people who work with it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from hub.ledger.columns import Foreign, UtcTime
from hub.ledger.tables.base import RowId, metadata

deployment = Table(
    "deployment",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1: there is one
    Column("kind", String(16), nullable=False),
    Column("city_code", String(6), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("register_revision", BigInteger, nullable=False, default=0),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("department", String(32), nullable=False, server_default=""),
    Column("hazards", String(400), nullable=False, server_default=""),  # empty: all kinds of alert
    Column("last_sign_in", UtcTime),
    Column("reviewed_at", UtcTime),
    Column("reviewed_by", String(64)),
    Column("link_hash", LargeBinary(32), unique=True),  # of a one-time link to choose a password with
    Column("link_until", UtcTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", ForeignKey("accounts.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

revisions = Table(  # what staff set in the console: every version, the newest in force
    "revisions",
    metadata,
    Column("subject", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1: there is one
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
)

lives = Table(  # the processes that hold claims: who stops saying that it lives, loses them
    "lives",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("until", UtcTime, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("topic", Foreign(128), nullable=False),
    Column("key", Foreign(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("seen_at", UtcTime),
    Column("seen_by", String(64)),
)

pages = Table(
    "pages",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("topic", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("acknowledged_at", UtcTime),
    Column("acknowledged_by", String(64)),
)

canaries = Table(  # of each channel the last message by which it was tried end to end
    "canaries",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("asked_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("key", String(32), nullable=False),
    Column("ref", Foreign(128), nullable=False),  # the provider's; empty: none
    Column("waiting", Boolean, nullable=False),
    Column("proven_at", UtcTime),  # the last that arrived
    Column("took_ms", Integer),
    Column("missed", Integer, nullable=False),  # in a row
    Column("detail", Text, nullable=False),
)
