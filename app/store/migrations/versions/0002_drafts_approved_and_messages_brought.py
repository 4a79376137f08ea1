"""Drafts approved, messages brought to Jira, feedback

Columns are added and no table is made anew: on SQLite that would delete what refers to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("by_id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "thread_id"],
            ["thread.tenant_id", "thread.id"],
            name=op.f("fk_feedback_tenant_id_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "by_id", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_thread_id", "feedback", ["thread_id"], unique=False)

    op.create_table(
        "outgoing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("item_thread_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=True),
        sa.Column("by_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("comment_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "thread_id"],
            ["thread.tenant_id", "thread.id"],
            name=op.f("fk_outgoing_tenant_id_thread_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("item_id", name=op.f("uq_outgoing_item_id")),
    )
    op.create_index(
        "ix_outgoing_waiting",
        "outgoing",
        ["thread_id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )

    op.add_column("issue", sa.Column("security_level", sa.String(), nullable=True))
    op.add_column("issue", sa.Column("rested_at", sa.DateTime(timezone=True), nullable=True))

    op.add_column(
        "item", sa.Column("direct", sa.Boolean(), nullable=False, server_default=sa.false())
    )

    op.add_column(
        "turn", sa.Column("direct", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("turn", sa.Column("hint", sa.Text(), nullable=True))
    op.create_index("ix_turn_thread_id_created_at", "turn", ["thread_id", "created_at"])
    op.create_index("ix_turn_reply_thread_id_created_at", "turn", ["reply_thread_id", "created_at"])
    op.create_index("ix_outgoing_thread_id", "outgoing", ["thread_id"])
