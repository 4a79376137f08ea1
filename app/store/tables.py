"""Every table on one page.

Tables store; they judge nothing (a ``table=True`` model validates nothing). What comes in is
judged by frozen DTOs at the edge that it crosses. Every row carries its tenant, and so does
every foreign key: a row cannot point into another tenant even by mistake.

Of people, account ids alone are kept; names are fetched when they are shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

LIVE_STATES = ("waiting", "gathering", "generating", "posting")
"""Of a turn. Whatever is not in here is an end."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Aware on both sides, UTC in between: SQLite itself forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002  (SQLAlchemy's signature)
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Table(SQLModel):
    metadata: ClassVar[MetaData] = metadata


def _of_thread(*columns: str) -> ForeignKeyConstraint:
    """A foreign key to a thread that carries its tenant along."""
    return ForeignKeyConstraint(
        ["tenant_id", *(columns or ("thread_id",))],
        ["thread.tenant_id", "thread.id"],
        ondelete="CASCADE",
    )


def _of_tenant() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE")


class AppState(_Table, table=True):
    """What the whole installation remembers, such as since when a default is in force."""

    __tablename__ = "app_state"

    key: str = Field(primary_key=True)
    value: str
    since: datetime = Field(sa_type=UtcDateTime)


class Tenant(_Table, table=True):
    """One Jira site, through whichever door it came."""

    __tablename__ = "tenant"

    id: str = Field(primary_key=True)
    door: str  # connect | forge
    client_key: str | None = Field(default=None, unique=True)
    installation_id: str | None = Field(default=None, unique=True)
    cloud_id: str | None = None
    base_url: str
    display_url: str | None = None
    state: str  # installed | disabled | uninstalled
    shared_secret: str | None = None  # sealed
    app_account_id: str | None = None  # our own account on that site, once seen
    session_generation: int = 1  # raised by an uninstall: older sessions stay dead
    lifecycle_iat: int | None = Field(default=None, sa_type=BigInteger)
    lifecycle_digest: str | None = None  # of the body that came with it
    openai_key: str | None = None  # sealed; the tenant's own
    openai_base_url: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    installed_at: datetime = Field(sa_type=UtcDateTime)
    uninstalled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # Of a Forge installation, as a verified invocation token told: see forge_tenants.py.
    api_base_url: str | None = None
    system_token: str | None = None  # sealed; calls Jira as the app
    system_token_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    forge_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    forge_silent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UserToken(_Table, table=True):
    """A token that calls Jira as one person, for as long as that person's sessions need it."""

    __tablename__ = "user_token"
    __table_args__ = (_of_tenant(), Index(None, "expires_at"))

    tenant_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    token: str  # sealed
    expires_at: datetime = Field(sa_type=UtcDateTime)


class ProjectSettings(_Table, table=True):
    """What the admin set for a project, or within it for one request or issue type."""

    __tablename__ = "project_settings"
    __table_args__ = (_of_tenant(),)

    tenant_id: str = Field(primary_key=True)
    project_id: str = Field(primary_key=True)
    type_id: str = Field(default="", primary_key=True)  # empty: the whole project
    mode: str  # off | draft | auto
    mode_since: datetime = Field(sa_type=UtcDateTime)
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Workflow(_Table, table=True):
    """A version of the tenant's definition of its assistant. A published one never changes."""

    __tablename__ = "workflow"
    __table_args__ = (_of_tenant(),)

    tenant_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    state: str  # draft | published
    definition: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Delivery(_Table, table=True):
    """A received webhook, by Jira's identifier: the same one has no second effect."""

    __tablename__ = "delivery"
    __table_args__ = (_of_tenant(), Index(None, "received_at"))

    tenant_id: str = Field(primary_key=True)
    identifier: str = Field(primary_key=True)
    received_at: datetime = Field(sa_type=UtcDateTime)


class Reconciliation(_Table, table=True):
    """How far a tenant was reconciled with Jira: what was updated later is still to be compared."""

    __tablename__ = "reconciliation"
    __table_args__ = (_of_tenant(), Index(None, "due_at"))

    tenant_id: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=UtcDateTime)  # of the next look
    through: datetime = Field(sa_type=UtcDateTime)
    # What was compared and is found again by the next search: ids of issues, each with Jira's
    # ``updated`` at that time.
    compared: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    failures: int = 0  # in a row


