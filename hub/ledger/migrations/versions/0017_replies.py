"""what residents say by a key of the telephone"""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('replies',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('alert', sa.String(length=64), nullable=False),
    sa.Column('recipient', sa.BigInteger(), nullable=False),
    sa.Column('reply', sa.String(length=16), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['alert'], ['alerts.identifier'], name=op.f('fk_replies_alert')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replies'))
    )
    op.create_index(op.f('ix_replies_alert_recipient'), 'replies', ['alert', 'recipient'], unique=False)
