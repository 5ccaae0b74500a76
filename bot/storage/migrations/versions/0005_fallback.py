"""Whether somebody else was told that the ops channel is blocked."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the column; nobody was."""
    op.add_column("installation", sa.Column("told_blocked", sa.Boolean, nullable=False, server_default=sa.false()))
