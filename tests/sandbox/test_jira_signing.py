"""The site's own reading of Atlassian's signatures, against Atlassian's published cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from app.sandbox.jira import JiraSite, keys
from app.sandbox.jira.installation import InstallRefused
from app.sandbox.jira.qsh import canonical_request, query_string_hash
from tests.sandbox.receiver import call, get, installed, request_token, served_app

VECTORS = Path(__file__).parents[1] / "data" / "jwt-signed-urls.json"
CASES: list[dict[str, str]] = json.loads(VECTORS.read_text())["tests"]


def _base(case: dict[str, str]) -> str:
    with_path = case["name"].startswith("Add-on baseUrl contains path")
    return "https://example.com/base" if with_path else "https://example.com"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_published_case_is_read_as_atlassian_reads_it(case: dict[str, str]) -> None:
    url = case["signedUrl"]
    token = url.rpartition("jwt=")[2].partition("&")[0]
    claims = jwt.decode(token, options={"verify_signature": False})

    assert canonical_request("GET", url, _base(case)) == case["canonicalUrl"]
    assert query_string_hash("GET", url, _base(case)) == claims["qsh"]


def test_a_base_path_is_taken_away_at_a_boundary_only() -> None:
    assert canonical_request("get", "https://a/base", "https://a/base/") == "GET&/&"
    assert canonical_request("get", "https://a/based/x", "https://a/base") == "GET&/based/x&"


def test_installed_is_signed_with_a_key_that_the_site_serves() -> None:
    with installed() as (jira, app):
        sent = app.got("/installed")[0]
        token = sent.headers["authorization"].removeprefix("JWT ")
        kid = jwt.get_unverified_header(token)["kid"]
        pem = get(f"{jira.base_url}/install-keys/{kid}").text
        claims = jwt.decode(token, pem, algorithms=["RS256"], audience=app.url)

        assert claims["iss"] == sent.body["clientKey"]
        assert claims["qsh"] == query_string_hash("POST", "/installed")
        assert sent.body["baseUrl"] == jira.base_url
        assert sent.body["sharedSecret"] == jira.link.installed.shared_secret
        assert get(f"{jira.base_url}/install-keys/another").status_code == 404


def test_enabled_and_webhooks_are_signed_with_the_shared_secret() -> None:
    with installed() as (jira, app):
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()

        for path in ("/enabled", "/webhooks"):
            sent = app.got(path)[0]
            token = sent.headers["authorization"].removeprefix("JWT ")
            claims = jwt.decode(token, jira.link.installed.shared_secret, algorithms=["HS256"])
            assert claims["qsh"] == query_string_hash("POST", path)
        assert "sharedSecret" not in app.got("/enabled")[0].body


def test_the_life_of_an_installation_keeps_its_client_key_and_changes_its_secret() -> None:
    with installed() as (jira, app):
        jira.reinstall()
        jira.rename("https://renamed.example")
        jira.disable()
        jira.enable()
        jira.uninstall()

        bodies = [one.body for one in app.got("/installed")]
        assert len({body["clientKey"] for body in bodies}) == 1
        assert len({body["sharedSecret"] for body in bodies}) == 3
        assert bodies[2]["displayUrl"] == "https://renamed.example"
        order = [one.path for one in app.received]
        assert order[-3:] == ["/disabled", "/enabled", "/uninstalled"]
        gone = app.got("/uninstalled")[0].headers["authorization"].removeprefix("JWT ")
        assert jwt.get_unverified_header(gone)["alg"] == "RS256"


def test_an_app_that_refuses_is_not_installed() -> None:
    with served_app(answers=[401]) as app, JiraSite().serve() as jira:
        with pytest.raises(InstallRefused, match="401"):
            jira.install(app.url)
        assert jira.link.current is None


def test_a_refused_reinstall_leaves_the_old_secret() -> None:
    with installed() as (jira, app):
        before = jira.link.installed.shared_secret
        app.answers.append(500)
        with pytest.raises(InstallRefused):
            jira.reinstall()

        assert jira.link.installed.shared_secret == before
        assert call(jira, "GET", "/rest/api/3/myself").status_code == 200


def test_a_test_can_forge_an_install_token() -> None:
    with installed() as (jira, _):
        other = keys.generate()
        token = jira.link.sign_install_token(key=other, aud=["https://elsewhere"], qsh=None)

        claims = jwt.decode(
            token, other.private.public_key(), algorithms=["RS256"], audience="https://elsewhere"
        )
        assert "qsh" not in claims
        assert jwt.get_unverified_header(token)["kid"] == other.kid


def test_a_context_token_names_the_viewer_and_the_issue() -> None:
    with installed() as (jira, _):
        token = jira.context_token("wim", "OPS-1")
        claims = jwt.decode(token, jira.link.installed.shared_secret, algorithms=["HS256"])

        assert claims["qsh"] == "context-qsh"
        assert claims["sub"] == jira.account_id("wim")
        assert claims["context"]["jira"]["issue"]["key"] == "OPS-1"


def test_frames_are_signed_for_the_viewer() -> None:
    with installed() as (jira, app):
        url = jira.panel_url("OPS-1", "rita")
        token = url.rpartition("jwt=")[2]
        claims = jwt.decode(token, jira.link.installed.shared_secret, algorithms=["HS256"])

        assert url.startswith(f"{app.url}/panel?issue={jira.issue('OPS-1').id}&xdm_e=")
        assert claims["qsh"] == query_string_hash("GET", url, app.url)
        assert claims["sub"] == jira.account_id("rita")
        assert get(jira.admin_url()).text.endswith(f"frame /admin {jira.base_url}</p></div>\n")


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "somebody-else"},
    "no issuer": {"iss": None},
    "expired": {"iat": 1_000_000, "exp": 1_000_060},
    "longer than an hour": {"exp": 4_000_000_000},
    "a qsh of another request": {"qsh": query_string_hash("POST", "/rest/api/3/myself")},
    "a context token's qsh": {"qsh": "context-qsh"},
    "no qsh": {"qsh": None},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG.keys())
def test_a_bad_request_token_is_answered_401(claims: dict[str, Any]) -> None:
    with installed() as (jira, _):
        answer = call(jira, "GET", "/rest/api/3/myself", **claims)

        assert answer.status_code == 401
        assert jira.refused_tokens


def test_nobody_and_an_old_secret_and_a_disabled_app_are_answered_401() -> None:
    with installed() as (jira, _):
        url = f"{jira.base_url}/rest/api/3/myself"
        old = request_token(jira, "GET", "/rest/api/3/myself")
        assert get(url).status_code == 401
        assert get(url, old).status_code == 200

        jira.reinstall()
        assert get(url, old).status_code == 401
        assert call(jira, "GET", "/rest/api/3/myself").status_code == 200

        jira.disable()
        assert call(jira, "GET", "/rest/api/3/myself").status_code == 401


def test_an_encoded_query_is_hashed_as_it_was_sent() -> None:
    path = "/rest/api/3/user?accountId=712020%3Anobody&x=a%20b*~"
    with installed() as (jira, _):
        assert call(jira, "GET", path).status_code == 404
        assert not jira.refused_tokens


def test_writing_needs_the_scope() -> None:
    with installed(scopes=("READ",)) as (jira, _):
        assert call(jira, "GET", "/rest/api/3/issue/OPS-1").status_code == 200
        assert call(jira, "POST", "/rest/api/3/issue/OPS-1/comment", {}).status_code == 403
