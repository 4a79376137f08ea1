"""The install doctor: what is wrong with an install, and its cure.

Each finding is one line: what was looked at, whether it is well, and if not the cause and
the cure. The round trip is a real one: a message on the issue's internal thread, answered by
the tenant's own workflow, of which nothing is posted unless asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
from sqlmodel import Session, col, select

from app.assistant.models import ModelAccess
from app.errors import (
    AppError,
    AuthError,
    JiraDenied,
    JiraError,
    JiraNotFound,
    ModelError,
    SealBroken,
)
from app.jira import comments
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.store.tables import Tenant
from app.turns.collaborators import Collaborators
from app.turns.outcomes import CAUSES
from app.turns.policies import published_workflow
from app.turns.reading import model_access

PROBE_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """What was found. ``cure`` is what to do; empty where all is well."""

    name: str
    well: bool
    found: str
    cure: str = ""


async def examine(
    reference: str | None, c: Collaborators, http: httpx2.AsyncClient
) -> AsyncIterator[tuple[Finding, Tenant | None]]:
    """Look at the installation, and at one tenant or all; a finding at a time.

    Args:
        reference: clientKey, installationId or the site's host; None looks at every tenant.
        c: what the work itself is done with.
        http: for looking at OpenAI.
    """
    yield _configuration(c.settings), None
    yield await _database(c.database), None
    if reference is None:
        found = await c.database.read(_installed)
        if not found:
            yield _no_tenant(c.settings), None
    else:
        one = await c.database.read(tenants.by_reference, reference)
        found = [one] if one else []
        if one is None:
            yield (
                Finding(
                    "tenant",
                    well=False,
                    found="no tenant goes by that name",
                    cure="Name its clientKey, installationId or host, as `check` without --tenant"
                    " lists them.",
                ),
                None,
            )
    for tenant in found:
        async for finding in _examine_tenant(tenant, c, http):
            yield finding, tenant


async def _examine_tenant(
    tenant: Tenant, c: Collaborators, http: httpx2.AsyncClient
) -> AsyncIterator[Finding]:
    if tenant.state != "installed":
        yield Finding(
            "tenant",
            well=False,
            found=f"{tenant.base_url} is {tenant.state}",
            cure="Enable or install the app in Jira: Apps → Manage apps.",
        )
        return
    yield Finding("tenant", well=True, found=f"{tenant.base_url} is installed")
    secret = _secret(tenant, c)
    yield secret
    if secret.well:
        yield await _jira(tenant, c)
    yield await _workflow(tenant, c)
    yield await _openai(tenant, c, http)


def _configuration(settings: Settings) -> Finding:
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    return Finding("configuration", well=True, found=f"base URL {settings.app_base_url}, {kind}")


def _no_tenant(settings: Settings) -> Finding:
    return Finding(
        "tenant",
        well=False,
        found="no site has the app installed",
        cure=f"Install the app on a site; its descriptor is"
        f" {settings.app_base_url}/atlassian-connect.json.",
    )


async def _database(database: Database) -> Finding:
    try:
        database.require_schema()
    except AppError as error:
        return Finding("database", well=False, found=str(error), cure="Run `jira-chatkit migrate`.")
    return Finding("database", well=True, found=f"schema {database.revision()}")


def _installed(db: Session) -> list[Tenant]:
    """All but those that left: their data stays a while, and nothing is wrong with that."""
    here = select(Tenant).where(Tenant.state != "uninstalled")
    return list(db.exec(here.order_by(col(Tenant.installed_at))).all())


def _secret(tenant: Tenant, c: Collaborators) -> Finding:
    try:
        tenants.shared_secret(tenant, c.vault)
    except (SealBroken, AuthError):
        return Finding(
            "secret",
            well=False,
            found="the tenant's shared secret does not open",
            cure="Put the key that sealed it back into SECRET_KEYS, or reinstall the app.",
        )
    return Finding("secret", well=True, found="the tenant's shared secret opens")


async def _jira(tenant: Tenant, c: Collaborators) -> Finding:
    try:
        await comments.myself(c.jira(tenant))
    except JiraDenied as error:
        return Finding(
            "jira",
            well=False,
            found=f"Jira refuses the app ({error.status})",
            cure="Reinstall the app on that site, so that both sides share a secret again.",
        )
    except JiraError as error:
        status = f"status {error.status}" if error.status else "no answer"
        return Finding(
            "jira",
            well=False,
            found=f"Jira cannot be reached ({status})",
            cure=f"See that this machine reaches {tenant.base_url} over HTTPS.",
        )
    return Finding("jira", well=True, found="Jira answers as the app")


async def _workflow(tenant: Tenant, c: Collaborators) -> Finding:
    published = await c.database.read(published_workflow, tenant.id)
    if published is None:
        return Finding(
            "workflow", well=False, found="no workflow is published", cure=CAUSES["no_workflow"]
        )
    return Finding("workflow", well=True, found=f"version {published[0]} is published")


async def _openai(tenant: Tenant, c: Collaborators, http: httpx2.AsyncClient) -> Finding:
    try:
        access = model_access(tenant, c.settings, c.vault)
    except ModelError as error:
        return Finding("openai", well=False, found="no key to use", cure=CAUSES[error.cause])
    except SealBroken:
        return Finding(
            "openai",
            well=False,
            found="the tenant's own key does not open",
            cure="Put the key that sealed it back into SECRET_KEYS, or enter the key again.",
        )
    try:
        status = await _ask_models(access, http)
    except httpx2.HTTPError:
        return Finding(
            "openai",
            well=False,
            found="OpenAI cannot be reached",
            cure="See that this machine reaches OPENAI_BASE_URL.",
        )
    if status in {401, 403}:
        return Finding(
            "openai",
            well=False,
            found=f"OpenAI refuses the key ({status})",
            cure=CAUSES["key_refused"],
        )
    if status >= 500:
        return Finding(
            "openai",
            well=False,
            found=f"OpenAI is in trouble ({status})",
            cure="Wait; see status.openai.com.",
        )
    return Finding("openai", well=True, found="OpenAI takes the key")


async def _ask_models(access: ModelAccess, http: httpx2.AsyncClient) -> int:
    response = await http.get(
        f"{access.base_url}/models",
        headers={"Authorization": f"Bearer {access.api_key}"},
        timeout=PROBE_SECONDS,
    )
    return response.status_code


@dataclass(frozen=True)
class RoundTrip:
    """What became of a message that the doctor sent.

    Attributes:
        seconds: from the message to its answer.
        reply: Markdown; empty where there was none.
        problem: why there was none, for a person.
        comment_id: Jira's, where it was told to post.
    """

    thread_id: str
    turn_id: str
    seconds: float
    reply: str
    problem: str = ""
    comment_id: str | None = None


async def find_issue(tenant: Tenant, key: str, c: Collaborators) -> str | Finding:
    """The issue's id, or why there is none."""
    try:
        issue = await comments.issue(c.jira(tenant), key)
    except JiraNotFound:
        return Finding(
            "issue",
            well=False,
            found=f"Jira shows no issue {key}",
            cure="Check the key, and that the app may browse its project.",
        )
    except JiraError as error:
        return Finding(
            "issue", well=False, found=str(error), cure="Try again once Jira can be reached."
        )
    return issue.id


def told(trip: RoundTrip) -> list[str]:
    """The trip as lines to print: success, duration, thread, and the reply."""
    lines = [
        f"{'BAD' if trip.problem else 'ok '}  round trip: {trip.problem or 'answered'}",
        f"success: {'no' if trip.problem else 'yes'}",
        f"duration: {trip.seconds:.2f} s",
        f"thread: {trip.thread_id}",
    ]
    if trip.comment_id:
        lines.append(f"comment: {trip.comment_id}")
    if trip.reply:
        lines += ["reply:", trip.reply]
    return lines
