"""when how many were known to have reached a device"""

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('arrivals',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('alert', sa.String(length=64), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['alert'], ['alerts.identifier'], name=op.f('fk_arrivals_alert')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_arrivals'))
    )
    op.create_index(op.f('ix_arrivals_alert'), 'arrivals', ['alert'], unique=False)
