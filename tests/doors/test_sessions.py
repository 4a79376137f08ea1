"""Sessions of ours: what signs them, what they say, and that nothing else passes for one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from app.doors import sessions
from app.doors.sessions import AdminSession, ChatSession
from app.errors import SessionRefused
from app.store.secrets import Vault
from tests.doors import signing

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
OLD, NEW = "the-older-secret-key-0123456789abcdef", "the-newer-secret-key-0123456789abcdef"
VAULT = Vault([NEW])
CHAT = ChatSession(
    tenant_id="tenant_1",
    generation=3,
    account_id="712020:rita",
    thread_id="thr_1",
    issue_id="10000",
    audience="internal",
    expires_at=sessions.expiry(NOW),
)
ADMIN = AdminSession("tenant_1", 3, "712020:adam", sessions.expiry(NOW))
CLAIMS: dict[str, Any] = {
    "iss": "jira-chatkit",
    "aud": "chat",
    "sub": "712020:rita",
    "tnt": "tenant_1",
    "gen": 3,
    "thr": "thr_1",
    "isu": "10000",
    "ale": "internal",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 900,
}


def signed(claims: dict[str, Any], key: bytes | None = None, **header: Any) -> str:
    own = VAULT.signing_key("session")
    return signing.by_hand(claims, own if key is None else key, **header)


def refusal(raw: str, now: datetime = NOW, vault: Vault = VAULT) -> str:
    """Why the token is no chat session's; fails the test where it is one."""
    with pytest.raises(SessionRefused) as caught:
        sessions.verify_chat(raw, vault, now)
    assert len(raw) < 20 or raw not in str(caught.value)
    return caught.value.code


def payload(raw: str) -> dict[str, Any]:
    part = raw.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_a_session_comes_back_as_it_went_out() -> None:
    raw = sessions.sign(CHAT, VAULT, NOW)
    assert sessions.verify_chat(raw, VAULT, NOW) == CHAT
    assert payload(raw) == CLAIMS
    assert sessions.verify_admin(sessions.sign(ADMIN, VAULT, NOW), VAULT, NOW) == ADMIN


def test_a_visitors_session_on_a_thread_without_an_issue_comes_back() -> None:
    visitor = replace(CHAT, account_id=None, issue_id=None, audience="public")
    assert sessions.verify_chat(sessions.sign(visitor, VAULT, NOW), VAULT, NOW) == visitor


def test_it_lasts_a_quarter_of_an_hour_and_no_longer() -> None:
    raw = sessions.sign(CHAT, VAULT, NOW)
    assert CHAT.expires_at - NOW <= timedelta(minutes=15)
    last = CHAT.expires_at - timedelta(microseconds=1)
    assert sessions.verify_chat(raw, VAULT, last) == CHAT
    for late in (CHAT.expires_at, CHAT.expires_at + timedelta(days=400)):
        assert refusal(raw, late) == "SESSION_EXPIRED"


def test_a_longer_one_is_not_taken_though_the_signature_is_ours() -> None:
    assert refusal(signed({**CLAIMS, "exp": CLAIMS["exp"] + 1})) == "SESSION_INVALID"


def test_neither_kind_passes_for_the_other() -> None:
    admins = sessions.sign(ADMIN, VAULT, NOW)
    assert refusal(admins) == "SESSION_OF_ANOTHER_KIND"
    with pytest.raises(SessionRefused, match="token for admin"):
        sessions.verify_admin(sessions.sign(CHAT, VAULT, NOW), VAULT, NOW)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_no_claim_can_be_left_out(name: str) -> None:
    lacking = {key: value for key, value in CLAIMS.items() if key != name}
    forged = signing.with_payload(signed(CLAIMS), lacking)
    assert refusal(forged) == "SESSION_FORGED"
    if name in {"sub", "isu"}:  # a visitor has no account, his thread at first no issue
        assert sessions.verify_chat(signed(lacking), VAULT, NOW).thread_id == "thr_1"
    else:
        assert refusal(signed(lacking)) == "SESSION_INVALID"


