"""who left by themselves, apart from whom nothing reached"""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('contacts', sa.Column('withdrawn', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        op.f('ix_contacts_channel_suppressed'), 'contacts', ['channel', 'suppressed'], unique=False,
        sqlite_where=sa.text('suppressed IS 1'), postgresql_where=sa.text('suppressed IS true'),
    )
    op.execute("UPDATE contacts SET withdrawn = suppressed WHERE channel = 'line'")
