"""The schema's revision: the one that this program was written for, and the one that is there.

A program writes only to the schema it was written for. On PostgreSQL each group of writes holds,
shared, the advisory lock that a migration takes for itself: a migration waits for the groups under
way, groups wait for the migration, and those that come after it look at the revision that it left.
So none is committed to a schema that its program does not know, whenever a migration is run.

::

    group   ── shared lock ── right revision? ── its operations ── commit
    migrate ───────────────────────────────────── lock ── its steps ── commit
    group                                         ── shared lock ── another revision: refused
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATING = 0x6A69_7261  # the advisory lock of whoever changes the schema

# One way to the server for both; the second looks only when the first has its lock.
_ADMITTED = (
    f"SELECT pg_advisory_xact_lock_shared({MIGRATING});"  # noqa: S608  (a number of ours)
    " SELECT version_num FROM alembic_version"
)


class SchemaChanged(SQLAlchemyError):
    """Nothing was written: another program has changed the schema. See ``upgrades.py``."""


def alembic() -> Config:
    """What alembic is run with."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def expected() -> str:
    """The revision that this program was written for, the newest it knows."""
    head = ScriptDirectory.from_config(alembic()).get_current_head()
    assert head is not None
    return head


def found(db: Session | Connection) -> str | None:
    """The revision that is there; None where there is no schema."""
    connection = db.connection() if isinstance(db, Session) else db
    return MigrationContext.configure(connection).get_current_revision()


def fault(revision: str | None) -> str | None:
    """What is wrong with working on the schema of that revision, and its cure; None if nothing."""
    needed = expected()
    if revision == needed:
        return None
    if revision is not None and revision > needed:  # they are numbered, in four digits
        return (
            f"DATABASE_URL: the schema is {revision}, made by a newer version of this program;"
            f" this one knows {needed}: start the newer one"
        )
    return (
        f"DATABASE_URL: the schema is {revision or 'empty'}, this program needs {needed}:"
        " run `jira-chatkit migrate`"
    )


def admit(connection: Connection) -> None:
    """PostgreSQL, in a transaction: keep the schema as it is until the transaction ends.

    Raises:
        SchemaChanged: it is not the one this program was written for.
    """
    result = connection.exec_driver_sql(_ADMITTED)
    cursor = result.cursor
    cursor.nextset()
    row = cursor.fetchone()
    result.close()
    if row is None or row[0] != expected():
        raise SchemaChanged
