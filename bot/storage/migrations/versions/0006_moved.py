"""Whether the bot has moved to another database."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the column; it has not."""
    op.add_column("installation", sa.Column("moved_at", sa.DateTime(timezone=True)))
