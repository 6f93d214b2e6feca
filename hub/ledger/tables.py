"""The tables of the record. Migrations make them; a test compares the two."""

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from hub.ledger.columns import Foreign, Members, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RowId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

deployment = Table(
    "deployment",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1: there is one
    Column("kind", String(16), nullable=False),
    Column("city_code", String(6), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("register_revision", BigInteger, nullable=False, default=0),
)

# --- people who work with the hub -------------------------------------------------------------

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

# --- who can be reached -----------------------------------------------------------------------

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
    UniqueConstraint("channel", "blind"),
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
    Index(None, "channel", "language", "zone", "last_id"),
)

# --- one alert --------------------------------------------------------------------------------

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

# --- the occasion -----------------------------------------------------------------------------

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

# --- reports ------------------------------------------------------------------------------------

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

# --- the telephone desk (電話対応班) -------------------------------------------------------------

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

# --- calling staff together (参集) ---------------------------------------------------------------

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
