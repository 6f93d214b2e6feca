"""One alert: drafted, planned, sent in batches, reported on by gateways."""

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from hub.ledger.columns import Foreign, Members, UtcTime
from hub.ledger.tables.base import RowId, metadata

drafts = Table(
    "drafts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("author", String(64), nullable=False),
    Column("authors", Text, nullable=False),  # a JSON list of logins
    Column("mode", String(16), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("submitted_at", UtcTime),
    Column("note", Text, nullable=False, default=""),
    Column("alert", String(64)),
    Column("schedule", Text),  # JSON (hub.schedule)
    Column(
        "asked", String(64), nullable=False, server_default=""
    ),  # who is to approve it; empty: whoever may
    Column("paged_at", UtcTime),  # since when those on call are paged for this submission
    Index(None, "state"),
)

draft_versions = Table(  # what was submitted, each time: an approver sees what changed since
    "draft_versions",
    metadata,
    Column("draft", ForeignKey("drafts.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("identifier", String(64), primary_key=True),
    Column("number", String(16), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("sent", UtcTime, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("mac", LargeBinary(32), nullable=False),
    Column("register_revision", BigInteger, nullable=False),
    Column("author", String(64), nullable=False),
    Column("approver", String(64), nullable=False),
    Column("break_glass", Text),
    Column("stopped_as", SmallInteger),
    Column("stopped_at", UtcTime),
    Column("stopped_by", String(64)),
    Column("ended_at", UtcTime),
    Column("muster", BigInteger),  # of a call of staff; NULL: for residents
    Index(None, "muster"),
)

alert_references = Table(
    "alert_references",
    metadata,
    Column("identifier", ForeignKey("alerts.identifier"), primary_key=True),
    Column("refers_to", ForeignKey("alerts.identifier"), primary_key=True),
    Index(None, "refers_to"),
)

plans = Table(
    "plans",
    metadata,
    Column("alert", ForeignKey("alerts.identifier"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("planned", BigInteger, nullable=False),
    Column("complete_at", UtcTime),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("topic", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)


class BatchState(IntEnum):
    """Where a batch's row stands. What is known of its recipients is in its arrays, not here."""

    PLANNED = 0
    CLAIMED = 1
    RECORDED = 2


batches = Table(
    "batches",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("alert", ForeignKey("alerts.identifier"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("parent", String(36)),
    Column("attempt", SmallInteger, nullable=False),
    Column("spent", SmallInteger, nullable=False, server_default="0"),
    Column("resend", Boolean, nullable=False),
    Column("content_hash", ForeignKey("contents.hash"), nullable=False),
    Column("idempotency_key", String(36), nullable=False),
    Column("members", Members, nullable=False),
    Column("handover", LargeBinary, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("expires", UtcTime, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", UtcTime),
    Column("first_at", UtcTime),
    Column("last_at", UtcTime),
    Column("settles_at", UtcTime),
    Index(None, "alert", "channel", "language", "zone", "seq"),
    Index(None, "state", "channel", "lane", "due_at"),
    Index(None, "state", "lease_until"),
    Index(None, "idempotency_key"),
)

provider_refs = Table(
    "provider_refs",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("ref", Foreign(128), primary_key=True),
    Column("batch", ForeignKey("batches.id"), nullable=False),
    Column("position", Integer, nullable=False),
)

arrivals = Table(  # how many were known, and when, to have reached a device: counts, and nothing of whom
    "arrivals",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("alert", ForeignKey("alerts.identifier"), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("number", Integer, nullable=False),
    Index(None, "alert"),
)

parked_receipts = Table(
    "parked_receipts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("ref", Foreign(128), nullable=False),
    Column("outcome", SmallInteger, nullable=False),
    Column("reason", Foreign(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "channel", "ref"),
)

late_receipts = Table(  # proofs of arrival that came after a correction's audience was read
    "late_receipts",
    metadata,
    Column("alert", ForeignKey("alerts.identifier"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("recipient", BigInteger, primary_key=True, autoincrement=False),
    Column("language", String(16), nullable=False),
    Column("zone", String(64), nullable=False),
)

bounces = Table(  # what came back of mail; one row for each recipient and alert
    "bounces",
    metadata,
    Column("recipient", ForeignKey("recipients.id"), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("alert", ForeignKey("alerts.identifier"), primary_key=True),
    Column("hard", Boolean, nullable=False),
    Column("policy", Boolean, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "alert", "channel"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("alert", ForeignKey("alerts.identifier"), primary_key=True),
    Column("sheet", String(64), primary_key=True),
    Column("ticked_at", UtcTime, nullable=False),
    Column("ticked_by", String(64), nullable=False),
)
