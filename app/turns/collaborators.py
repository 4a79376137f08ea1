"""What the work on a thread needs, handed in once by ``main.create_app``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.assistant.models import Carrier
from app.assistant.server import AssistantServer
from app.clock import Clock
from app.errors import JiraTokenMissing
from app.jira.client import JiraClient
from app.settings import Settings
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Tenant
from app.turns.remembering import Memory

JiraFor = Callable[[Tenant], JiraClient]
JiraAs = Callable[[Tenant, str, datetime], JiraClient]
"""A client that calls as the person whose token is given, until that ends."""
AtStep = Callable[[str], Awaitable[None]]


LEASE = timedelta(seconds=15)
SENDING = timedelta(seconds=4)
GRACE = timedelta(seconds=50)
"""Whoever comes after a try looks for its comment no sooner: by then it was sent (``SENDING``) and
given up (``WHOLE_CALL`` of ``jira/client.py``), whatever became of it."""


async def go_on(step: str) -> None:
    """Nothing happens at a step, outside of tests."""


def as_nobody(_: Tenant, __: str, ___: datetime) -> JiraClient:
    """Where nobody comes through the Forge door."""
    raise JiraTokenMissing("authorize")


@dataclass(frozen=True)
class Collaborators:
    """See the module.

    Attributes:
        jira: a client for a tenant's site, as the app.
        jira_as: one as a person.
        carrier: what a client for a tenant's models speaks through.
        lease: how long a thread is held without being renewed; longer than ``sending``.
        sending: how long after a recorded try Jira may be sent the comment.
        grace: how long a request to Jira may still be under way after its answer failed to come.
        memory: what was read of issues a moment ago.
        at_step: awaited with a step's name whenever a turn has recorded it; a test crashes here.
    """

    database: Database
    clock: Clock
    settings: Settings
    vault: Vault
    jira: JiraFor
    assistant: AssistantServer
    carrier: Carrier
    lease: timedelta = LEASE
    sending: timedelta = SENDING
    grace: timedelta = GRACE
    memory: Memory = field(default_factory=Memory)
    at_step: AtStep = go_on
    jira_as: JiraAs = as_nobody
