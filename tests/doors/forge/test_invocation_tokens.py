"""Invocation tokens: what they say, and all that is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from app.doors.forge import tokens
from app.errors import AuthError
from tests.doors import signing
from tests.doors.forge import minting
from tests.doors.forge.minting import AGNES, API_BASE, APP_ID, CLOUD_ID, INSTALLATION, SITE, app
from tests.doors.forge.minting import claims as claims_at
from tests.support.clock import FakeClock

CLOCK = FakeClock()
NOW = CLOCK.now()
SECONDS = int(NOW.timestamp())
OTHER_APP = "ari:cloud:ecosystem::app/other"


def claims(**changes: Any) -> dict[str, Any]:
    return claims_at(NOW, **changes)


def test_a_token_tells_its_installation_and_site() -> None:
    told = minting.verify(minting.sign(claims()), CLOCK)
    assert (told.installation_id, told.cloud_id) == (INSTALLATION, CLOUD_ID)
    assert (told.api_base_url, told.site_url) == (API_BASE, SITE)
    assert (told.account_id, told.module_key, told.issued_at) == (None, "events", SECONDS)


@pytest.mark.parametrize("principal", [AGNES, f"ari:cloud:identity::user/{AGNES}"])
def test_a_token_of_a_page_tells_who_looks(principal: str) -> None:
    told = minting.verify(minting.sign(claims(principal=principal)), CLOCK)
    assert told.account_id == AGNES


def test_without_a_context_the_cloud_id_is_that_of_the_api_base() -> None:
    told = minting.verify(minting.sign(claims(context=None)), CLOCK)
    assert (told.cloud_id, told.site_url) == (CLOUD_ID, None)


@pytest.mark.parametrize("seconds", [-10, 10, 34])
def test_clocks_may_differ_by_a_little(seconds: int) -> None:
    later = FakeClock(NOW + timedelta(seconds=seconds))
    assert minting.verify(minting.sign(claims()), later).issued_at == SECONDS


def test_an_environment_that_is_let_in_is_so_whatever_its_case() -> None:
    told = app(environment={"type": "production"})
    found = minting.verify(minting.sign(claims(app=told)), CLOCK, environments=("PRODUCTION",))
    assert found.installation_id == INSTALLATION


def test_a_site_that_is_no_address_is_not_told() -> None:
    for odd in ("https://evil.example", "javascript:alert(1)", "https://x@acme.atlassian.net"):
        told = minting.verify(minting.sign(claims(context={"siteUrl": odd})), CLOCK)
        assert told.site_url is None


def _pem() -> bytes:
    return (
        minting.key_pair()
        .private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


FORGED: dict[str, tuple[Callable[[], str], str]] = {
    # what signed it
    "another key": (lambda: minting.sign(claims(), minting.other_pair()), "INVALID_SIGNATURE"),
    "no signature": (lambda: signing.unsigned(claims(), kid="forge-key-1"), "MALFORMED_TOKEN"),
    "alg none with a signature": (
        lambda: signing.unsigned(claims(), kid="forge-key-1") + "AAAA", "INVALID_ALGORITHM",
    ),
    "the public key as a secret": (
        lambda: signing.by_hand(claims(), _pem(), kid="forge-key-1"), "INVALID_ALGORITHM",
    ),
    "alg RS512": (
        lambda: jwt.encode(claims(), minting.key_pair().private, "RS512", {"kid": "forge-key-1"}),
        "INVALID_ALGORITHM",
    ),
    "alg PS256": (
        lambda: jwt.encode(claims(), minting.key_pair().private, "PS256", {"kid": "forge-key-1"}),
        "INVALID_ALGORITHM",
    ),
    "other claims under the signature": (
        lambda: signing.with_payload(minting.sign(claims()), claims(principal=AGNES)),
        "INVALID_SIGNATURE",
    ),
    "hardly a signature": (
        lambda: minting.sign(claims()).rpartition(".")[0] + ".AAAA", "INVALID_SIGNATURE",
    ),
    "two segments": (lambda: minting.sign(claims()).rpartition(".")[0], "MALFORMED_TOKEN"),
    "four segments": (lambda: minting.sign(claims()) + ".e30", "MALFORMED_TOKEN"),
    "no token": (lambda: "not-a-token", "MALFORMED_TOKEN"),
    "too long": (lambda: minting.sign(claims(pad="x" * 20_000)), "MALFORMED_TOKEN"),
    # whose it is
    "no issuer": (lambda: minting.sign(claims(iss=None)), "INVALID_ISSUER"),
    "another issuer": (lambda: minting.sign(claims(iss="forge/other-token")), "INVALID_ISSUER"),
    "a list of issuers": (lambda: minting.sign(claims(iss=[tokens.ISSUER])), "INVALID_ISSUER"),
    "no audience": (lambda: minting.sign(claims(aud=None)), "INVALID_AUDIENCE"),
    "another app's": (
        lambda: minting.sign(
            claims(aud=OTHER_APP, app=app(id=OTHER_APP))
        ),
        "INVALID_AUDIENCE",
    ),
    "our id without its ARI": (
        lambda: minting.sign(claims(aud=APP_ID.rpartition("/")[2])), "INVALID_AUDIENCE",
    ),
    "us among other audiences": (
        lambda: minting.sign(claims(aud=[APP_ID, "ari:cloud:ecosystem::app/other"])),
        "INVALID_AUDIENCE",
    ),
    "a longer id than ours": (lambda: minting.sign(claims(aud=APP_ID + "0")), "INVALID_AUDIENCE"),
    "another app within": (
        lambda: minting.sign(claims(app=app(id="ari:cloud:ecosystem::app/other"))), "INVALID_APP",
    ),
    # when it holds
    "expired": (lambda: minting.sign(claims(exp=SECONDS - 10)), "EXPIRED"),
    "no expiry": (lambda: minting.sign(claims(exp=None)), "INVALID_EXP"),
    "expiry in words": (lambda: minting.sign(claims(exp="never")), "INVALID_EXP"),
    "expiry that is true": (lambda: minting.sign(claims(exp=True)), "INVALID_EXP"),
    "expiry for ever": (lambda: minting.sign(claims(exp=2**60)), "INVALID_EXP"),
    "expires before it was issued": (
        lambda: minting.sign(claims(iat=SECONDS + 5, exp=SECONDS)), "INVALID_LIFETIME",
    ),
    "a life of days": (lambda: minting.sign(claims(exp=SECONDS + 86_400)), "INVALID_LIFETIME"),
    "not issued": (lambda: minting.sign(claims(iat=None)), "INVALID_IAT"),
    "issued in the future": (
        lambda: minting.sign(claims(iat=SECONDS + 11, nbf=None, exp=SECONDS + 36)), "NOT_YET_VALID",
    ),
    "issued in words": (lambda: minting.sign(claims(iat="now")), "INVALID_IAT"),
    "not before later": (
        lambda: minting.sign(claims(nbf=SECONDS + 11, exp=SECONDS + 36)), "NOT_YET_VALID",
    ),
    "not before in words": (lambda: minting.sign(claims(nbf="now")), "INVALID_NBF"),
    # where it leads
    "no app": (lambda: minting.sign(claims(app=None)), "INVALID_APP"),
    "an app in words": (lambda: minting.sign(claims(app=APP_ID)), "INVALID_APP"),
    "no installation": (
        lambda: minting.sign(claims(app=app(installationId=None))), "INVALID_INSTALLATIONID",
    ),
    "an empty installation": (
        lambda: minting.sign(claims(app=app(installationId=""))), "INVALID_INSTALLATIONID",
    ),
    "an installation with a line break": (
        lambda: minting.sign(claims(app=app(installationId="a\nb"))), "INVALID_INSTALLATIONID",
    ),
    "installations in a list": (
        lambda: minting.sign(claims(app=app(installationId=[INSTALLATION]))),
        "INVALID_INSTALLATIONID",
    ),
    "contexts in words": (
        lambda: minting.sign(claims(app=app(installation={"contexts": "x"}))),
        "INVALID_INSTALLATION",
    ),
    "no API base": (
        lambda: minting.sign(claims(app=app(apiBaseUrl=None))), "INVALID_API_BASE_URL",
    ),
    "an API base elsewhere": (
        lambda: minting.sign(claims(app=app(apiBaseUrl="https://evil.example/ex/jira/c"))),
        "INVALID_API_BASE_URL",
    ),
    "an API base without TLS": (
        lambda: minting.sign(claims(app=app(apiBaseUrl=API_BASE.replace("https", "http")))),
        "INVALID_API_BASE_URL",
    ),
    "an API base with a user": (
        lambda: minting.sign(
            claims(app=app(apiBaseUrl="https://api.atlassian.com@evil.example/ex/jira/c"))
        ),
        "INVALID_API_BASE_URL",
    ),
    "an API base at a port": (
        lambda: minting.sign(claims(app=app(apiBaseUrl="https://api.atlassian.com:8443/ex/jira/c"))),
        "INVALID_API_BASE_URL",
    ),
    "an API base with dots": (
        lambda: minting.sign(claims(app=app(apiBaseUrl="https://api.atlassian.com/ex/jira/../x"))),
        "INVALID_API_BASE_URL",
    ),
    "an API base of Confluence": (
        lambda: minting.sign(claims(app=app(apiBaseUrl=API_BASE.replace("jira", "confluence")))),
        "INVALID_API_BASE_URL",
    ),
    "an API base with a query": (
        lambda: minting.sign(claims(app=app(apiBaseUrl=f"{API_BASE}?x=1"))),
        "INVALID_API_BASE_URL",
    ),
    "another cloud than the API base's": (
        lambda: minting.sign(claims(context=minting.context(cloudId="other"))), "INVALID_CLOUD_ID",
    ),
    "a cloud with a slash": (
        lambda: minting.sign(claims(context=minting.context(cloudId="a/b"))), "INVALID_CLOUDID",
    ),
    "a context in words": (lambda: minting.sign(claims(context="acme")), "INVALID_CONTEXT"),
    "a site in a list": (
        lambda: minting.sign(claims(context=minting.context(siteUrl=[SITE]))), "INVALID_SITEURL",
    ),
    # who and what calls
    "a principal in a list": (
        lambda: minting.sign(claims(principal=[AGNES])), "INVALID_PRINCIPAL",
    ),
    "a principal with a space": (
        lambda: minting.sign(claims(principal="a b")), "INVALID_PRINCIPAL",
    ),
    "a module in words": (lambda: minting.sign(claims(app=app(module="events"))), "INVALID_MODULE"),
    "a module's key in a list": (
        lambda: minting.sign(claims(app=app(module={"key": ["events"]}))), "INVALID_KEY",
    ),
    "an environment in words": (
        lambda: minting.sign(claims(app=app(environment="PRODUCTION"))), "INVALID_ENVIRONMENT",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    make, code = FORGED[name]
    with pytest.raises(AuthError) as refused:
        minting.verify(make(), CLOCK)
    assert refused.value.code == code


def test_there_are_many_forgeries() -> None:
    assert len(FORGED) >= 50


@pytest.mark.parametrize("environment", [{"type": "DEVELOPMENT"}, {}, None])
def test_an_environment_that_is_not_let_in_is_refused(environment: Any) -> None:
    raw = minting.sign(claims(app=app(environment=environment)))
    with pytest.raises(AuthError, match="WRONG_ENVIRONMENT"):
        minting.verify(raw, CLOCK, environments=("PRODUCTION", "STAGING"))


@pytest.mark.parametrize("host", ["api.example.com", "http://127.0.0.1:1"])
def test_only_hosts_that_tenants_may_have_are_called(host: str) -> None:
    with pytest.raises(AuthError, match="INVALID_API_BASE_URL"):
        minting.verify(minting.sign(claims()), CLOCK, tenant_hosts=(host,))


def test_a_host_that_is_named_with_its_port_may_be_called() -> None:
    there = "http://127.0.0.1:8081"
    told = app(apiBaseUrl=f"{there}/ex/jira/{CLOUD_ID}")
    found = minting.verify(minting.sign(claims(app=told)), CLOCK, tenant_hosts=(there,))
    assert found.api_base_url == f"{there}/ex/jira/{CLOUD_ID}"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"kid": None}, "INVALID_KID"),
        ({"kid": 7}, "INVALID_KID"),
        ({"kid": "a b"}, "INVALID_KID"),
        ({"kid": "x" * 300}, "INVALID_KID"),
        ({"alg": "HS256", "kid": "k"}, "INVALID_ALGORITHM"),
        ({"alg": "none", "kid": "k"}, "INVALID_ALGORITHM"),
        ({"alg": ["RS256"], "kid": "k"}, "INVALID_ALGORITHM"),
        ({"kid": "k", "crit": ["exp"]}, "INVALID_ALGORITHM"),
    ],
)
def test_a_header_that_names_no_key_of_ours_asks_for_none(header: Any, code: str) -> None:
    told = {"typ": "JWT", "alg": "RS256", **header}
    raw = f"{signing.base64url(json.dumps(told).encode())}.e30.AAAA"
    with pytest.raises(AuthError, match=code):
        tokens.header_kid(raw)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = ("iss", "aud", "iat", "nbf", "exp", "app", "context", "principal")
WITHIN = ("id", "installationId", "installation", "apiBaseUrl", "environment", "module")


@given(name=st.sampled_from(PLACES), value=JSONS)
def test_whatever_stands_in_a_claim_is_taken_or_refused(name: str, value: Any) -> None:
    _try(claims(**{name: value}))


@given(name=st.sampled_from(WITHIN), value=JSONS)
def test_whatever_stands_in_the_app_is_taken_or_refused(name: str, value: Any) -> None:
    _try(claims(app={**app(), name: value}))


def _try(told: dict[str, Any]) -> None:
    try:
        found = minting.verify(minting.sign(told), CLOCK)
    except AuthError:
        return
    assert found.api_base_url == API_BASE
    assert found.installation_id.isprintable()


@given(raw=st.text(max_size=200) | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,40}\.[\w-]{1,40}"))
def test_no_text_makes_the_reader_fall_over(raw: str) -> None:
    for read in (tokens.header_kid, lambda text: minting.verify(text, CLOCK)):
        with pytest.raises(AuthError):
            read(raw)


# --- the tokens that call Jira --------------------------------------------------------------


def test_a_token_for_jira_ends_when_it_says() -> None:
    bearer = tokens.read_bearer(minting.oauth(NOW, 1800), NOW)
    assert bearer.expires_at == NOW.replace(microsecond=0) + timedelta(seconds=1800)
    assert bearer.token not in repr(bearer)


def test_one_that_says_nothing_ends_as_soon_as_any_may() -> None:
    for raw in ("opaque", minting.oauth(NOW, exp="soon"), minting.oauth(NOW, exp=None)):
        assert tokens.read_bearer(raw, NOW).expires_at == NOW + timedelta(minutes=55)


def test_none_is_kept_longer_than_any_lives() -> None:
    assert tokens.read_bearer(minting.oauth(NOW, 10**7), NOW).expires_at == NOW + timedelta(hours=4)


@pytest.mark.parametrize("raw", ["", "a b", "a\nb", "ü", "x" * 20_000])
def test_a_header_that_holds_no_token_is_refused(raw: str) -> None:
    with pytest.raises(AuthError, match="MALFORMED_OAUTH_TOKEN"):
        tokens.read_bearer(raw, NOW)


@given(raw=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_any_other_header_is_a_token_of_hours(raw: str) -> None:
    ends = tokens.read_bearer(raw, NOW).expires_at
    assert ends <= NOW + timedelta(hours=4)