@pytest.mark.parametrize("name", sorted(CLAIMS))
@pytest.mark.parametrize("value", ["other", "", 0, -1, 2**70, 1.5, True, None, [], {}, ["chat"]])
def test_a_claim_changed_is_not_believed(name: str, value: object) -> None:
    forged = signing.with_payload(signed(CLAIMS), {**CLAIMS, name: value})
    assert refusal(forged) == "SESSION_FORGED"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "somebody"), ("aud", "all"), ("aud", ["chat"]), ("sub", ""), ("sub", 5),
        ("tnt", ""), ("tnt", None), ("gen", "3"), ("gen", 3.5), ("gen", True), ("thr", ""),
        ("thr", []), ("isu", 10000), ("ale", "restricted"), ("ale", ""), ("iat", 0),
        ("iat", "1"), ("iat", 1e12), ("exp", 2**40), ("exp", None), ("exp", True), ("exp", "x"),
    ],
)  # fmt: skip
def test_what_our_own_key_signed_is_still_judged(name: str, value: object) -> None:
    assert refusal(signed({**CLAIMS, name: value})) == "SESSION_INVALID"


def test_only_our_algorithm_counts() -> None:
    key = VAULT.signing_key("session")
    pair = signing.key_pair()
    private = pair.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for raw in (
        signing.unsigned(CLAIMS),
        signing.unsigned(CLAIMS, "None"),
        signing.unsigned(CLAIMS, "HS256"),
        signed(CLAIMS, key, alg="none"),
        signed(CLAIMS, key, alg="HS512"),
        jwt.encode(CLAIMS, key * 2, algorithm="HS512"),
        jwt.encode(CLAIMS, key * 2, algorithm="HS384"),
        jwt.encode(CLAIMS, private, algorithm="RS256"),
        signed(CLAIMS, pair.public_pem),
        signed(CLAIMS, pair.public_pem, alg="RS256"),
        signed(CLAIMS, b""),
    ):
        assert refusal(raw) in {"SESSION_MALFORMED", "SESSION_FORGED"}


@pytest.mark.parametrize("purpose", ["visitor", "seal", "Session", "session ", ""])
def test_a_key_for_another_purpose_opens_nothing(purpose: str) -> None:
    assert refusal(signed(CLAIMS, VAULT.signing_key(purpose))) == "SESSION_FORGED"
    assert refusal(signed(CLAIMS, NEW.encode())) == "SESSION_FORGED"


def test_a_rotated_key_still_verifies_until_it_is_taken_out() -> None:
    raw = sessions.sign(CHAT, Vault([OLD]), NOW)
    both = Vault([NEW, OLD])
    assert sessions.verify_chat(raw, both, NOW) == CHAT
    assert refusal(raw, vault=Vault([NEW])) == "SESSION_FORGED"
    assert refusal(sessions.sign(CHAT, both, NOW), vault=Vault([OLD])) == "SESSION_FORGED"


@pytest.mark.parametrize(
    "raw",
    ["", ".", "..", "a.b.c", "a.b", "a.b.c.d", "é.b.c", "a b.c.d", "x" * 5000 + ".b.c", "e30.e30."],
)
def test_what_is_no_token_is_refused(raw: str) -> None:
    assert refusal(raw) in {"SESSION_MALFORMED", "SESSION_FORGED"}


def test_a_payload_that_is_no_object_is_refused() -> None:
    key = VAULT.signing_key("session")
    values: list[Any] = [[], "text", 5, None, [[[]]]]
    for value in values:
        assert refusal(signing.by_hand(value, key)) == "SESSION_MALFORMED"
    deep = "[" * 100_000
    assert refusal(f"e30.{signing.base64url(deep.encode())}.x") == "SESSION_MALFORMED"


@given(at=st.integers(0, 10_000), character=st.sampled_from("AQgw-_.09 =é\0"))
def test_no_change_of_a_character_is_let_through(at: int, character: str) -> None:
    raw = sessions.sign(CHAT, VAULT, NOW)
    at %= len(raw) - 1  # of the very last one base64 reads but four bits
    changed = raw[:at] + character + raw[at + 1 :]
    if changed != raw:
        assert refusal(changed) in {"SESSION_MALFORMED", "SESSION_FORGED"}


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), st.none() | st.text() | st.integers()))
def test_no_set_of_claims_breaks_the_reader(changes: dict[str, Any]) -> None:
    claims = {**CLAIMS, **changes}
    try:
        session = sessions.verify_chat(signed(claims), VAULT, NOW)
    except SessionRefused:
        return
    assert (session.tenant_id, session.thread_id) == (claims["tnt"], claims["thr"])
    assert (session.generation, session.account_id) == (claims["gen"], claims["sub"])
