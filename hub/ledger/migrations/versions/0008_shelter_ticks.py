"""shelters: the manual as a list to tick, and who needs support by kind"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shelter_ticks',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('site', sa.String(length=32), nullable=False),
    sa.Column('opening', sa.Integer(), nullable=False),
    sa.Column('item', sa.String(length=32), nullable=False),
    sa.Column('done', sa.Boolean(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('recorded_at', sa.BigInteger(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shelter_ticks'))
    )
    op.create_index(op.f('ix_shelter_ticks_site_opening'), 'shelter_ticks', ['site', 'opening'], unique=False)
    op.add_column('shelter_reports', sa.Column('support', sa.Text(), nullable=False, server_default='{}'))
