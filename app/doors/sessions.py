"""Sessions of ours: what the browser shows for every call once a door has let it in (pure).

A session is a JWT of at most ``LIFE``, signed with HS256 by a key that serves no other purpose.
A *chat session* is one person's on one thread of one tenant; an *admin session* is one person's
on a tenant's settings; neither passes for the other. It proves who was let in, not what that
person may do by now: rights are asked for anew, and an uninstall raises the tenant's generation,
which ends every session of before.

The algorithm is pinned here and never read from the token. Every refusal is a ``SessionRefused``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.doors.principal import Audience
from app.errors import SessionRefused
from app.i18n import t
from app.store.secrets import Vault

LIFE = timedelta(minutes=15)
PURPOSE = "session"
ISSUER = "jira-chatkit"
MAX_LENGTH = 4 * 1024

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,  # by our own clock, below
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_EXPIRED = t(
    "The session has expired. Ask for a new session at POST /api/sessions and repeat the call with"
    " its token. A stream goes on with its Last-Event-ID."
)
_NOT_OURS = t(
    "This is no session of ours. Ask for a new session at POST /api/sessions and repeat the call"
    " with its token."
)


@dataclass(frozen=True, slots=True)
class ChatSession:
    """One person's (or, with no account, a visitor's) on one thread.

    ``generation`` is the tenant's as it was then; ``issue_id`` is the thread's, if it has one.
    """

    tenant_id: str
    generation: int
    account_id: str | None
    thread_id: str
    issue_id: str | None
    audience: Audience
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AdminSession:
    """One person's on the settings of a tenant."""

    tenant_id: str
    generation: int
    account_id: str
    expires_at: datetime


def expiry(now: datetime, until: datetime | None = None) -> datetime:
    """When a session that begins now ends, by ``until`` at the latest; whole seconds, as in the
    token.
    """
    ends = now.replace(microsecond=0) + LIFE
    return ends if until is None else min(ends, until.replace(microsecond=0))


def sign(session: ChatSession | AdminSession, vault: Vault, now: datetime) -> str:
    """The token of a session."""
    claims = {
        "iss": ISSUER,
        "aud": "admin",
        "sub": session.account_id,
        "tnt": session.tenant_id,
        "gen": session.generation,
        "iat": int(now.timestamp()),
        "exp": int(session.expires_at.timestamp()),
    }
    if isinstance(session, ChatSession):
        bound = {"thr": session.thread_id, "isu": session.issue_id, "ale": session.audience}
        claims |= {"aud": "chat", **bound}
    said = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, vault.signing_key(PURPOSE), algorithm="HS256")


def verify_chat(raw: str, vault: Vault, now: datetime) -> ChatSession:
    """What the token of a chat session says.

    Raises:
        SessionRefused: it is over, forged, or no chat session's.
    """
    claims = _verified(raw, vault, "chat", now)
    if claims.thr is None or claims.ale is None:
        raise _invalid("SESSION_INVALID")
    return ChatSession(
        tenant_id=claims.tnt,
        generation=claims.gen,
        account_id=claims.sub,
        thread_id=claims.thr,
        issue_id=claims.isu,
        audience=claims.ale,
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
    )


def verify_admin(raw: str, vault: Vault, now: datetime) -> AdminSession:
    """What the token of an admin session says; raises as :func:`verify_chat` does."""
    claims = _verified(raw, vault, "admin", now)
    if claims.sub is None:
        raise _invalid("SESSION_INVALID")
    return AdminSession(claims.tnt, claims.gen, claims.sub, datetime.fromtimestamp(claims.exp, UTC))


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)

    iss: Literal["jira-chatkit"]
    aud: Literal["chat", "admin"]
    sub: str | None = Field(default=None, min_length=1)
    tnt: str = Field(min_length=1)
    gen: int
    thr: str | None = Field(default=None, min_length=1)
    isu: str | None = Field(default=None, min_length=1)
    ale: Audience | None = None
    iat: int = Field(gt=0, lt=2**33)
    exp: int = Field(gt=0, lt=2**33)


def _verified(raw: str, vault: Vault, kind: Literal["chat", "admin"], now: datetime) -> _Claims:
    try:
        claims = _Claims.model_validate(_signed(raw, vault))
    except ValidationError:
        raise _invalid("SESSION_INVALID") from None
    if claims.aud != kind:
        text = t("This call takes a token for {kind}.", kind=kind)
        raise SessionRefused("SESSION_OF_ANOTHER_KIND", text)
    if claims.exp <= now.timestamp():
        raise SessionRefused("SESSION_EXPIRED", _EXPIRED)
    if claims.exp - claims.iat > LIFE.total_seconds():
        raise _invalid("SESSION_INVALID")
    return claims


def _signed(raw: str, vault: Vault) -> object:
    """The payload, if one of our keys has signed it."""
    if len(raw) > MAX_LENGTH or not _COMPACT.fullmatch(raw):
        raise _invalid("SESSION_MALFORMED")
    for key in vault.verification_keys(PURPOSE):
        try:
            return jwt.decode(raw, key, algorithms=["HS256"], options=_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, RecursionError):
            raise _invalid("SESSION_MALFORMED") from None
    raise _invalid("SESSION_FORGED")


def _invalid(code: str) -> SessionRefused:
    return SessionRefused(code, _NOT_OURS)
