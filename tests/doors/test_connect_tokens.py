"""The three kinds of Connect token, and everything that is none."""

from __future__ import annotations

import hmac
import json
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.doors.connect import tokens
from app.doors.connect.qsh import query_string_hash
from app.doors.connect.tokens import (
    MAX_LENGTH,
    ConnectClaims,
    header_kid,
    read,
    unverified_issuer,
    verify_context_token,
    verify_install_token,
    verify_request_token,
)
from app.errors import AuthError
from tests.doors import signing
from tests.doors.signing import BASE_URL, OTHER_SECRET, SECRET, hs256, key_pair, rs256
from tests.support.clock import START

ACME = "acme-client-key"
NOW = int(START.timestamp())
QSH = query_string_hash("POST", "/connect/hook", "a=1")
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def request_claims(**changes: Any) -> dict[str, Any]:
    return signing.claims_of(ACME, NOW, "POST", "/connect/hook", "a=1", **changes)


def install_claims(**changes: Any) -> dict[str, Any]:
    return request_claims(**{"aud": [BASE_URL], **changes})


def verify_request(raw: str) -> ConnectClaims:
    return verify_request_token(read(raw), secret=SECRET, client_key=ACME, qsh=QSH, now=START)


def verify_context(raw: str) -> ConnectClaims:
    return verify_context_token(read(raw), secret=SECRET, client_key=ACME, now=START)


def verify_install(raw: str) -> ConnectClaims:
    return verify_install_token(
        read(raw), public_key_pem=key_pair().public_pem, audience=BASE_URL, qsh=QSH, now=START
    )


def kid_of(raw: str) -> str:
    return header_kid(read(raw))


def issuer_of(raw: str) -> str:
    return unverified_issuer(read(raw))


def refusal(verify: Callable[[str], object], raw: str) -> str:
    with pytest.raises(AuthError) as caught:
        verify(raw)
    return caught.value.code


def test_a_request_token_names_its_tenant_and_its_person() -> None:
    assert verify_request(hs256(request_claims(sub="5b10:a-b"))) == ConnectClaims(
        ACME, "5b10:a-b", NOW
    )


@pytest.mark.parametrize("subject", [None, ""])
def test_a_request_token_may_name_nobody(subject: str | None) -> None:
    assert verify_request(hs256(request_claims(sub=subject))).account_id is None


def test_a_context_token_fits_no_request_and_a_request_token_no_context() -> None:
    context = hs256(request_claims(qsh="context-qsh", sub="5b10"))
    assert verify_context(context).account_id == "5b10"
    assert refusal(verify_request, context) == "INVALID_QSH"
    assert refusal(verify_context, hs256(request_claims())) == "INVALID_QSH"


@pytest.mark.parametrize("audience", [BASE_URL, BASE_URL + "/", [BASE_URL], [BASE_URL + "/", "x"]])
def test_an_install_token_is_addressed_to_us(audience: object) -> None:
    assert verify_install(rs256(install_claims(aud=audience))).client_key == ACME


@pytest.mark.parametrize(
    "audience",
    [None, "", [], {}, 7, [None], [[BASE_URL]], ["https://evil.example", BASE_URL],
     BASE_URL + ".evil.example", BASE_URL + "//", BASE_URL.upper()],
)  # fmt: skip
def test_an_install_token_for_somebody_else_is_refused(audience: object) -> None:
    assert refusal(verify_install, rs256(install_claims(aud=audience))) == "INVALID_AUDIENCE"


def test_an_install_token_fits_its_request_alone() -> None:
    assert refusal(verify_install, rs256(install_claims(qsh="context-qsh"))) == "INVALID_QSH"
    assert refusal(verify_install, rs256(install_claims(qsh=None))) == "INVALID_QSH"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"qsh": None}, "INVALID_QSH"),
        ({"qsh": ""}, "INVALID_QSH"),
        ({"qsh": [QSH]}, "INVALID_QSH"),
        ({"qsh": QSH.upper()}, "INVALID_QSH"),
        ({"qsh": "\ud800"}, "INVALID_QSH"),
        ({"qsh": query_string_hash("GET", "/connect/hook", "a=1")}, "INVALID_QSH"),
        ({"qsh": query_string_hash("POST", "/connect/hook", "a=2")}, "INVALID_QSH"),
        ({"qsh": query_string_hash("POST", "/connect", "a=1")}, "INVALID_QSH"),
        ({"iss": None}, "INVALID_ISSUER"),
        ({"iss": "umbrella"}, "INVALID_ISSUER"),
        ({"iss": [ACME]}, "INVALID_ISSUER"),
        ({"sub": 7}, "INVALID_SUBJECT"),
        ({"sub": "a b"}, "INVALID_SUBJECT"),
        ({"sub": "x" * 256}, "INVALID_SUBJECT"),
        ({"exp": None}, "INVALID_EXP"),
        ({"exp": True}, "INVALID_EXP"),
        ({"exp": str(NOW + 60)}, "INVALID_EXP"),
        ({"exp": float("nan")}, "INVALID_EXP"),
        ({"exp": float("inf")}, "INVALID_EXP"),
        ({"exp": 10**400}, "INVALID_EXP"),
        ({"exp": NOW}, "EXPIRED"),
        ({"exp": NOW - 1, "iat": NOW - 180}, "EXPIRED"),
        ({"iat": None}, "INVALID_IAT"),
        ({"iat": -1}, "INVALID_IAT"),
        ({"iat": NOW + 11}, "NOT_YET_VALID"),
        ({"nbf": NOW + 11}, "NOT_YET_VALID"),
        ({"nbf": "soon"}, "INVALID_NBF"),
        ({"exp": NOW + 86_401}, "INVALID_LIFETIME"),
    ],
)
def test_a_request_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal(verify_request, hs256(request_claims(**changes))) == code


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    ahead = request_claims(iat=NOW + 10, nbf=NOW + 10)
    assert verify_request(hs256(ahead)).issued_at == NOW + 10


