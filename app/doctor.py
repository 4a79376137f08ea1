"""The install doctor: what is wrong with an install, and its cure.

Each finding is one line: what was looked at, whether it is well, and if not the cause and
the cure. The command line prints them, the admin page shows those of its tenant.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta

from sqlmodel import Session, col, func, select

from app import findings
from app.assistant.catalogue import ListedModel, listed_models
from app.errors import (
    AppError,
    ModelError,
    SealBroken,
)
from app.findings import Finding
from app.i18n import Text, t
from app.settings import Settings
from app.store import tenants
from app.store.database import Database
from app.store.tables import ProjectSettings, Tenant
from app.turns.collaborators import Collaborators
from app.turns.outcomes import CAUSES
from app.turns.policies import published_workflow
from app.turns.reading import model_access

MODES = {"off": t("off"), "draft": t("draft"), "auto": t("auto")}
SHUTDOWN_NOTICE = timedelta(days=30)
"""How long before its end a model counts as an ill: somebody has to try another one."""


async def examine(
    reference: str | None, c: Collaborators
) -> AsyncIterator[tuple[Finding, Tenant | None]]:
    """Look at the installation, and at one tenant or all; a finding at a time.

    Args:
        reference: clientKey, installationId or the site's host; None looks at every tenant.
        c: what the work itself is done with.
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
                    found=t("no tenant goes by that name"),
                    cure=t(
                        "Name its clientKey, installationId or host, as `check` without --tenant"
                        " lists them."
                    ),
                ),
                None,
            )
    for tenant in found:
        async for finding in _examine_tenant(tenant, c):
            yield finding, tenant


async def examine_tenant(tenant_id: str, c: Collaborators) -> list[Finding]:
    """Look at the installation and at this one tenant."""
    tenant = await c.database.read(tenants.by_id, tenant_id)
    found = [_configuration(c.settings), await _database(c.database)]
    if tenant is not None:
        found += [finding async for finding in _examine_tenant(tenant, c)]
    return found


async def _examine_tenant(tenant: Tenant, c: Collaborators) -> AsyncIterator[Finding]:
    standing = findings.standing(tenant)
    yield standing
    if not standing.well:
        return
    credential = findings.credential(tenant, c)
    yield credential
    if credential.well:
        yield await findings.jira(tenant, c)
    published = await c.database.read(published_workflow, tenant.id)
    yield _workflow(published[0] if published else None)
    openai, models = await _openai(tenant, c)
    yield openai
    if published is not None and models:
        name = published[1].model or c.settings.openai_model
        yield _model(name, models, c.clock.now().date())
    yield await c.database.read(_projects, tenant.id, c.settings)


def _configuration(settings: Settings) -> Finding:
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    return Finding(
        "configuration",
        well=True,
        found=t("base URL {base_url}, {kind}", base_url=settings.app_base_url, kind=kind),
    )


def _no_tenant(settings: Settings) -> Finding:
    return Finding(
        "tenant",
        well=False,
        found=t("no site has the app installed"),
        cure=t(
            "Install the app on a site; its descriptor is {base_url}/atlassian-connect.json.",
            base_url=settings.app_base_url,
        ),
    )


async def _database(database: Database) -> Finding:
    try:
        await asyncio.to_thread(database.require_schema)
    except AppError as error:
        return Finding(
            "database",
            well=False,
            found=t("it cannot be used: {problem}", problem=error),
            cure=t("Run `jira-chatkit migrate`."),
        )
    revision = await asyncio.to_thread(database.revision)
    return Finding("database", well=True, found=t("schema {schema}", schema=revision))


def _installed(db: Session) -> list[Tenant]:
    """All but those that left: their data stays a while, and nothing is wrong with that."""
    here = select(Tenant).where(Tenant.state != "uninstalled")
    return list(db.exec(here.order_by(col(Tenant.installed_at))).all())


def _workflow(version: int | None) -> Finding:
    if version is None:
        found = t("no workflow is published")
        return Finding("workflow", well=False, found=found, cure=CAUSES["no_workflow"])
    found = t("version {version} is published", version=version)
    return Finding("workflow", well=True, found=found)


async def _openai(tenant: Tenant, c: Collaborators) -> tuple[Finding, list[ListedModel]]:
    """How it is, and the models that the key may use."""
    try:
        access = model_access(tenant, c.settings, c.vault)
    except ModelError as error:
        return _ill(t("no key to use"), CAUSES[error.cause]), []
    except SealBroken:
        cure = t("Put the key that sealed it back into SECRET_KEYS, or enter the key again.")
        return _ill(t("the tenant's own key does not open"), cure), []
    try:
        models = await listed_models(access, c.carrier, c.clock)
    except ModelError as error:
        return _refused(error.cause, access.base_url), []
    return Finding("openai", well=True, found=t("OpenAI takes the key")), models


def _refused(cause: str, base_url: str) -> Finding:
    if cause == "rate_limited":
        return Finding("openai", well=True, found=t("OpenAI takes the key, and asks to slow down"))
    if cause == "no_list":
        return Finding("openai", well=True, found=t("OpenAI answers, and lists no models"))
    if cause == "unreachable":
        cure = t(
            "See that this machine reaches {base_url}; status.openai.com tells of outages.",
            base_url=base_url,
        )
        return _ill(t("OpenAI cannot be reached, or is in trouble"), cure)
    found = t("OpenAI refuses the key") if cause == "key_refused" else t("OpenAI cannot be used")
    return _ill(found, CAUSES.get(cause, CAUSES["internal"]))


def _ill(found: Text, cure: Text) -> Finding:
    return Finding("openai", well=False, found=found, cure=cure)


def _model(name: str, models: Sequence[ListedModel], today: date) -> Finding:
    """Whether the workflow's model is there, and for how long: OpenAI retires models often."""
    listed = next((model for model in models if model.id == name), None)
    if listed is None:
        found = t("OpenAI does not list {model} for this key", model=name)
        return Finding("model", well=False, found=found, cure=CAUSES["model_unknown"])
    if listed.shutdown is None:
        return Finding("model", well=True, found=t("{model} is there", model=name))
    day = listed.shutdown.isoformat()
    if listed.shutdown > today + SHUTDOWN_NOTICE:
        found = t("{model} is there until {day}, when OpenAI switches it off", model=name, day=day)
        return Finding("model", well=True, found=found)
    return Finding(
        "model",
        well=False,
        found=t("OpenAI switches {model} off on {day}", model=name, day=day),
        cure=t("Choose another model, try it in the playground, and publish it before that day."),
    )


def _projects(db: Session, tenant_id: str, settings: Settings) -> Finding:
    """Where it answers. That it does so nowhere is what an administrator may want."""
    rows = db.exec(
        select(ProjectSettings.mode, func.count(func.distinct(col(ProjectSettings.project_id))))
        .where(ProjectSettings.tenant_id == tenant_id)
        .group_by(col(ProjectSettings.mode))
    ).all()
    counted = dict(rows)
    auto, draft, default = (
        counted.get("auto", 0),
        counted.get("draft", 0),
        settings.default_reply_mode,
    )
    if not auto and not draft and default == "off":
        return Finding("projects", well=True, found=t("every project is off: nothing is answered"))
    return Finding(
        "projects",
        well=True,
        found=t(
            "{auto} set to auto, {draft} to draft; where nothing is set: {default}",
            auto=auto,
            draft=draft,
            default=MODES[default],
        ),
    )
