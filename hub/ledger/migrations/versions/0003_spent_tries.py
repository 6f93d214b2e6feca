"""tries that count: those that failed on account of the recipients alone"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('batches', sa.Column('spent', sa.SmallInteger(), nullable=False, server_default='0'))
    op.execute('UPDATE batches SET spent = attempt - 1')  # until now every try counted
