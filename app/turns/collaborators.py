"""What the work on a thread needs, handed in once by ``main.create_app``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from app.assistant.models import Carrier
from app.assistant.server import AssistantServer
from app.clock import Clock
from app.jira.client import JiraClient
from app.settings import Settings
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Tenant
from app.turns.remembering import Memory

JiraFor = Callable[[Tenant], JiraClient]
AtStep = Callable[[str], Awaitable[None]]


LEASE = timedelta(seconds=15)
SENDING = timedelta(seconds=4)
GRACE = timedelta(seconds=50)
"""Whoever comes after a try looks for its comment no sooner: by then it was sent (``SENDING``) and
given up (``WHOLE_CALL`` of ``jira/client.py``), whatever became of it."""


async def go_on(step: str) -> None:
    """Nothing happens at a step, outside of tests."""


@dataclass(frozen=True)
class Collaborators:
    """See the module.

    Attributes:
        jira: a client for a tenant's site.
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
