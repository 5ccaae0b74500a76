"""What is said beside the ops channel, to people and in threads.

The version before goes on with these tables: it reads and writes none of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_from_0006"
down_revision = "0008_from_0006"


def upgrade() -> None:
    """Make the table; nothing was said before."""
    op.create_table(
        "asides",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("target", sa.BigInteger, nullable=False, index=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stale_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("uncertain_since", sa.DateTime(timezone=True)),
        sa.Column("said_by", sa.BigInteger),
        sa.Column("aside", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
