"""A link stays one only to an exact source or to an allowed host, written plainly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.firewall import link_policy

allowed = link_policy(
    [
        "https://docs.example/page?a=1#top",
        "https://wiki.example:8443/x",
        "https://de.example/Größe",
        "ftp://docs.example/file",
        "javascript:alert(1)",
    ],
    ["help.example.com", "*.kb.example", "UPPER.example", "bad host", "*.", "", "*", "a@x.example"],
)  # fmt: skip

STAY = (
    "https://docs.example/page?a=1#top",
    "https://wiki.example:8443/x",
    "https://de.example/Größe",
    "https://de.example/Gr%C3%B6%C3%9Fe",
    "https://help.example.com",
    "http://help.example.com/a?b=c#d",
    "HTTPS://HELP.example.com/",
    "https://a.kb.example/",
    "https://a.b.kb.example/x",
    "https://upper.example/",
)
GO = (
    "https://docs.example/page?a=1",
    "https://docs.example/page?a=1#top2",
    "https://docs.example/other",
    "https://wiki.example/x",
    "https://wiki.example:8443/y",
    "https://kb.example/",
    "https://evilkb.example/",
    "https://help.example.com.evil.example/",
    "https://evil.example/help.example.com",
    "https://help.example.com:8443/",
    "https://help.example.com:443/",
    "https://user@help.example.com/",
    "https://help.example.com@evil.example/",
    "https://help.example.com\\@evil.example/",
    "https://help.example.com\\.evil.example/",
    "https://help.example.com./",
    "https://help.ex\u0430mple.com/",
    "https://help.example.com\u3002evil.example/",
    "https://help.example%2ecom/",
    "https://evil.example%2f.kb.example/",
    "https://..kb.example/",
    "https://-.kb.example/",
    "https:///help.example.com/",
    "https:help.example.com/",
    "//help.example.com/",
    "help.example.com",
    "ftp://docs.example/file",
    "ftp://help.example.com/",
    "javascript:alert(1)",
    "javascript://help.example.com/%0aalert(1)",
    "data:text/html,https://help.example.com/",
    "mailto:a@help.example.com",
    "https://help.example.com/\nx",
    " https://help.example.com/",
    "https://[::1]/",
    "https://",
    "",
)


@pytest.mark.parametrize("url", STAY)
def test_a_source_or_an_allowed_host_stays(url: str) -> None:
    assert allowed(url)


@pytest.mark.parametrize("url", GO)
def test_everything_else_goes(url: str) -> None:
    assert not allowed(url)


@given(st.text(st.characters()))
def test_any_text_is_judged_calmly(text: str) -> None:
    assert not allowed(text)
    assert not allowed(f"https://{text.replace('example', '')}")


def test_nothing_stays_where_nothing_is_allowed() -> None:
    assert not any(map(link_policy([], []), STAY))
