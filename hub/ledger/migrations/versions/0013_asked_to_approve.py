"""who is asked to approve a draft, and when those on call were paged for it"""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('drafts') as batch:
        batch.add_column(sa.Column('asked', sa.String(length=64), nullable=False, server_default=''))
        batch.add_column(sa.Column('paged_at', sa.BigInteger(), nullable=True))
