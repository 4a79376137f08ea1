"""A link mark only for http(s) and mailto, and only for what the caller allows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jira.adf import to_adf
from tests.jira.adf.documents import SOUP, hrefs, is_valid, words, written

FORBIDDEN = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "java\x00script:alert(1)",
    "\x01javascript:alert(1)",
    "&#106;avascript:alert(1)",
    "java&Tab;script:alert(1)",
    "javascript&colon;alert(1)",
    "%6aavascript:alert(1)",
    "data:text/html,<script>x</script>",
    "data:image/png;base64,AAAA",
    "VBScript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "/rest/api/3/myself",
    "#top",
    "ftp://x.example/",
    "https:evil.example",
    "https:///evil.example",
    "http://",
    "https://good.example@evil.example/",
    "https://good.example\\@evil.example/",
    "https://[::1",
    "https://x.example/\u202egnp",
]


@pytest.mark.parametrize("url", FORBIDDEN)
@pytest.mark.parametrize(
    "form", ["[words]({})", "[words](<{}>)", "<{}>", "[words][r]\n\n[r]: {}", "{}", "[r]: <{}>"]
)
def test_a_forbidden_address_is_never_a_link(form: str, url: str) -> None:
    for href in hrefs(written(form.format(url))):
        # What is left may be a right-to-left override spelled out in percent signs.
        assert re.fullmatch(r"https?://x\.example/[%\w]*", href)


def test_a_refused_link_is_its_words_with_the_address_behind() -> None:
    adf = written("Read [the **docs**](https://evil.example/a) now", links=False)
    assert words(adf) == "Read the docs (https://evil.example/a) now"
    assert hrefs(adf) == []


def test_a_refused_address_alone_is_not_said_twice() -> None:
    text = "<https://evil.example/a> https://evil.example/b <me@evil.example> [](https://c.example)"
    assert words(written(text, links=False)) == (
        "https://evil.example/a https://evil.example/b me@evil.example https://c.example"
    )


def test_a_script_address_is_shown_as_it_was_written() -> None:
    assert words(written("[click](javascript:alert(1))")) == "click (javascript:alert(1))"


def test_mail_addresses_and_both_web_schemes_may_be_links() -> None:
    adf = written("<a@x.example> [b](mailto:b@x.example) [c](HTTP://x.example) [d](https://x.ex)")
    assert hrefs(adf) == [
        *("mailto:a@x.example", "mailto:b@x.example", "HTTP://x.example", "https://x.ex")
    ]


def test_the_caller_decides_by_the_very_address_that_is_linked() -> None:
    asked: list[str] = []

    def allowed(url: str) -> bool:
        asked.append(url)
        return "good" in url

    adf = to_adf(
        "[a](https://good.example/ü) [b](https://bad.example/) https://good.example/c.",
        link_allowed=allowed,
    )
    assert hrefs(adf) == ["https://good.example/%C3%BC", "https://good.example/c"]
    assert set(hrefs(adf)) <= set(asked)


@given(SOUP, st.sampled_from(FORBIDDEN), st.sampled_from(["[a]({})", "<{}>", "[a]: {}\n\n[a]"]))
def test_no_text_around_it_makes_a_forbidden_address_a_link(soup: str, url: str, form: str) -> None:
    adf = to_adf(soup + form.format(url) + soup, link_allowed=lambda _url: True)
    assert is_valid(adf)
    for href in hrefs(adf):
        assert re.match(r"(https?://|mailto:)[!-~]+\Z", href, re.IGNORECASE)
        assert not re.match(r"https?://[^/?#]*@", href, re.IGNORECASE)
