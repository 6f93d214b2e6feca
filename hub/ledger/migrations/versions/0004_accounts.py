"""accounts: departments and kinds of alert, one-time links, the yearly review"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('accounts') as batch:
        batch.add_column(sa.Column('department', sa.String(length=32), nullable=False, server_default=''))
        batch.add_column(sa.Column('hazards', sa.String(length=400), nullable=False, server_default=''))
        batch.add_column(sa.Column('last_sign_in', sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column('reviewed_at', sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column('reviewed_by', sa.String(length=64), nullable=True))
        batch.add_column(sa.Column('link_hash', sa.LargeBinary(length=32), nullable=True))
        batch.add_column(sa.Column('link_until', sa.BigInteger(), nullable=True))
        batch.create_unique_constraint(op.f('uq_accounts_link_hash'), ['link_hash'])
