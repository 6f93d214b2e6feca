"""of each channel the last message by which it was tried end to end"""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('canaries',
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('asked_at', sa.BigInteger(), nullable=True),
    sa.Column('sent_at', sa.BigInteger(), nullable=True),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('ref', sa.String(length=128), nullable=False),
    sa.Column('waiting', sa.Boolean(), nullable=False),
    sa.Column('proven_at', sa.BigInteger(), nullable=True),
    sa.Column('took_ms', sa.Integer(), nullable=True),
    sa.Column('missed', sa.Integer(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('channel', name=op.f('pk_canaries'))
    )
