"""Gathering: all that an attempt needs, read before anything is sent to a model."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlmodel import Session

from app.assistant.context import TurnContext
from app.assistant.models import ModelAccess
from app.assistant.store import SAID
from app.assistant.workflow import WorkflowDefinition
from app.errors import ModelError
from app.firewall import IssueFacts, LinkAllowed, link_policy
from app.jira import comments
from app.settings import Settings
from app.store import threads
from app.store.secrets import Vault
from app.store.tables import Item, Tenant, Thread, Turn
from app.store.threads import Lease
from app.turns import suspects
from app.turns.collaborators import Collaborators
from app.turns.language import language_of
from app.turns.recording import Call, Running
from app.turns.remembering import FRESH_FOR, SECONDS
from app.turns.workflows import workflow_for

OPENAI_KEY = "openai_key"
BESIDE = 50
"""Public items that a private turn is given."""


@dataclass(frozen=True)
class Gathered:
    """What one attempt works with.

    Attributes:
        language: of the last message: what the product itself says is said in it.
        call: which model is asked; what that cannot exceed, answer included.
        link_allowed: whether the answer may link there.
    """

    running: Running
    context: TurnContext
    language: str
    call: Call
    link_allowed: LinkAllowed


@dataclass(frozen=True)
class _Read:
    tenant: Tenant
    thread: Thread
    workflow: tuple[int, WorkflowDefinition] | None
    newest: list[Item]
    left_out: frozenset[str]
    beside: tuple[tuple[str, str], ...]


def _read(db: Session, turn: Turn) -> _Read:
    thread = threads.by_id(db, turn.tenant_id, turn.thread_id)
    assert thread is not None
    newest, _ = threads.items_page(
        db, turn.tenant_id, turn.thread_id, limit=20, order="desc", through=turn.read_through
    )
    left_out = suspects.left_out(db, turn)
    return _Read(
        db.get_one(Tenant, turn.tenant_id),
        thread,
        workflow_for(db, thread),
        newest,
        left_out,
        _said_in_public(db, thread, left_out) if thread.audience == "internal" else (),
    )


def _said_in_public(
    db: Session, internal: Thread, left_out: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """What the customer knows too: for the team's own talk about it."""
    if internal.issue_id is None:
        return ()
    public = threads.of_issue(db, internal.tenant_id, internal.issue_id, "public")
    if public is None:
        return ()
    said, _ = threads.items_page(db, public.tenant_id, public.id, limit=BESIDE, order="desc")
    return tuple(
        (item.role, item.text)
        for item in reversed(said)
        if item.state in SAID and item.id not in left_out
    )


async def gather(turn: Turn, lease: Lease, c: Collaborators) -> Gathered:
    """Read the conversation, the issue's public facts, the workflow and the way to a model.

    Raises:
        ModelError: there is no workflow, or no key to run it with.
    """
    read = await c.database.read(_read, turn)
    if read.workflow is None:
        raise ModelError("no_workflow", retry_after=None)
    version, workflow = read.workflow
    facts = await _facts(read, turn, lease, c)
    assert turn.reply_item_id is not None
    context = TurnContext(
        tenant_id=turn.tenant_id,
        thread_id=turn.thread_id,
        turn_id=turn.id,
        reply_item_id=turn.reply_item_id,
        audience="internal" if read.thread.audience == "internal" else "public",
        workflow=workflow,
        access=model_access(read.tenant, c.settings, c.vault),
        issue=facts,
        read_through=turn.read_through,
        hint=turn.hint,
        notes=turn.reply_as != "public",
        left_out=read.left_out,
        beside=read.beside,
    )
    asked = next((item.text for item in read.newest if item.kind == "user_message"), "")
    worst_case = await c.assistant.weigh(context) + workflow.max_output_tokens
    return Gathered(
        running=Running(turn.id, turn.attempt),
        context=context,
        language=language_of(asked),
        call=Call(version, workflow.model or context.access.model, worst_case),
        link_allowed=links_of(read.tenant),
    )


async def _facts(read: _Read, turn: Turn, lease: Lease, c: Collaborators) -> IssueFacts | None:
    """What is remembered of the issue will do: before a public word, the last look compares it."""
    if read.thread.issue_id is None:
        return None
    now = c.clock.now()
    lifetime = FRESH_FOR if turn.reply_as in {"public", "internal"} else SECONDS
    known = c.memory.recall(lease, now, lifetime)
    if known is None:
        issue = await comments.issue(c.jira(read.tenant), read.thread.issue_id)
        known = c.memory.take_in(lease, issue, now)
    return c.memory.give(lease, known)


def model_access(tenant: Tenant, settings: Settings, vault: Vault) -> ModelAccess:
    """The tenant's own key where it brought one, else the operator's.

    Raises:
        ModelError: there is neither.
    """
    if tenant.openai_key is not None:
        key = vault.open(tenant.openai_key, tenant=tenant.id, field=OPENAI_KEY)
        return own_access(key, tenant.openai_base_url, settings)
    if not settings.openai_api_key:
        raise ModelError("no_key", retry_after=None)
    return ModelAccess(settings.openai_api_key, settings.openai_base_url, settings.openai_model)


def own_access(key: str, base_url: str | None, settings: Settings) -> ModelAccess:
    """A tenant's own key, where the tenant uses it: ``OPENAI_BASE_URL`` unless it names another."""
    if base_url is None or base_url == settings.openai_base_url:
        return ModelAccess(key, settings.openai_base_url, settings.openai_model)
    return ModelAccess(key, base_url, settings.openai_model, guarded=True)


def links_of(tenant: Tenant) -> LinkAllowed:
    """What an answer may link to: the tenant's own site, and what its admin allowed."""
    urls = (tenant.base_url, tenant.display_url or "")
    own = {host for url in urls if (host := urlsplit(url).hostname)}
    return link_policy((), (*sorted(own), *tenant.settings.get("link_hosts", ())))
