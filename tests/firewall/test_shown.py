"""A usual answer passes unchanged; what may not be shown is changed as little as can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.firewall import ReplyCleaner, clean, link_policy
from app.firewall.junction import INVISIBLE
from tests.firewall.markdown import parser

allowed = link_policy(
    ["https://docs.example/vpn#reset", "https://kb.example/a_(b)"], ["help.example.com"]
)

# Answers as models write them, each behind a line of five equals signs.
ANSWERS = (Path(__file__).parent / "answers.md").read_text().removesuffix("\n").split("\n=====\n")


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_usual_answer_passes_unchanged(answer: str) -> None:
    assert clean(answer, allowed) == answer


@pytest.mark.parametrize("answer", ANSWERS)
def test_it_flows_while_it_streams(answer: str) -> None:
    cleaner = ReplyCleaner(allowed)
    assert "".join(map(cleaner.feed, answer)) + cleaner.close() == answer


CHANGED = (
    ("![alt](https://evil.example/p.png)", "alt"),
    ("see ![the diagram](x.png 'title') now", "see the diagram now"),
    ("![alt][ref] here", "alt here"),
    ("![alt][]", "alt"),
    ("[text](https://evil.example/a)", "text (`https://evil.example/a`)"),
    ("[https://evil.example](https://evil.example)", "`https://evil.example`"),
    ("[text](javascript:alert(1))", "text (`javascript:alert(1)`)"),
    ("[text](JAVA&Tab;script:alert)", "text (`JAVA%09script:alert`)"),
    ("[a](/browse/OPS-1)", "a (`/browse/OPS-1`)"),
    ("[write](mailto:a@b.example)", "write (`a@b.example`)"),
    ("go to https://evil.example/a.", "go to `https://evil.example/a`."),
    ("(www.evil.example)", "(`www.evil.example`)"),
    ("**https://evil.example**", "**`https://evil.example`**"),
    ("<https://evil.example>", "`https://evil.example`"),
    ("<data:text/html,x>", "`data:text/html,x`"),
    ('[ok](https://help.example.com/a "a title")', "[ok](https://help.example.com/a)"),
    ("[ok](<https://help.example.com/a>)", "[ok](https://help.example.com/a)"),
    ("[ok](https://help.example.com/?a=1&amp;b=2)", "[ok](https://help.example.com/?a=1&b=2)"),
    ("[ok](https://help.example.com/größe)", "[ok](https://help.example.com/gr%C3%B6%C3%9Fe)"),
    ("[x](https://help.example.com@evil.example)", "x (`https://help.example.com@evil.example`)"),
    ("[x]: https://evil.example", "\\[x\\]: `https://evil.example`"),
    ("text [a]: b", "text [a\\]: b"),
    ("a <b>bold</b> <!-- c --> <?x?> <!DOCTYPE html>",
     "a \\<b>bold\\</b> \\<!-- c --> \\<?x?> \\<!DOCTYPE html>"),
    ("hi [~accountid:123]", f"hi [{INVISIBLE}~accountid:123]"),
    ("hi @[Ada]", f"hi @{INVISIBLE}[Ada]"),
    ("see [doc|https://evil.example|smart-link]", "see doc (`https://evil.example`)"),
    ("see [doc|https://help.example.com/a|smart-link]", "see doc (<https://help.example.com/a>)"),
    ('{"type":"mention","attrs":{"id":"1"}}', '{"type":"mention","attrs":{"id":"1"}}'),
    ("an `unclosed span", "an \\`unclosed span"),
    ("&#104;ttps", "\\&#104;ttps"),
    ("https\\://evil.example", "`https://evil.example`"),
    ("a\x00b\x1b[0m\u202fc", "ab[0m\u202fc"),
    ("a\r\nb\rc", "a\nb\nc"),
    ("- ```sh\n  ls\n  ```\nend", f"- {INVISIBLE}\n  ```sh\n  ls\n  ```\nend"),
    ("1. a\n   - b\n     ```\n     code\n       more\n     ```\n",
     "1. a\n   - b\n   ```\n   code\n     more\n   ```\n"),
    ("- ```\n![x](y)", f"- {INVISIBLE}\n  ```\n  ![x](y)"),
)  # fmt: skip


@pytest.mark.parametrize(("written", "shown"), CHANGED)
def test_what_may_not_be_shown_is_written_plainly(written: str, shown: str) -> None:
    assert clean(written, allowed) == shown


CODE = (
    "`![alt](https://evil.example)`",
    "``a ` <b>`` and `https://evil.example`",
    "```\n![alt](https://evil.example)\n<script>\n[x]: y\n",
    "~~~ md\n```\n![alt](u)\n```\n~~~\n",
    "````\n```\n<b>\n```\n````\n",
    "```\nunclosed\n[~accountid:1] `",
)


@pytest.mark.parametrize("text", CODE)
def test_code_is_text_already_and_stays_as_it_is(text: str) -> None:
    assert clean(text, allowed) == text


def test_what_follows_a_closed_fence_is_cleaned_again() -> None:
    assert clean("```\n<b>\n```\n<b>", allowed) == "```\n<b>\n```\n\\<b>"
    assert clean("> ```\n> <b>\n<b>", allowed) == "> ```\n> <b>\n\\<b>"


def test_a_reader_sees_the_words_of_an_escaped_tag() -> None:
    html = parser().render(clean("Press <kbd>Ctrl</kbd> or [~accountid:7]: now", allowed))
    assert html == (f"<p>Press &lt;kbd&gt;Ctrl&lt;/kbd&gt; or [{INVISIBLE}~accountid:7]: now</p>\n")


def test_words_are_shown_as_soon_as_they_are_whole() -> None:
    cleaner = ReplyCleaner(allowed)
    assert cleaner.feed("Hello wor") == "Hello "
    assert cleaner.feed("ld, se") == "world, "
    assert cleaner.feed("e [the guide](https://help.exa") == "see "
    assert cleaner.feed("mple.com/a) and") == "[the guide](https://help.example.com/a) "
    assert cleaner.close() == "and"
