"""musters: calling staff together"""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('musters',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('mode', sa.String(length=16), nullable=False),
    sa.Column('called_at', sa.BigInteger(), nullable=False),
    sa.Column('called_by', sa.String(length=64), nullable=False),
    sa.Column('rule', sa.String(length=36), nullable=False),
    sa.Column('key_id', sa.String(length=16), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('ended_by', sa.String(length=64), nullable=True),
    sa.Column('cancelled', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_musters'))
    )
    op.create_table('muster_answers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('muster', sa.BigInteger(), nullable=False),
    sa.Column('recipient', sa.BigInteger(), nullable=False),
    sa.Column('answer', sa.String(length=8), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['muster'], ['musters.id'], name=op.f('fk_muster_answers_muster')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_muster_answers'))
    )
    op.create_index(op.f('ix_muster_answers_muster_recipient'), 'muster_answers', ['muster', 'recipient'], unique=False)
    op.create_table('muster_firings',
    sa.Column('rule', sa.String(length=36), nullable=False),
    sa.Column('event', sa.String(length=128), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('muster', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('rule', 'event', name=op.f('pk_muster_firings'))
    )
    op.add_column('alerts', sa.Column('muster', sa.BigInteger(), nullable=True))
    op.create_index(op.f('ix_alerts_muster'), 'alerts', ['muster'], unique=False)
