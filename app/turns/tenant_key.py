"""A tenant's own key: tried before it is kept, kept sealed, and never given back."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog
from sqlmodel import Session

from app.assistant.catalogue import listed_models
from app.assistant.outbound import allowed_url
from app.errors import Invalid, ModelError
from app.i18n import Text, t
from app.settings import Settings
from app.store import tenants
from app.turns.collaborators import Collaborators
from app.turns.reading import OPENAI_KEY, own_access

log = structlog.get_logger(__name__)

NOT_ALLOWED = t(
    "This address cannot be used. It has to begin with https:// and name one of the hosts that"
    " the operator of this app allows (OUTBOUND_HOSTS)."
)
UNTRIED = t("The key could not be tried just now. Try again in a minute.")
REFUSALS: dict[str, tuple[str, Text]] = {
    "key_refused": (
        "key",
        t(
            "OpenAI refuses this key. Copy it whole, and see that it is neither revoked nor"
            " limited."
        ),
    ),
    "quota": (
        "key",
        t("OpenAI takes this key, but its account has no credit left. Add credit, then try again."),
    ),
    "rate_limited": ("key", t("OpenAI is asked too much with this key. Try again in a minute.")),
    "unreachable": (
        "base_url",
        t("OpenAI could not be reached, so the key could not be tried. Try again in a minute."),
    ),
    "no_list": (
        "base_url",
        t("What answers at this address is not OpenAI's API. It often ends in /v1."),
    ),
    "host_refused": (
        "base_url",
        t("This address leads into a private network, where no request of ours may go."),
    ),
}
"""By the cause of a refusal: beside which field it is told, and how."""


@dataclass(frozen=True)
class Entered:
    """A key as an administrator typed it, and where it is used; None: at ``OPENAI_BASE_URL``."""

    key: str = field(repr=False)
    base_url: str | None = None


@dataclass(frozen=True)
class _Sealed:
    key: str
    base_url: str | None


async def set_key(tenant_id: str, entered: Entered, c: Collaborators) -> None:
    """Try the key, then keep it in the place of an earlier one.

    Raises:
        Invalid: the address is not allowed, or OpenAI does not take the key: nothing is changed.
    """
    base_url = _judged(entered.base_url, c.settings)
    access = own_access(entered.key, base_url, c.settings)
    try:
        await listed_models(access, c.carrier, c.clock)
    except ModelError as error:
        raise _refusal(error.cause, typed=base_url is not None) from None
    sealed = c.vault.seal(entered.key, tenant=tenant_id, field=OPENAI_KEY)
    await c.database.write(_keep, tenant_id, _Sealed(sealed, base_url))
    log.info("key_set", tenant=tenant_id, own_base_url=base_url is not None)


async def remove_key(tenant_id: str, c: Collaborators) -> None:
    """Forget it; from now on the operator's is used, if there is one."""
    await c.database.write(_keep, tenant_id, None)
    log.info("key_removed", tenant=tenant_id)


def _judged(typed: str | None, settings: Settings) -> str | None:
    url = (typed or "").strip().rstrip("/")
    if not url:
        return None
    if url == settings.openai_base_url:
        return url
    allowed = allowed_url(url, settings.outbound_hosts)
    if allowed is None:
        raise Invalid(NOT_ALLOWED, {"base_url": NOT_ALLOWED})
    return allowed


def _refusal(cause: str, *, typed: bool) -> Invalid:
    name, text = REFUSALS.get(cause, ("key", UNTRIED))
    return Invalid(text, {name if typed else "key": text})


def _keep(db: Session, tenant_id: str, sealed: _Sealed | None) -> None:
    tenant = tenants.hold(db, tenant_id)
    tenant.openai_key = sealed.key if sealed else None
    tenant.openai_base_url = sealed.base_url if sealed else None
