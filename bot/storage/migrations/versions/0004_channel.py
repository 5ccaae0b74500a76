"""Which messages are in the ops channel, and which in an earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the columns; all that was posted is taken for being in the channel that the next start names."""
    op.add_column("installation", sa.Column("channel_id", sa.BigInteger))
    op.add_column("installation", sa.Column("elsewhere", sa.BigInteger))
