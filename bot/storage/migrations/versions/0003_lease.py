"""Which copy of the bot leads."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the lease's columns; it is free."""
    op.add_column("installation", sa.Column("term", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("installation", sa.Column("renewals", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("installation", sa.Column("holder", sa.Text))
