"""What people decide, who did so, and notices: messages beside the cards."""

import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and the columns of `messages`; the messages that are there are cards and summaries."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.BigInteger, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.add_column("messages", sa.Column("notice", sa.Text))
    # SQLite takes a reference to another row only as part of the column.
    op.add_column("messages", sa.Column("answers", sa.BigInteger, sa.ForeignKey("messages.id")), inline_references=True)
    op.create_index("ix_messages_answers", "messages", ["answers"])
    op.add_column("messages", sa.Column("rule", sa.Text))
    op.add_column("messages", sa.Column("created_at", INSTANT))
    op.add_column("incidents", sa.Column("key", sa.Text, nullable=False, server_default=""))
    # An id is the key, an @, and a time that is always as long.
    op.execute("UPDATE incidents SET key = substr(id, 1, length(id) - 28)")
    op.create_index("ix_incidents_key", "incidents", ["key"])
    op.create_table(
        "notice_incidents",
        sa.Column("message_id", sa.BigInteger, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "incident_id", sa.Text, sa.ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
    )
    _remember_what_was_heard()


def _remember_what_was_heard() -> None:
    """Open incidents were told before it was noted that they were; unnoted, they would be told again.

    When each last made a sound is not known: reminders count from here, or else all of them would come at once.
    """
    incidents = sa.table(
        "incidents", sa.column("id"), sa.column("stage"), sa.column("incident"), sa.column("message_id")
    )
    open_ = sa.select(incidents.c.id, incidents.c.incident, incidents.c.message_id).where(incidents.c.stage == "firing")
    connection = op.get_bind()
    now = connection.execute(sa.select(sa.type_coerce(sa.func.current_timestamp(), INSTANT))).scalar_one()
    # SQLite's is UTC and does not say so; PostgreSQL's is in the zone of the session.
    loud_at = (now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)).isoformat()
    for row in connection.execute(open_).all():
        incident = json.loads(row.incident)
        if incident.get("told", True):
            incident["heard"] = incident["severity"]
            incident["loud_at"] = loud_at if row.message_id is not None else None
            incident["moments"] = [{"at": incident["opened_at"], "what": "fired"}]
        incident.setdefault("origin", (incident.get("was") or {}).get("status", ""))
        changed = json.dumps(incident, ensure_ascii=False)
        connection.execute(incidents.update().where(incidents.c.id == row.id).values(incident=changed))
