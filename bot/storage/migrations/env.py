"""What Alembic runs around the migrations: the connection, its transaction and its lock belong to the caller."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
