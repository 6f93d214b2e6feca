"""links by which a shelter's staff report without an account"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shelter_links',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('site', sa.String(length=32), nullable=False),
    sa.Column('mac', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.BigInteger(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('revoked_at', sa.BigInteger(), nullable=True),
    sa.Column('revoked_by', sa.String(length=64), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shelter_links'))
    )
    op.create_index(op.f('ix_shelter_links_mac'), 'shelter_links', ['mac'], unique=True)
    op.create_index(op.f('ix_shelter_links_site'), 'shelter_links', ['site'], unique=False)
