"""Where a tenant may say that its Jira stands."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.doors.connect.base_urls import allowed_base_url
from app.errors import BadRequest

CLOUD = ("*.atlassian.net", "*.jira.com", "api.atlassian.com")
LOCAL = ("http://127.0.0.1:8081", "https://jira.example.com:8443/jira")


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://acme.atlassian.net", "https://acme.atlassian.net"),
        ("https://Acme.Atlassian.NET/", "https://acme.atlassian.net"),
        ("https://a.b.jira.com", "https://a.b.jira.com"),
        ("https://api.atlassian.com", "https://api.atlassian.com"),
    ],
)
def test_a_site_of_the_cloud_is_let_in(url: str, normal: str) -> None:
    assert allowed_base_url(url, CLOUD) == normal


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("HTTP://127.0.0.1:8081/", "http://127.0.0.1:8081"),
        ("https://jira.example.com:8443/jira", "https://jira.example.com:8443/jira"),
    ],
)
def test_an_entry_with_a_scheme_is_let_in_exactly(url: str, normal: str) -> None:
    assert allowed_base_url(url, LOCAL) == normal


def test_the_default_port_may_stand_in_an_exact_entry() -> None:
    entry = ("https://jira.example.com:443/",)
    assert allowed_base_url("https://jira.example.com", entry) == "https://jira.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.atlassian.net",
        "http://acme.atlassian.net",
        "ftp://acme.atlassian.net",
        "https://atlassian.net",
        "https://.atlassian.net",
        "https://evil-atlassian.net",
        "https://evilatlassian.net",
        "https://acme.atlassian.net.evil.com",
        "https://acme.atlassian.net@evil.com",
        "https://evil.com@acme.atlassian.net",
        "https://user:pass@acme.atlassian.net",
        "https://evil.com/acme.atlassian.net",
        "https://evil.com\\.atlassian.net",
        "https://evil.com#.atlassian.net",
        "https://evil.com?.atlassian.net",
        "https://evil.com%2f.atlassian.net",
        "https://acme.atlassian.net:443",
        "https://acme.atlassian.net:8443",
        "https://acme.atlassian.net/jira",
        "https://acme.atlassian.net//",
        "https://acme.atlassian.net?x=1",
        "https://acme.atlassian.net?",
        "https://acme.atlassian.net#x",
        "https://acme.atlassian.net.",
        "https://acme..atlassian.net",
        "https://-acme.atlassian.net",
        "https://xn--cme-8cd.atlassian.net",
        "https://аcme.atlassian.net",  # noqa: RUF001  (a Cyrillic letter, on purpose)
        "https://acme.atla\u017fsian.net",
        "https://\u212aelvin.atlassian.net",  # the sign for kelvin, small letter k
        "https://acme\u3002atlassian\u3002net",
        "https://acme.atlassian.net\n",
        "\thttps://acme.atlassian.net",
        "https://acme.atlas\nsian.net",
        "https://127.0.0.1",
        "https://[::1]",
        "https://2130706433",
        "https://a.api.atlassian.com",
        "//acme.atlassian.net",
        "https:/acme.atlassian.net",
        "https:///acme.atlassian.net",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        allowed_base_url(url, CLOUD)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:8082",
        "https://127.0.0.1:8081",
        "http://127.0.0.1:8081/x",
        "http://127.0.0.1.evil.com:8081",
        "http://localhost:8081",
        "https://jira.example.com:8443",
        "https://jira.example.com:8443/jira/x",
        "https://jira.example.com:8443/jira/../other",
    ],
)
def test_beside_an_exact_entry_nothing_is_let_in(url: str) -> None:
    with pytest.raises(BadRequest):
        allowed_base_url(url, LOCAL)


def test_an_address_in_numbers_is_let_in_by_exact_entries_alone() -> None:
    with pytest.raises(BadRequest):
        allowed_base_url("https://127.0.0.1", ("127.0.0.1", "*.0.0.1"))


@given(
    prefix=st.text(max_size=20),
    between=st.sampled_from([".", "@", "/", "\\", "#", "?", ":", "-", "", "%2e", "\u3002"]),
)
@example(prefix="acme", between=".")
def test_what_is_let_in_is_a_plain_name_below_an_allowed_host(prefix: str, between: str) -> None:
    try:
        normal = allowed_base_url(f"https://{prefix}{between}atlassian.net", CLOUD)
    except BadRequest:
        return
    name = normal.removeprefix("https://").removesuffix(".atlassian.net")
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
