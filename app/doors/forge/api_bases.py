"""Which addresses a Forge installation's API base may name (pure).

It is where a tenant's tokens are sent. The invocation token that names it is signed; its host is
compared with ``TENANT_HOSTS`` all the same, and its path has one form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.doors.connect.base_urls import allowed_base_url
from app.errors import AuthError, BadRequest

_API_BASE = re.compile(
    r"(?P<origin>https?://[^/]{1,255})/ex/jira/(?P<cloud_id>[A-Za-z0-9-]{1,64})/?", re.ASCII
)


def read_api_base(url: object, tenant_hosts: Iterable[str]) -> tuple[str, str]:
    """The address without a trailing slash, and the cloud id in it.

    Raises:
        AuthError: it is no Jira's, or names a host that ``TENANT_HOSTS`` does not allow.
    """
    found = _API_BASE.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise AuthError("INVALID_API_BASE_URL")
    origin = allowed_origin(found["origin"], tenant_hosts)
    if origin is None:
        raise AuthError("INVALID_API_BASE_URL")
    return f"{origin}/ex/jira/{found['cloud_id']}", found["cloud_id"]


def allowed_origin(url: object, tenant_hosts: Iterable[str]) -> str | None:
    """The address of a site, if ``TENANT_HOSTS`` lets it in; None of anything else."""
    try:
        return allowed_base_url(url, tenant_hosts) if isinstance(url, str) else None
    except BadRequest:
        return None
