"""What was read over time, what each token used of its fast time, live boards, and the daily digest.

The version before goes on with these tables: it reads and writes none of them, and leaves the new columns alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_from_0006"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables and columns; nothing is remembered of the time before."""
    op.create_table(
        "samples",
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean),
        sa.Column("fast_time", sa.Double),
        sa.Column("allowance", sa.Double),
        sa.Column("queued", sa.BigInteger),
        sa.Column("images", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "boards",
        sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("discord_id", sa.BigInteger),
        sa.Column("by", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.add_column("tokens", sa.Column("ledger", sa.LargeBinary))
    op.add_column("installation", sa.Column("digested", sa.Text))
