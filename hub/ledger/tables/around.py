"""What stands around an alert: the occasion, its report, the telephone desk, staff who are called."""

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
)

from hub.ledger.columns import Foreign, UtcTime
from hub.ledger.tables.base import RowId, metadata

occasions = Table(
    "occasions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("received_at", UtcTime, nullable=False),
    Column("source", String(32), nullable=False),
    Column("event", Foreign(128), nullable=False, unique=True),
    Column("payload", LargeBinary, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", String(64)),
    Column("decision", Text),
)

seen = Table(
    "seen",
    metadata,
    Column("source", String(16), primary_key=True),
    Column("key", Foreign(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Index(None, "at"),
)
"""What counts once though it may come again: a provider's events, links that were used."""

reports = Table(
    "reports",
    metadata,
    Column("alert", ForeignKey("alerts.identifier"), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("locked_at", UtcTime, nullable=False),
    Column("locked_by", String(64), nullable=False),
)

report_notes = Table(
    "report_notes",
    metadata,
    Column("alert", ForeignKey("reports.alert"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("text", Text, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("question", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("hazard", String(32)),  # NULL: whatever is in force
    Column("withdrawn", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("answer", String(36), nullable=False),  # empty: another question
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("undone_at", UtcTime),
    Index(None, "at"),
)

musters = Table(
    "musters",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("mode", String(16), nullable=False),
    Column("called_at", UtcTime, nullable=False),
    Column("called_by", String(64), nullable=False),
    Column("rule", String(36), nullable=False),  # empty: called by a person
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # why, and who was called: names
    Column("ended_at", UtcTime),
    Column("ended_by", String(64)),
    Column("cancelled", Boolean, nullable=False),
)

muster_answers = Table(  # every answer; somebody's last one counts
    "muster_answers",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("muster", ForeignKey("musters.id"), nullable=False),
    Column("recipient", BigInteger, nullable=False),
    Column("answer", String(8), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),  # a login, where somebody wrote it down for them
    Index(None, "muster", "recipient"),
)

muster_firings = Table(  # which rule called for which event, once; without a rule: which form
    "muster_firings",
    metadata,
    Column("rule", String(36), primary_key=True),
    Column("event", Foreign(128), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("muster", BigInteger),  # NULL: there was nobody to call
)

replies = Table(  # what residents say by a key of the telephone; somebody's last one counts
    "replies",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("alert", ForeignKey("alerts.identifier"), nullable=False),
    Column("recipient", BigInteger, nullable=False),
    Column("reply", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "alert", "recipient"),
)
