"""People who came through the Forge door: what calls Jira as them, for as long as they look.

There Jira tells what a person may do to that person alone. So the token that the platform sends
with a page's call is kept, sealed, until it ends: a session lasts no longer, and rights are asked
for with it again and again meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.doors.forge.tokens import Bearer
from app.errors import AuthError, JiraDenied, JiraTokenMissing, SessionRefused
from app.i18n import t
from app.jira import comments
from app.jira.client import JiraClient
from app.store import user_tokens
from app.store.secrets import Vault
from app.store.tables import Tenant, UserToken
from app.turns.collaborators import Collaborators, JiraAs

ENDS_BEFORE = timedelta(minutes=1)
"""A token that ends sooner begins no session."""


def gone() -> SessionRefused:
    """Jira cannot be asked any more what the person may do."""
    text = t("Jira has to let you in anew. Ask for a new session, or reload the page.")
    return SessionRefused("USER_TOKEN_GONE", text)


async def known(
    tenant: Tenant, account_id: str, token: Bearer | None, c: Collaborators
) -> datetime | None:
    """Until when Jira can be asked what a person may do; None where that does not end.

    Args:
        tenant: whose Jira.
        account_id: of the person, as an invocation token names it.
        token: that came along. It is kept if it is the person's, which Jira itself says.
        c: what the work is done with.

    Raises:
        AuthError: the token is somebody else's.
        SessionRefused: there is no token, or it ends too soon.
        JiraUnavailable, JiraRateLimited: Jira does not say whose it is.
    """
    if tenant.door != "forge":
        return None
    soon = c.clock.now() + ENDS_BEFORE
    kept = await c.database.read(user_tokens.of, tenant.id, account_id)
    if token is not None and token.expires_at > max(soon, kept.expires_at if kept else soon):
        await _require_own(tenant, account_id, token, c)
        sealed = user_tokens.sealed_token(token.token, tenant.id, account_id, c.vault)
        await c.database.write(user_tokens.keep, tenant.id, account_id, sealed, token.expires_at)
        return token.expires_at
    if kept is None or kept.expires_at <= soon:
        raise gone()
    return kept.expires_at


def client_of(tenant: Tenant, kept: UserToken | None, jira_as: JiraAs, vault: Vault) -> JiraClient:
    """A client that calls as the person.

    Raises:
        SessionRefused: there is nothing to call with any more.
    """
    if kept is None:
        raise gone()
    return jira_as(tenant, user_tokens.opened(kept, vault), kept.expires_at)


async def _require_own(tenant: Tenant, account_id: str, token: Bearer, c: Collaborators) -> None:
    try:
        owner = await comments.myself(c.jira_as(tenant, token.token, token.expires_at))
    except (JiraTokenMissing, JiraDenied):
        raise gone() from None
    if owner.account_id != account_id:
        raise AuthError("USER_TOKEN_OF_ANOTHER")
