"""The pages in Jira's frame, and what the doors answer to anybody else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx2
import pytest
from sqlalchemy import select
from sqlmodel import Session

from app.doors.principal import Principal, TenantRef
from app.main import create_app
from app.sandbox.jira import JiraSite
from app.sandbox.serving import serve
from app.store.tables import Tenant, metadata
from app.web.pages import _policy, frame_script
from tests.support.talks import Chat
from tests.support.world import World, settings_of, world

MIB = 1024 * 1024


@pytest.fixture
def other() -> Iterator[JiraSite]:
    """Another site, which may install the app."""
    with JiraSite().serve() as site:
        yield site


@pytest.fixture
def here(sqlite_template: Path, tmp_path: Path, other: JiraSite) -> Iterator[World]:
    shutil.copyfile(sqlite_template, tmp_path / "app.db")
    with world(f"sqlite:///{tmp_path / 'app.db'}", also=other) as made:
        yield made


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


def panel(here: World, http: httpx2.Client, name: str = "rita", issue: str = "OPS-1") -> Any:
    return http.get(here.jira.panel_url(issue, name))


def is_bare_401(answer: httpx2.Response) -> bool:
    plain = answer.content == b"" and "www-authenticate" not in answer.headers
    return answer.status_code == 401 and plain


# --- who sees the panel ---------------------------------------------------------------------


def test_the_panel_is_a_shell_that_knows_who_looks(here: World, http: httpx2.Client) -> None:
    here.openai.answers("Because of the storage.")
    here.jira.comment("OPS-1", "Why is it slow?")
    here.run_until_idle()

    reporter, agent = panel(here, http), panel(here, http, "agnes")

    for page, first in ((reporter, "public"), (agent, "internal")):
        assert page.status_code == 200
        assert f'data-issue="{here.jira.issue("OPS-1").id}"' in page.text
        assert f'data-first="{first}"' in page.text
        for words in ("Why is it slow?", "Because of the storage."):
            assert words not in page.text  # they come by the API, to who may read them
    assert 'data-audiences="internal public"' in agent.text
    assert Chat(here, "OPS-1", "rita").texts()[-2:] == [
        "Why is it slow?",
        "Because of the storage.",
    ]


def test_who_may_not_work_the_issue_has_the_public_thread_alone(
    here: World, http: httpx2.Client
) -> None:
    here.jira.revoke("wim", "OPS", "EDIT_ISSUES")

    shown = panel(here, http, "wim").text

    assert 'data-audiences="public"' in shown
    assert 'data-first="public"' in shown


def test_without_a_genuine_token_for_this_very_address_there_is_none(
    here: World, http: httpx2.Client
) -> None:
    signed = here.jira.panel_url("OPS-1", "rita")
    address, _, token = signed.partition("&jwt=")
    admins = here.jira.admin_url().rpartition("&jwt=")[2]
    forged = here.jira.link.sign_request_token("GET", address, secret="x" * 64)
    context = here.jira.context_token("rita", "OPS-1")
    other = here.jira.issue("OPS-2").id

    for url in (
        address,
        f"{address}&jwt=",
        f"{address}&jwt={token[:-4]}AAAA",
        f"{address}&jwt={forged}",
        f"{address}&jwt={context}",
        f"{address}&jwt={admins}",
        f"{signed}&jwt={token}",
        f"{signed}&more=1",
        signed.replace("issue=10000", f"issue={other}"),
    ):
        assert is_bare_401(http.get(url)), url
    twice = http.get(signed, headers={"Authorization": f"JWT {token}"})
    assert is_bare_401(twice)


def test_who_may_not_see_the_issue_is_refused(here: World, http: httpx2.Client) -> None:
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()
    here.jira.revoke("wim", "OPS", "BROWSE_PROJECTS")

    for name in ("wim", "carlos"):
        answer = panel(here, http, name)
        assert answer.status_code == 403
        assert "Why?" not in answer.text
    here.jira.set_security_level("OPS-1", "Team")
    assert panel(here, http, "rita").status_code == 403
    assert panel(here, http, "agnes").status_code == 200


def test_nobody_in_particular_is_refused(here: World, http: httpx2.Client) -> None:
    url = here.jira.panel_url("OPS-1", "rita").partition("&jwt=")[0]

    assert http.get(f"{url}&jwt={here.jira.link.sign_request_token('GET', url)}").status_code == 403


@pytest.mark.parametrize("issue", ["99999", "..", "10000/comment", ""])
def test_an_issue_that_is_none_is_not_found(here: World, http: httpx2.Client, issue: str) -> None:
    url = f"{here.url}/connect/panel?{urlencode({'issue': issue})}"
    token = here.jira.link.sign_request_token("GET", url, here.jira.account_id("rita"))

    assert http.get(f"{url}&jwt={token}").status_code == 404


def test_another_tenants_issue_of_the_same_id_is_another(
    here: World, http: httpx2.Client, other: JiraSite
) -> None:
    other.install(here.url)
    assert other.issue("OPS-1").id == here.jira.issue("OPS-1").id

    theirs = http.get(other.panel_url("OPS-1", "rita"))

    assert theirs.status_code == 200
    assert policy(theirs)["frame-ancestors"] == [other.base_url]
    url = here.jira.panel_url("OPS-1", "rita").partition("&jwt=")[0]
    named = other.link.sign_request_token("GET", url, iss=here.client_key)
    assert is_bare_401(http.get(f"{url}&jwt={named}"))


# --- what keeps a page where it belongs -----------------------------------------------------


def policy(answer: httpx2.Response) -> dict[str, list[str]]:
    """The content security policy, by directive."""
    parts = answer.headers["content-security-policy"].split(";")
    return {name: values for name, *values in (part.split() for part in parts)}


def test_only_the_viewers_own_site_may_frame_a_page(
    here: World, http: httpx2.Client, other: JiraSite
) -> None:
    other.link.display_url = "https://help.acme.example/jira"
    other.install(here.url)

    for url in (here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url()):
        assert policy(http.get(url))["frame-ancestors"] == [here.jira.base_url]
    theirs = policy(http.get(other.admin_url()))["frame-ancestors"]
    assert sorted(theirs) == sorted([other.base_url, "https://help.acme.example"])


def test_a_page_runs_our_scripts_and_jiras_and_nothing_inline(
    here: World, http: httpx2.Client
) -> None:
    for url in (here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url()):
        rules = policy(http.get(url))
        del rules["frame-ancestors"]
        assert rules == {
            "default-src": ["'none'"],
            "script-src": ["'self'", here.jira.base_url],
            "style-src": ["'self'"],
            "img-src": ["'self'"],
            "connect-src": ["'self'"],
            "base-uri": ["'none'"],
            "form-action": ["'none'"],
        }


@pytest.mark.parametrize(
    ("site", "script"),
    [
        ("https://acme.atlassian.net", "https://connect-cdn.atl-paas.net/all.js"),
        ("https://acme.jira.com", "https://connect-cdn.atl-paas.net/all.js"),
        ("http://acme.atlassian.net", "http://acme.atlassian.net/atlassian-connect/all.js"),
        ("https://jira.com.example", "https://jira.com.example/atlassian-connect/all.js"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081/atlassian-connect/all.js"),
    ],
)
def test_jiras_frame_script_comes_from_atlassian_or_from_the_site(site: str, script: str) -> None:
    tenant = Tenant(
        id="t", door="connect", base_url=site, state="installed", installed_at=datetime.now(UTC)
    )

    assert frame_script(TenantRef.of(tenant)) == script


def policy_for(base_url: str, display_url: str | None = None) -> str:
    """The header of a page for a tenant with these addresses."""
    tenant = Tenant(
        id="t",
        door="connect",
        base_url=base_url,
        display_url=display_url,
        state="installed",
        installed_at=datetime.now(UTC),
    )
    principal = Principal(TenantRef.of(tenant), "rita")
    return _policy(principal, frame_script(principal.tenant))


SITE = "https://acme.atlassian.net"
ATLASSIANS_ORIGIN = "https://connect-cdn.atl-paas.net"
ODD_ADDRESSES = [
    "https://a.example;script-src *",
    "https://a.example; script-src 'unsafe-inline'",
    "https://a.example 'unsafe-inline'",
    "https://a.example 'self' https://b.example",
    "https://a.example'",
    'https://a.example"',
    "https://a.example,https://b.example",
    "https://a.example\\@b.example",
    "https://a.example\n;script-src *",
    "https://a.example\u2028",
    "https://\u0430.example",
    "https://somebody@a.example",
    "https://*",
    "https://*.example",
    "https://a.example:80;script-src *",
    "https://a.example:*",
    "https://",
    "//a.example",
    "a.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "'unsafe-inline'",
]


@pytest.mark.parametrize("odd", ODD_ADDRESSES)
def test_an_odd_address_adds_nothing_to_what_a_page_may_do(odd: str) -> None:
    assert policy_for(SITE, odd) == policy_for(SITE)


def test_an_odd_base_url_adds_nothing_either() -> None:
    """No door lets one in; what is written into the policy does not count on that."""
    without = policy_for(SITE).replace(f" {ATLASSIANS_ORIGIN}", "")
    for odd in ODD_ADDRESSES:
        assert policy_for(odd, SITE) == without


def test_an_address_that_cannot_be_read_breaks_no_page(
    here: World, http: httpx2.Client, other: JiraSite
) -> None:
    other.link.display_url = "https://[a.example"
    other.install(here.url)

    shown = http.get(other.admin_url())
    assert shown.status_code == 200
    assert policy(shown)["frame-ancestors"] == [other.base_url]
    for broken in ("https://a.example]", "https://[x]/"):
        assert policy_for(SITE, broken) == policy_for(SITE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://help.acme.example", "https://help.acme.example"),
        ("https://help.acme.example:8443/jira", "https://help.acme.example:8443"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
        ("https://help.acme.example/;script-src *", "https://help.acme.example"),
        ("https://help.acme.example?a;b", "https://help.acme.example"),
    ],
)
def test_a_plain_host_may_frame_a_page_by_its_origin_alone(url: str, origin: str) -> None:
    both = " ".join(sorted((SITE, origin)))
    assert policy_for(SITE, url) == policy_for(SITE).replace(SITE, both)


def test_a_page_stays_out_of_caches_and_referrers(here: World, http: httpx2.Client) -> None:
    for url in (here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url("rita")):
        headers = http.get(url).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_what_a_page_links_to_is_there(here: World, http: httpx2.Client) -> None:
    for url in (here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url()):
        links = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', http.get(url).text)
        assert any(link.endswith("/all.js") for link in links)
        for link in links:
            assert http.get(urljoin(here.url, link)).status_code == 200, link


def test_a_refusal_in_the_frame_says_why_in_plain_words(here: World, http: httpx2.Client) -> None:
    here.jira.revoke("wim", "OPS", "BROWSE_PROJECTS")

    answer = panel(here, http, "wim")

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "You may not see this issue" in answer.text
    assert policy(answer)["frame-ancestors"] == [here.jira.base_url]


# --- what is on them ------------------------------------------------------------------------


def test_the_public_thread_never_shows_what_is_internal(here: World, http: httpx2.Client) -> None:
    here.openai.answers("CANARY-ANSWER")  # a note, in a service project
    here.jira.comment("SUP-2", "A public question?", "carlos")
    here.run_until_idle()
    here.jira.comment("SUP-2", "CANARY-NOTE", "agnes", internal=True)
    here.jira.comment("SUP-2", "CANARY-ROLE", "agnes", visibility=("role", "Administrators"))
    here.run_until_idle()
    assert any("CANARY-ANSWER" in item.text for item in here.items("internal"))

    for name in ("agnes", "adam"):
        assert "CANARY" not in panel(here, http, name, "SUP-2").text
        shown = " ".join(Chat(here, "SUP-2", name).texts())
        assert "A public question?" in shown
        assert "CANARY" not in shown


def test_only_an_administrator_sees_the_admin_page(here: World, http: httpx2.Client) -> None:
    here.jira.comment("OPS-1", "CANARY?")
    here.run_until_idle()

    shown = http.get(here.jira.admin_url("adam"))
    assert shown.status_code == 200
    assert "From install to the first answer" in shown.text
    for secret in ("CANARY", "completed"):  # the shell holds nothing: its script asks the API
        assert secret not in shown.text
    for name in ("rita", "agnes", "carlos"):
        refused = http.get(here.jira.admin_url(name))
        assert refused.status_code == 403
        assert "Only for Jira administrators" in refused.text
        assert "From install" not in refused.text
    anonymous = here.jira.admin_url().partition("&jwt=")[0]
    token = here.jira.link.sign_request_token("GET", anonymous)
    assert http.get(f"{anonymous}&jwt={token}").status_code == 403


def test_a_disabled_apps_pages_are_closed(here: World, http: httpx2.Client) -> None:
    urls = [here.jira.panel_url("OPS-1", "rita"), here.jira.admin_url()]
    here.jira.disable()

    assert all(is_bare_401(http.get(url)) for url in urls)


def test_a_jira_that_is_away_is_not_a_broken_page(here: World, http: httpx2.Client) -> None:
    url = here.jira.panel_url("OPS-1", "rita")
    here.jira.faults.add("GET", "/rest/api/3/issue/*", "status", times=9)

    answer = http.get(url)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "Simulated" not in answer.text


# --- health -----------------------------------------------------------------------------------


def test_it_lives_serves_and_counts(here: World, http: httpx2.Client) -> None:
    here.jira.comment("OPS-1", "Why?")
    here.run_until_idle()

    assert http.get(f"{here.url}/healthz").text == "ok\n"
    assert http.get(f"{here.url}/readyz").text == "ready\n"
    metrics = http.get(f"{here.url}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'jira_chatkit_deliveries_total{event="comment_created"' in metrics.text
    assert "Why?" not in metrics.text


# --- webhooks that are none -----------------------------------------------------------------


def everything(db: Session) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: [tuple(row) for row in db.execute(select(table)).all()]
        for table in metadata.sorted_tables
    }


def deliver(here: World, http: httpx2.Client, body: bytes, **headers: str) -> httpx2.Response:
    url = f"{here.url}/connect/webhooks"
    token = here.jira.link.sign_request_token("POST", url)
    return http.post(url, content=body, headers={"Authorization": f"JWT {token}", **headers})


def comment_body(here: World, text: str) -> dict[str, Any]:
    comment = here.jira.comment("OPS-1", text, deliver=False)
    return dict(here.jira.webhook_body("comment_created", comment))


def test_a_body_of_more_than_a_mebibyte_is_refused_and_nothing_is_kept(
    here: World, http: httpx2.Client
) -> None:
    body = comment_body(here, "Why?")
    before = here.read(everything)

    body["padding"] = "x" * MIB
    assert deliver(here, http, json.dumps(body).encode()).status_code == 413
    chunks = (b"x" * 65_536 for _ in range(17))
    url = f"{here.url}/connect/webhooks"
    token = here.jira.link.sign_request_token("POST", url)
    unannounced = http.post(url, content=chunks, headers={"Authorization": f"JWT {token}"})

    assert unannounced.status_code == 413
    assert here.read(everything) == before
    body["padding"] = "x" * (MIB - 20_000)
    assert deliver(here, http, json.dumps(body).encode()).status_code == 204
    here.run_until_idle()
    assert len(here.answers("OPS-1")) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}" * 2, b"[" * 100_000,
     b'{"webhookEvent": "comment_created"}',
     b'{"webhookEvent": "comment_created", "comment": {"id": {}}}'],
    ids=repr,
)  # fmt: skip
def test_a_body_that_is_none_is_refused_and_nothing_is_kept(
    here: World, http: httpx2.Client, body: bytes
) -> None:
    before = here.read(everything)

    assert deliver(here, http, body).status_code == 400
    assert here.read(everything) == before


def test_an_event_of_another_kind_is_taken_and_forgotten(here: World, http: httpx2.Client) -> None:
    before = here.read(everything)

    assert deliver(here, http, b'{"webhookEvent": "sprint_started"}').status_code == 204
    assert here.read(everything) == before


def test_a_webhook_that_is_not_genuine_changes_nothing(
    here: World, http: httpx2.Client, other: JiraSite
) -> None:
    url = f"{here.url}/connect/webhooks"
    sign = here.jira.link.sign_request_token
    body = json.dumps(comment_body(here, "Why?")).encode()
    genuine = sign("POST", url)
    before = here.read(everything)

    for header in (
        None,
        "",
        "JWT",
        "JWT a.b.c",
        f"Bearer {genuine}",
        f"JWT {genuine[:-4]}AAAA",
        f"JWT {sign('GET', url)}",
        f"JWT {sign('POST', url, secret='x' * 64)}",
        f"JWT {sign('POST', url, iss='nobody')}",
        f"JWT {sign('POST', url, iat=1, exp=2)}",
        f"JWT {here.jira.context_token('rita')}",
        f"JWT {here.jira.link.sign_install_token('installed')}",
    ):
        headers = {} if header is None else {"Authorization": header}
        assert is_bare_401(http.post(url, content=body, headers=headers)), header
    assert here.read(everything) == before


def test_a_public_path_may_be_kept_by_the_proxy_or_stripped(database_url: str) -> None:
    values = {"APP_BASE_URL": "https://example.com/chat", "DATABASE_URL": database_url}
    settings = settings_of({**values, "SECRET_KEYS": "a-key-for-tests-that-is-long-enough-0"})
    with serve(create_app(settings, worker=False)) as served:
        for path in ("/chat/healthz", "/healthz", "/chat/atlassian-connect.json"):
            assert httpx2.get(f"{served.url}{path}", trust_env=False).status_code == 200
        assert httpx2.get(f"{served.url}/chatty/healthz", trust_env=False).status_code == 404
