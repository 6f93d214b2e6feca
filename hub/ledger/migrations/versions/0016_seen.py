"""what counts once though it may come again"""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('seen',
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('source', 'key', name=op.f('pk_seen'))
    )
    op.create_index(op.f('ix_seen_at'), 'seen', ['at'], unique=False)
