"""who needs help to evacuate, as they said"""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('support',
    sa.Column('recipient', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('key_id', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['recipient'], ['recipients.id'], name=op.f('fk_support_recipient')),
    sa.PrimaryKeyConstraint('recipient', name=op.f('pk_support'))
    )
    op.add_column('packs', sa.Column('support', sa.LargeBinary(), nullable=True))
