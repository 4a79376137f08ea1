"""A guard for each kind of token: from a request to who calls, or an error that refuses it.

A handler names its guard in its first line and never sees the token itself. Connect's kinds are
refused with ``AuthError``, sessions of ours with ``SessionRefused``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlmodel import Session
from starlette.requests import Request

from app.doors import sessions
from app.doors.connect import qsh, tokens
from app.doors.connect.credentials import Credential
from app.doors.connect.tokens import ConnectClaims, Token
from app.doors.principal import Principal, TenantRef, Viewer
from app.errors import AuthError, Forbidden, NotFound, SessionRefused
from app.i18n import t
from app.store import tenants, threads
from app.store.tables import Issue, Tenant
from app.web.wiring import Wiring, wiring_of

_HEADER = re.compile(r"JWT +([A-Za-z0-9._-]+)", re.IGNORECASE | re.ASCII)
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE | re.ASCII)
_IN_QUERY = {qsh.TOKEN_PARAMETER, "token", "access_token", "session"}
"""Where a token would end in logs and histories, and is refused instead."""


async def require_install_token(request: Request) -> ConnectClaims:
    """``installed`` and ``uninstalled``: signed by Atlassian, addressed to us.

    Raises:
        AuthError: it is not.
        InstallKeysUnavailable: nobody could say.
    """
    wiring = wiring_of(request)
    token = tokens.read(_token(request))
    return tokens.verify_install_token(
        token,
        public_key_pem=await wiring.install_keys.pem(tokens.header_kid(token)),
        audience=wiring.settings.app_base_url,
        qsh=_query_string_hash(request, wiring),
        now=wiring.clock.now(),
    )


async def require_lifecycle_token(request: Request) -> ConnectClaims:
    """``enabled`` and ``disabled``: a request token of a tenant that may be disabled."""
    _, claims = await _request_token(request)
    return claims


async def require_sender(request: Request, *, anew: bool = False) -> Credential:
    """Webhooks: signed by a tenant for this very request, with a secret that may be remembered.

    What is taken in from it is taken in only if that secret still holds; see ``credentials.py``.
    With ``anew`` it is the tenant's secret of now.
    """
    wiring = wiring_of(request)
    token = tokens.read(_token(request))
    client_key = tokens.unverified_issuer(token)
    known = None if anew else wiring.credentials.remembered(client_key)
    if known is not None:
        try:
            _verify(token, known, request, wiring)
        except AuthError:  # perhaps by now it signs with another
            known = None
    if known is None:
        known = await wiring.credentials.look_up(client_key)
        _verify(token, known, request, wiring)
    return known


async def require_request_token(request: Request) -> Principal:
    """Frames: signed by an installed tenant for this very request."""
    tenant, claims = await _request_token(request)
    return _principal(tenant, claims)


async def require_context_token(request: Request) -> Principal:
    """Browser API routes: what ``AP.context.getToken`` gave our page, in the header alone."""
    wiring = wiring_of(request)
    if _query_tokens(request):
        raise AuthError("TOKEN_IN_QUERY")
    token = tokens.read(_token(request))
    tenant = await _claimed_tenant(token, wiring)
    claims = tokens.verify_context_token(
        token,
        secret=tenants.shared_secret(tenant, wiring.vault),
        client_key=tenant.client_key or "",
        now=wiring.clock.now(),
    )
    return _principal(tenant, claims)


async def require_session(request: Request) -> Viewer:
    """Chat API: who holds a session on the path's thread, and may read it by now.

    The rights are at most half a minute old. A path that names no thread is the session's.

    Raises:
        SessionRefused: no session, one that is over, or another thread's (``WRONG_THREAD``).
        NotFound: the thread was deleted with its issue.
        Forbidden: the right to read it is lost.
    """
    viewer = await _viewer(request)
    await wiring_of(request).rights.require_reader(viewer)
    return viewer


async def require_writer(request: Request) -> Viewer:
    """Chat API: who may read the thread and add comments to its issue, as Jira says now."""
    viewer = await _viewer(request)
    await wiring_of(request).rights.require_writer(viewer)
    return viewer


async def require_team(request: Request) -> Viewer:
    """Chat API: who may write on the thread and work its issue, as Jira says now."""
    viewer = await _viewer(request)
    await wiring_of(request).rights.require_team(viewer)
    return viewer


async def require_admin(request: Request) -> Principal:
    """Admin API: who holds an admin session and administers the tenant's Jira by now.

    For a GET the right is at most half a minute old; whoever changes something is asked for now.

    Raises:
        SessionRefused: no admin session, or one that is over.
        Forbidden: the right is lost.
    """
    wiring = wiring_of(request)
    session = sessions.verify_admin(_bearer(request), wiring.vault, wiring.clock.now())
    tenant, _ = await wiring.database.read(_standing, session.tenant_id, None)
    caller = Principal(_installed(tenant, session.generation), session.account_id)
    fresh = request.method != "GET"
    if not await wiring.rights.administers(caller.tenant.id, session.account_id, fresh=fresh):
        raise Forbidden("ADMINISTER")
    return caller


async def _viewer(request: Request) -> Viewer:
    """Who holds a session on the path's thread; what he may do is not asked yet."""
    wiring = wiring_of(request)
    session = sessions.verify_chat(_bearer(request), wiring.vault, wiring.clock.now())
    tenant, there = await wiring.database.read(_standing, session.tenant_id, session.thread_id)
    known = _installed(tenant, session.generation)
    if request.path_params.get("thread_id", session.thread_id) != session.thread_id:
        raise SessionRefused("WRONG_THREAD", t("The session is for another thread."))
    if not there:
        raise NotFound(t("This thread is gone: its issue was deleted."))
    return Viewer(
        tenant=known,
        account_id=session.account_id,
        thread_id=session.thread_id,
        issue_id=session.issue_id,
        audience=session.audience,
        expires_at=session.expires_at,
    )


