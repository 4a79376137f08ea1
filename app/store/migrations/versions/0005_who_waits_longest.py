"""An index by which each tenant's longest-waiting threads are found, however many there are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAITING = "due_at IS NOT NULL AND lease_until IS NULL"


def upgrade() -> None:
    op.create_index(
        "ix_thread_waiting",
        "thread",
        ["tenant_id", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text(WAITING),
        postgresql_where=sa.text(WAITING),
    )
