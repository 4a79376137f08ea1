"""Whether a turn's model is not given what earlier turns failed at"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "turn", sa.Column("leaves_out", sa.Boolean(), nullable=False, server_default=sa.false())
    )
