"""What the work on a thread needs, handed in once by ``main.create_app``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from app.assistant.models import Carrier
from app.assistant.server import AssistantServer
from app.clock import Clock
from app.jira.client import JiraClient
from app.settings import Settings
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tables import Tenant

JiraFor = Callable[[Tenant], JiraClient]
AtStep = Callable[[str], Awaitable[None]]


GRACE = timedelta(seconds=50)


async def go_on(step: str) -> None:
    """Nothing happens at a step, outside of tests."""


@dataclass(frozen=True)
class Collaborators:
    """See the module.

    Attributes:
        jira: a client for a tenant's site.
        carrier: what a client for a tenant's models speaks through.
        grace: how long a request to Jira may still be under way after its answer failed to come.
        at_step: awaited with a step's name whenever a turn has recorded it; a test crashes here.
    """

    database: Database
    clock: Clock
    settings: Settings
    vault: Vault
    jira: JiraFor
    assistant: AssistantServer
    carrier: Carrier
    grace: timedelta = GRACE
    at_step: AtStep = go_on
