"""What is found of a tenant, and of the way to its Jira, through either door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import AuthError, JiraDenied, JiraError, JiraTokenMissing, SealBroken
from app.i18n import t
from app.jira import comments
from app.store import forge_tenants, tenants
from app.store.tables import Tenant
from app.turns.collaborators import Collaborators


@dataclass(frozen=True)
class Finding:
    """What was found. ``cure`` is what to do; empty where all is well.

    Both are made by ``t``, save in what the command line alone finds.
    """

    name: str
    well: bool
    found: str
    cure: str = ""

    def shown(self) -> dict[str, Any]:
        """For a page."""
        return {"name": self.name, "well": self.well, "found": self.found, "cure": self.cure}


def standing(tenant: Tenant) -> Finding:
    """Whether the app is installed there and let in."""
    site = tenant.base_url
    if tenant.forge_silent_at is not None:
        return _silent(tenant)
    if tenant.state == "installed":
        return Finding("tenant", well=True, found=t("{site} is installed", site=site))
    return Finding(
        "tenant",
        well=False,
        found=t("{site} is uninstalled", site=site)
        if tenant.state == "uninstalled"
        else t("{site} is disabled", site=site),
        cure=t("Enable or install the app in Jira: Apps → Manage apps."),
    )


def credential(tenant: Tenant, c: Collaborators) -> Finding:
    """Whether there is something to call its Jira with."""
    return _token(tenant, c) if tenant.door == "forge" else _secret(tenant, c)


async def jira(tenant: Tenant, c: Collaborators) -> Finding:
    """Whether its Jira answers."""
    try:
        await comments.myself(c.jira(tenant))
    except JiraTokenMissing:
        return Finding(
            "jira",
            well=False,
            found=t("Jira takes the token no more that Forge sent"),
            cure=t(
                "The hourly schedule brings another. Where it does not help, reinstall the app."
            ),
        )
    except JiraDenied as error:
        return Finding(
            "jira",
            well=False,
            found=t("Jira refuses the app ({status})", status=error.status),
            cure=t("Reinstall the app on that site, so that both sides share a secret again."),
        )
    except JiraError as error:
        return Finding(
            "jira",
            well=False,
            found=t("Jira cannot be reached (status {status})", status=error.status)
            if error.status
            else t("Jira cannot be reached (no answer)"),
            cure=t("See that this machine reaches {site} over HTTPS.", site=tenant.base_url),
        )
    return Finding("jira", well=True, found=t("Jira answers as the app"))


def _silent(tenant: Tenant) -> Finding:
    since = tenant.forge_seen_at.date().isoformat() if tenant.forge_seen_at else ""
    return Finding(
        "tenant",
        well=False,
        found=t("{site} has not called since {since}", site=tenant.base_url, since=since),
        cure=t(
            "Forge calls every hour: see in Jira (Apps → Manage apps) that the app is installed,"
            " and that Atlassian reaches this address. The next call brings the site back."
        ),
    )


def _secret(tenant: Tenant, c: Collaborators) -> Finding:
    try:
        tenants.shared_secret(tenant, c.vault)
    except (SealBroken, AuthError):
        return Finding(
            "secret",
            well=False,
            found=t("the tenant's shared secret does not open"),
            cure=t("Put the key that sealed it back into SECRET_KEYS, or reinstall the app."),
        )
    return Finding("secret", well=True, found=t("the tenant's shared secret opens"))


def _token(tenant: Tenant, c: Collaborators) -> Finding:
    """What calls Jira as the app. Without one turns wait; nobody but Forge can bring it."""
    try:
        token = forge_tenants.system_token(tenant, c.vault)
    except SealBroken:
        return Finding(
            "secret",
            well=False,
            found=t("the token that Forge sent does not open"),
            cure=t(
                "Put the key that sealed it back into SECRET_KEYS, or wait an hour for the next."
            ),
        )
    ends = tenant.system_token_expires_at
    if token is None or ends is None or ends <= c.clock.now():
        return Finding(
            "secret",
            well=False,
            found=t("Forge has sent no token to call Jira with")
            if token is None
            else t("the token that Forge sent has ended"),
            cure=t(
                "The hourly schedule brings one, and what waits goes on then. Where none comes: see"
                " that the manifest has the schedule with appSystemToken and the scope"
                " read:app-system-token, and that Atlassian reaches this address."
            ),
        )
    return Finding("secret", well=True, found=t("Forge has sent a token to call Jira with"))