class Issue(_Table, table=True):
    """What is known of an issue, and whether the assistant rests on it."""

    __tablename__ = "issue"
    __table_args__ = (_of_tenant(),)

    tenant_id: str = Field(primary_key=True)
    issue_id: str = Field(primary_key=True)
    key: str | None = None
    project_id: str | None = None
    type_id: str | None = None
    service_project: bool | None = None
    resolved: bool | None = None  # None: nobody has looked
    security_level: str | None = None  # its id; another one withdraws drafts
    resting_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the rest began
    rest_cause: str | None = None  # takeover | resolved | too_many_replies | paused
    spoken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # a person, for the team
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Thread(_Table, table=True):
    """A conversation, and the queue of its own turns: due, leased, fenced.

    An issue has two, one an audience. A widget's thread has a visitor and, until the first
    message opened one, no issue.
    """

    __tablename__ = "thread"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "issue_id"], ["issue.tenant_id", "issue.issue_id"], ondelete="CASCADE"
        ),
        _of_tenant(),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "issue_id", "audience"),
        CheckConstraint("audience IN ('public', 'internal')", name="audience"),
        Index(
            "ix_thread_due",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(  # the longest-waiting threads of one tenant: see claiming.py
            "ix_thread_waiting",
            "tenant_id",
            "due_at",
            "id",
            sqlite_where=text("due_at IS NOT NULL AND lease_until IS NULL"),
            postgresql_where=text("due_at IS NOT NULL AND lease_until IS NULL"),
        ),
        Index(
            "ix_thread_leased",
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    tenant_id: str
    audience: str
    issue_id: str | None = None
    visitor_id: str | None = Field(default=None, index=True)
    title: str | None = None
    epoch: str  # 8 random characters; event ids are <epoch>-<n>
    last_n: int = Field(default=0, sa_type=BigInteger)  # of the newest event
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fence: int = Field(default=0, sa_type=BigInteger)
    failures: int = 0  # in a row, of catching up
    next_turn_id: str | None = None  # promised to what was asked beside a turn that posts
    filled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Unseen(_Table, table=True):
    """Something that a webhook told of and nobody has looked at yet: ids, and no text.

    Kept by the issue's public thread; consumed when the thread is caught up.
    """

    __tablename__ = "unseen"
    __table_args__ = (_of_thread(), Index(None, "thread_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    tenant_id: str
    thread_id: str
    event: str  # comment_created | comment_updated | comment_deleted | issue_…
    comment_id: str | None = None
    actor_id: str | None = None  # who did it, as the webhook says
    author_id: str | None = None  # of the comment, as the webhook says
    changed: list[str] = Field(default_factory=list, sa_type=JSON)  # names of the issue's fields
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)


class Item(_Table, table=True):
    """One entry of a thread. ``text`` is Markdown."""

    __tablename__ = "item"
    __table_args__ = (
        _of_thread(),
        UniqueConstraint("thread_id", "comment_id"),
        UniqueConstraint("thread_id", "client_id"),
        UniqueConstraint("thread_id", "sort_key"),
        Index(
            "ix_item_asking",
            "thread_id",
            sqlite_where=text("asks AND answered_by IS NULL"),
            postgresql_where=text("asks AND answered_by IS NULL"),
        ),
        Index(None, "written_by"),
    )

    id: str = Field(primary_key=True)
    tenant_id: str
    thread_id: str
    sort_key: str  # 40 digits: Jira's created, then what tells two of one instant apart
    kind: str  # user_message | assistant_message
    role: str  # customer | agent | person | visitor | assistant | app
    author_id: str | None = None
    comment_id: str | None = None
    client_id: str | None = None
    text: str = Field(sa_type=Text)
    # streaming | done | draft | stopped (a person's stop: partial, posted nowhere)
    # | hidden (without words: not public any more)
    state: str = "done"
    history: bool = False  # found when the thread was filled; not judged yet
    asks: bool = False  # waits for an answer, or had one
    direct: bool = False  # written to the assistant itself: answered also while it rests
    as_draft: bool = False  # too old to be answered aloud: its answer becomes a draft
    given_to: str | None = None  # the turn that was promised for it
    answered_by: str | None = None  # the turn that covers it
    written_by: str | None = None  # the turn that wrote it
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    meta: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Turn(_Table, table=True):
    """Everything said on a thread since the last answer, answered once.

    ``state`` is the last step recorded: whoever continues a dead worker's turn begins there.
    """

    __tablename__ = "turn"
    __table_args__ = (
        _of_thread(),
        _of_thread("reply_thread_id"),
        Index(
            "uq_turn_live",
            "thread_id",
            unique=True,
            sqlite_where=text(f"state IN {LIVE_STATES}"),
            postgresql_where=text(f"state IN {LIVE_STATES}"),
        ),
        Index(None, "tenant_id", "created_at"),
        Index(None, "thread_id", "created_at"),
        Index(None, "reply_thread_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    tenant_id: str
    thread_id: str  # where the question stands
    reply_thread_id: str  # where the answer will stand
    reply_as: str  # public | internal (a note) | draft | private (the team's own talk)
    state: (
        str  # waiting | gathering | generating | posting | completed | stopped | failed | dropped
    )
    attempt: int = 0  # how often generation began
    restarts: int = 0  # because more was asked
    posts: int = 0  # how often Jira was asked to take the comment
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # and may still take it
    outdated: bool = False  # what it has read is another text now, or none
    leaves_out: bool = False  # its model is not given what earlier turns failed at
    direct: bool = False  # somebody asked the assistant itself: an older rest does not end it
    hint: str | None = Field(default=None, sa_type=Text)  # a person's, to a draft written anew
    failures: int = 0  # in a row, at the step where it is
    read_through: str | None = None  # sort_key of the newest item that it has read
    reply_item_id: str | None = None
    comment_id: str | None = None  # ours, once Jira has it
    stop_asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cause: str | None = None  # of the last failure; a word from turns/outcomes.py
    workflow_version: int | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Outgoing(_Table, table=True):
    """A comment that we bring to Jira and that is no turn's own answer, once.

    A person's message from the panel or the widget (``role`` user), or an approved draft
    (``role`` assistant). Delivered by whoever holds the lease of ``thread_id``, an issue's public
    thread. ``posts`` and ``tried_at`` are recorded before Jira is asked, as a turn's are.
    """

    __tablename__ = "outgoing"
    __table_args__ = (
        _of_thread(),
        UniqueConstraint("item_id"),
        Index(None, "thread_id"),
        Index(
            "ix_outgoing_waiting",
            "thread_id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: str = Field(primary_key=True)
    tenant_id: str
    thread_id: str
    item_id: str  # what it brings: a message on either thread, or a draft on the internal one
    item_thread_id: str
    role: str  # user | assistant
    turn_id: str | None = None  # that wrote the draft
    internal: bool | None = None  # a note; None: decided when it is brought, by who wrote it
    by_id: str | None = None  # account id: who wrote the message, or approved the draft
    state: str = "waiting"  # waiting | posted | failed | withdrawn
    posts: int = 0
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    cause: str | None = None
    comment_id: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Feedback(_Table, table=True):
    """What somebody thought of an answer: one word a person and item, the last one counts."""

    __tablename__ = "feedback"
    __table_args__ = (_of_thread(), Index(None, "thread_id"))

    item_id: str = Field(primary_key=True)
    by_id: str = Field(primary_key=True)  # account id, or a visitor's id
    tenant_id: str
    thread_id: str
    kind: str  # positive | negative
    given_at: datetime = Field(sa_type=UtcDateTime)


class Event(_Table, table=True):
    """A line of a thread's stream. ``n`` rises by one within the thread."""

    __tablename__ = "event"
    __table_args__ = (_of_thread(), Index(None, "created_at"))

    thread_id: str = Field(primary_key=True)
    n: int = Field(primary_key=True, sa_type=BigInteger)
    tenant_id: str
    type: str
    data: str = Field(sa_type=Text)  # one line of JSON
    created_at: datetime = Field(sa_type=UtcDateTime)


class Usage(_Table, table=True):
    """A tenant's model tokens of one day (UTC)."""

    __tablename__ = "usage"
    __table_args__ = (_of_tenant(),)

    tenant_id: str = Field(primary_key=True)
    day: str = Field(primary_key=True)  # 2026-11-22
    reserved: int = Field(default=0, sa_type=BigInteger)  # by calls that are under way
    spent: int = Field(default=0, sa_type=BigInteger)


class Reservation(_Table, table=True):
    """The worst case of one model call, held until what it really took is known."""

    __tablename__ = "reservation"
    __table_args__ = (_of_tenant(), Index(None, "tenant_id", "day"))

    turn_id: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    tenant_id: str
    day: str
    tokens: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=UtcDateTime)


class JiraWrites(_Table, table=True):
    """When the app last wrote to an issue; locked while one more write is admitted."""

    __tablename__ = "jira_writes"
    __table_args__ = (_of_tenant(), Index(None, "last_at"))

    tenant_id: str = Field(primary_key=True)
    issue_id: str = Field(primary_key=True)
    written_at: list[int] = Field(default_factory=list, sa_type=JSON)  # microseconds since 1970
    last_at: datetime = Field(sa_type=UtcDateTime)


class JiraPoints(_Table, table=True):
    """Points of one hour (UTC) that all processes together have taken to spend: the app's."""

    __tablename__ = "jira_points"

    hour: str = Field(primary_key=True)  # 2026-11-22T10
    taken: int = Field(default=0, sa_type=BigInteger)


class JiraPause(_Table, table=True):
    """Until when Jira wants to be left alone: by the whole app, on a site, or on an issue."""

    __tablename__ = "jira_pause"
    __table_args__ = (_of_tenant(),)

    scope: str = Field(primary_key=True)  # see store/quotas.py
    tenant_id: str | None = None  # None: the whole app
    until: datetime = Field(sa_type=UtcDateTime)
    reason: str  # Jira's RateLimit-Reason
