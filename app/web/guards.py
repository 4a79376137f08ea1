"""A guard for each kind of Connect token: from a request to who calls, or ``AuthError``.

A handler names its guard in its first line and never sees the token itself.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request

from app.doors.connect import qsh, tokens
from app.doors.connect.tokens import ConnectClaims
from app.doors.principal import Principal, TenantRef
from app.errors import AuthError
from app.store import tenants
from app.store.tables import Tenant
from app.web.wiring import Wiring, wiring_of

_HEADER = re.compile(r"JWT +([A-Za-z0-9._-]+)", re.IGNORECASE | re.ASCII)


async def require_install_token(request: Request) -> ConnectClaims:
    """``installed`` and ``uninstalled``: signed by Atlassian, addressed to us.

    Raises:
        AuthError: it is not.
        InstallKeysUnavailable: nobody could say.
    """
    wiring = wiring_of(request)
    raw = _token(request)
    return tokens.verify_install_token(
        raw,
        public_key_pem=await wiring.install_keys.pem(tokens.header_kid(raw)),
        audience=wiring.settings.app_base_url,
        qsh=_query_string_hash(request, wiring),
        now=wiring.clock.now(),
    )


async def require_lifecycle_token(request: Request) -> ConnectClaims:
    """``enabled`` and ``disabled``: a request token of a tenant that may be disabled."""
    _, claims = await _request_token(request)
    return claims


async def require_request_token(request: Request) -> Principal:
    """Webhooks and frames: signed by an installed tenant for this very request."""
    tenant, claims = await _request_token(request)
    return _principal(tenant, claims)


async def require_context_token(request: Request) -> Principal:
    """Browser API routes: what ``AP.context.getToken`` gave our page, in the header alone."""
    wiring = wiring_of(request)
    if _query_tokens(request):
        raise AuthError("TOKEN_IN_QUERY")
    raw = _token(request)
    tenant = await _claimed_tenant(raw, wiring)
    claims = tokens.verify_context_token(
        raw,
        secret=tenants.shared_secret(tenant, wiring.vault),
        client_key=tenant.client_key or "",
        now=wiring.clock.now(),
    )
    return _principal(tenant, claims)


async def _request_token(request: Request) -> tuple[Tenant, ConnectClaims]:
    wiring = wiring_of(request)
    raw = _token(request)
    tenant = await _claimed_tenant(raw, wiring)
    claims = tokens.verify_request_token(
        raw,
        secret=tenants.shared_secret(tenant, wiring.vault),
        client_key=tenant.client_key or "",
        qsh=_query_string_hash(request, wiring),
        now=wiring.clock.now(),
    )
    return tenant, claims


async def _claimed_tenant(raw: str, wiring: Wiring) -> Tenant:
    """The tenant that the token says it is from; nothing is proved yet."""
    issuer = tokens.unverified_issuer(raw)
    tenant = await wiring.database.read(tenants.by_client_key, issuer)
    if tenant is None:
        raise AuthError("UNKNOWN_TENANT")
    return tenant


def _principal(tenant: Tenant, claims: ConnectClaims) -> Principal:
    if tenant.state != "installed":
        raise AuthError("TENANT_NOT_ENABLED")
    return Principal(TenantRef.of(tenant), claims.account_id)


def _token(request: Request) -> str:
    """The one token of the request: in the query, or in one ``Authorization: JWT`` header."""
    in_query = _query_tokens(request)
    in_headers = request.headers.getlist("authorization")
    if len(in_query) + len(in_headers) > 1:
        raise AuthError("TOKEN_TWICE")
    if in_query:
        return in_query[0]
    if not in_headers:
        raise AuthError("NO_TOKEN")
    found = _HEADER.fullmatch(in_headers[0].strip())
    if found is None:
        raise AuthError("MALFORMED_HEADER")
    return found[1]


def _query_tokens(request: Request) -> list[str]:
    query: bytes = request.scope["query_string"]
    return [value for name, value in qsh.parameters(query) if name == qsh.TOKEN_PARAMETER]


def _query_string_hash(request: Request, wiring: Wiring) -> str:
    raw_path: bytes = request.scope["raw_path"]
    return qsh.query_string_hash(
        request.method,
        raw_path.partition(b"?")[0].decode("latin-1"),
        request.scope["query_string"],
        base_path=urlsplit(wiring.settings.app_base_url).path,
    )
