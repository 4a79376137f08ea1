"""The Forge door: what invocation tokens told of a tenant, and the tokens that call Jira"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("api_base_url", sa.String(), nullable=True))
    op.add_column("tenant", sa.Column("system_token", sa.String(), nullable=True))
    for name in ("system_token_expires_at", "forge_seen_at", "forge_silent_at"):
        op.add_column("tenant", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "user_token",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_user_token_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_user_token")),
    )
    op.create_index("ix_user_token_expires_at", "user_token", ["expires_at"])
