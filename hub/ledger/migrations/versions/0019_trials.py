"""new numbers, tried once"""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('trials',
    sa.Column('recipient', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('sent_at', sa.BigInteger(), nullable=True),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('ref', sa.String(length=128), nullable=False),
    sa.Column('waiting', sa.Boolean(), nullable=False),
    sa.Column('finding', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('found_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['recipient'], ['recipients.id'], name=op.f('fk_trials_recipient')),
    sa.PrimaryKeyConstraint('recipient', 'channel', name=op.f('pk_trials'))
    )
    op.create_index(op.f('ix_trials_channel_due_at'), 'trials', ['channel', 'due_at'], unique=False)