def _standing(db: Session, tenant_id: str, thread_id: str | None) -> tuple[Tenant | None, bool]:
    """The tenant, and whether the thread is there and its issue was not deleted."""
    thread = threads.by_id(db, tenant_id, thread_id) if thread_id else None
    issue = db.get(Issue, (tenant_id, thread.issue_id)) if thread and thread.issue_id else None
    there = thread is not None and (issue is None or issue.deleted_at is None)
    return tenants.by_id(db, tenant_id), there


def _installed(tenant: Tenant | None, generation: int) -> TenantRef:
    """The tenant of a session, if the app is there and was not uninstalled since."""
    if tenant is None or tenant.session_generation != generation:
        text = t("The session ended when the app was uninstalled.")
        raise SessionRefused("SESSION_OVER", text)
    if tenant.state != "installed":
        raise SessionRefused("TENANT_NOT_ENABLED", t("The app is switched off on this site."))
    return TenantRef.of(tenant)


def _bearer(request: Request) -> str:
    """The one token of a session, from the one header that it may stand in."""
    query: bytes = request.scope["query_string"]
    if any(name.lower() in _IN_QUERY for name, _ in qsh.parameters(query)):
        text = t("A token in the address is not taken; send it in the Authorization header.")
        raise SessionRefused("TOKEN_IN_QUERY", text)
    given = request.headers.getlist("authorization")
    found = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        text = t("Send one header: Authorization: Bearer, then the token of POST /api/sessions.")
        raise SessionRefused("NO_SESSION", text)
    return found[1]


async def _request_token(request: Request) -> tuple[Tenant, ConnectClaims]:
    wiring = wiring_of(request)
    token = tokens.read(_token(request))
    tenant = await _claimed_tenant(token, wiring)
    claims = tokens.verify_request_token(
        token,
        secret=tenants.shared_secret(tenant, wiring.vault),
        client_key=tenant.client_key or "",
        qsh=_query_string_hash(request, wiring),
        now=wiring.clock.now(),
    )
    return tenant, claims


def _verify(token: Token, sender: Credential, request: Request, wiring: Wiring) -> None:
    tokens.verify_request_token(
        token,
        secret=sender.secret,
        client_key=sender.client_key,
        qsh=_query_string_hash(request, wiring),
        now=wiring.clock.now(),
    )


async def _claimed_tenant(token: Token, wiring: Wiring) -> Tenant:
    """The tenant that the token says it is from; nothing is proved yet."""
    issuer = tokens.unverified_issuer(token)
    tenant = await wiring.database.read_together(tenants.by_client_keys, issuer)
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
