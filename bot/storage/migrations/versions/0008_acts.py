"""What was done at ImaginePro and what became of it, and what was set up in chat.

The version before goes on with these tables: it reads and writes none of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_from_0006"
down_revision = "0007_from_0006"


def upgrade() -> None:
    """Make the tables; nothing was done before."""
    op.create_table(
        "acts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
    )
    op.create_table(
        "setup",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("by", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
