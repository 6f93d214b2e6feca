"""The tables of the record that belong to shelters: steps, ticks and staff's reports. Migrations make them."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

from hub.ledger.columns import UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

shelter_steps = Table(
    "shelter_steps",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("stage", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("opens_at", UtcTime),
    Column("note", Text, nullable=False),
)

shelter_reports = Table(
    "shelter_reports",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("people", Integer),
    Column("households", Integer),
    Column("need_support", Integer),
    Column("crowding", String(16)),
    Column("needs", Text, nullable=False),  # a JSON list of what is missing
    Column("support", Text, nullable=False, server_default="{}"),  # JSON: how many of each kind
    Column("note", Text, nullable=False),
    Index(None, "site", "at"),
    Index(None, "recorded_at"),
)

shelter_ticks = Table(
    "shelter_ticks",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", String(32), nullable=False),
    Column("opening", Integer, nullable=False),
    Column("item", String(32), nullable=False),
    Column("done", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("by", String(64), nullable=False),
    Index(None, "site", "opening"),
)

shelter_links = Table(
    "shelter_links",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("site", String(32), nullable=False),
    Column("mac", LargeBinary, nullable=False),  # of the token, which is kept nowhere
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("revoked_by", String(64)),
    Index(None, "mac", unique=True),
    Index(None, "site"),
)
