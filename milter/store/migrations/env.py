"""Run by alembic for each command."""

from alembic import context

from milter.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The caller's transaction holds all of it, in both databases.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