def test_a_token_ends_with_its_last_second() -> None:
    token = read(hs256(request_claims(exp=NOW + 180)))

    def later(seconds: float) -> ConnectClaims:
        return verify_request_token(
            token, secret=SECRET, client_key=ACME, qsh=QSH, now=START + timedelta(seconds=seconds)
        )

    assert later(179.9).client_key == ACME
    with pytest.raises(AuthError, match="EXPIRED"):
        later(180)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "HS384", "RS256"])
def test_a_token_without_a_signature_is_refused_whatever_it_calls_itself(alg: str) -> None:
    for verify in (verify_request, verify_context, verify_install):
        assert refusal(verify, signing.unsigned(install_claims(), alg)) in {
            "INVALID_ALGORITHM", "INVALID_SIGNATURE",
        }  # fmt: skip


def test_a_public_key_is_no_shared_secret() -> None:
    forged = signing.by_hand(install_claims(), key_pair().public_pem, kid=key_pair().kid)
    assert refusal(verify_install, forged) == "INVALID_ALGORITHM"
    renamed = signing.by_hand(install_claims(), key_pair().public_pem, alg="RS256")
    assert refusal(verify_install, renamed) == "INVALID_SIGNATURE"


def test_each_kind_has_its_algorithm_and_no_other() -> None:
    assert refusal(verify_request, rs256(request_claims())) == "INVALID_ALGORITHM"
    assert refusal(verify_context, rs256(request_claims(qsh="context-qsh"))) == "INVALID_ALGORITHM"
    assert refusal(verify_install, hs256(install_claims())) == "INVALID_ALGORITHM"
    longer = signing.by_hand(request_claims(), SECRET.encode(), alg="HS512")
    assert refusal(verify_request, longer) == "INVALID_ALGORITHM"


def test_another_ones_signature_is_refused() -> None:
    assert refusal(verify_request, hs256(request_claims(), OTHER_SECRET)) == "INVALID_SIGNATURE"
    stranger = rs256(install_claims(), key_pair("a-stranger"))
    assert refusal(verify_install, stranger) == "INVALID_SIGNATURE"
    tampered = signing.with_payload(hs256(request_claims()), request_claims(sub="admin"))
    assert refusal(verify_request, tampered) == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    "raw",
    ["", ".", "..", "a.b", "a.b.c.d", "a.b.c", "é.b.c", "a.b.c\n", " a.b.c", "a.b.c,d.e.f",
     "eyJ9.e30.", "W10.W10.", "e30.bnVsbA.", "A" * (MAX_LENGTH + 1)],
)  # fmt: skip
def test_what_is_no_token_is_refused(raw: str) -> None:
    for function in (verify_request, verify_context, verify_install, kid_of):
        assert refusal(function, raw) in {"MALFORMED_TOKEN", "INVALID_ALGORITHM"}
    assert refusal(issuer_of, raw) in {"MALFORMED_TOKEN", "INVALID_ISSUER"}


def test_a_token_of_any_size_but_a_small_one_is_not_even_read() -> None:
    raw = hs256(request_claims(padding="x" * MAX_LENGTH))
    assert refusal(verify_request, raw) == "MALFORMED_TOKEN"
    assert refusal(issuer_of, raw) == "MALFORMED_TOKEN"


def test_a_token_nested_without_end_is_refused() -> None:
    nested = signing.base64url(b"[" * 6_000)
    assert refusal(issuer_of, f"e30.{nested}.") == "MALFORMED_TOKEN"
    assert refusal(kid_of, f"{nested}.e30.") == "MALFORMED_TOKEN"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
    st.binary(max_size=30),
)
@example({"iss": "a\nb"}, b"")
def test_no_token_brings_a_guard_to_fall(payload: object, junk: bytes) -> None:
    for segment in (signing.base64url(json.dumps(payload).encode()), signing.base64url(junk)):
        for raw in (f"{segment}.e30.x", f"e30.{segment}.x", f"{segment}.{segment}.{segment}"):
            for function in (
                verify_request, verify_context, verify_install, kid_of, issuer_of,
            ):  # fmt: skip
                refusal(function, raw)


HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from([*["HS256"] * 9, "hs256", "HS512", "none", "", None, 7])},
    optional={
        "typ": st.sampled_from(["JWT", "at+jwt", None]),
        "kid": st.sampled_from(["a-key", "", None, 7]),
        **dict.fromkeys(["crit", "b64"], st.sampled_from([["b64"], ["exp"], [], True, False])),
    },
)
CLAIMS = st.one_of(
    st.just(json.dumps(request_claims()).encode()),
    st.just(b'{"iss": "a", "iss": "b", "exp": NaN}'),
    st.just('{"iss": "é"}'.encode("utf-16")),
    st.just(b'\xef\xbb\xbf{"iss": "a"}'),
    st.just(b'{"iss": "\\ud800"}'),
    st.just(b'["iss"]'),
    st.just(b" {} "),
    st.binary(max_size=20),
)
SPELLINGS = st.sampled_from(
    [*[(0, "")] * 12, (1, ""), (2, ""), (3, ""), (0, "A"), (0, "="), (0, "AAAA"), (0, ".")]
)
SECRETS = st.sampled_from([*[SECRET] * 5, OTHER_SECRET])


@settings(max_examples=600)
@given(HEADERS, CLAIMS, SECRETS, st.tuples(SPELLINGS, SPELLINGS, SPELLINGS))
def test_a_signature_that_is_taken_is_one_that_pyjwt_takes(
    header: dict[str, Any], claims: bytes, secret: str, spellings: list[tuple[int, str]]
) -> None:
    first, second, third = spellings
    head = respelt(json.dumps(header).encode(), *first)
    signed = f"{head}.{respelt(claims, *second)}"
    signature = hmac.digest(secret.encode(), signed.encode(), "sha256")
    raw = f"{signed}.{respelt(signature, *third)}"
    try:
        theirs = jwt.decode(raw, SECRET, algorithms=["HS256"], options=tokens._SIGNATURE_ONLY)
    except jwt.PyJWTError:
        theirs = None
    if "=" in raw or not header.keys().isdisjoint({"crit", "b64"}):
        theirs = None  # padding, which PyJWT forgives, and extensions, which it knows
    try:
        token = read(raw)
        tokens._require_hs256(token, SECRET)
    except AuthError:
        assert theirs is None
    else:
        assert repr(token.claims) == repr(theirs)  # NaN does not equal itself


def respelt(plain: bytes, bits: int, ending: str) -> str:
    """Base64 of it, with ``bits`` in those that are left unused at the end, and more behind."""
    segment = signing.base64url(plain)
    unused = {2: 4, 3: 2}.get(len(segment) % 4, 0)
    if unused:
        last = ALPHABET.index(segment[-1])
        segment = segment[:-1] + ALPHABET[last | bits]
    return segment + ending


def test_a_token_without_its_secret_is_refused() -> None:
    def verify(raw: str) -> ConnectClaims:
        return verify_request_token(read(raw), secret="", client_key=ACME, qsh=QSH, now=START)

    assert refusal(verify, signing.by_hand(request_claims(), b"")) == "MALFORMED_TOKEN"


def test_the_issuer_is_read_before_anything_is_proved() -> None:
    assert issuer_of(hs256(request_claims(), OTHER_SECRET)) == ACME


@pytest.mark.parametrize("issuer", [None, "", "a b", "a\n", "x" * 256, 7])
def test_an_issuer_that_no_tenant_could_have_is_refused(issuer: object) -> None:
    assert refusal(issuer_of, hs256(request_claims(iss=issuer))) == "INVALID_ISSUER"


def test_the_kid_is_read_from_the_header() -> None:
    assert kid_of(rs256(install_claims())) == key_pair().kid


@pytest.mark.parametrize(
    "kid",
    ["", ".", "..", "../secret", "a/b", "a\\b", "a..b", "a?b", "a#b", "a%2fb", "a b", "a\n",
     "http://evil.example/k", "é", "x" * 129],
)  # fmt: skip
def test_a_kid_that_would_lead_astray_is_refused(kid: str) -> None:
    raw = signing.unsigned(install_claims(), alg="RS256", kid=kid)
    assert refusal(kid_of, raw) == "INVALID_KID"


@pytest.mark.parametrize("kid", [None, 7, ["k"], {"k": 1}])
def test_a_kid_that_is_no_text_is_refused(kid: object) -> None:
    raw = signing.unsigned(install_claims(), alg="RS256", kid=kid)
    assert refusal(kid_of, raw) == "INVALID_KID"


def test_no_key_is_looked_up_for_another_algorithm() -> None:
    raw = signing.unsigned(install_claims(), alg="HS256", kid="k")
    assert refusal(kid_of, raw) == "INVALID_ALGORITHM"
