"""The first tables: tokens, messages, incidents, installation."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("summary", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("shown_version", sa.Integer, nullable=False),
        sa.Column("discord_id", sa.BigInteger),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("uncertain_since", INSTANT),
        sa.Column("uncertain_version", sa.Integer),
        sa.Column("parked_at", INSTANT),
        sa.Column("parked_reason", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("resolved_at", INSTANT),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger, sa.ForeignKey("messages.id"), index=True),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("read_at", INSTANT),
    )
