"""drafts that are approved for a time"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('drafts', sa.Column('schedule', sa.Text(), nullable=True))
    op.create_index(op.f('ix_drafts_state'), 'drafts', ['state'], unique=False)
