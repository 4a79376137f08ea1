"""Whatever a model writes, what is shown of it loads nothing and links only where it may.

The judge is a parser of its own (``tests/firewall/markdown.py``), not the cleaner's idea of
Markdown. Fragments are joined at random so that every construct meets every other.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.firewall import ReplyCleaner, clean, link_policy
from app.firewall.shown import MAX_HOLD
from tests.firewall.injections import TAKEN_IN
from tests.firewall.markdown import dangers

SOURCE = "https://src.example/doc?a=1&b=2"
allowed = link_policy([SOURCE], ["ok.example", "*.sub.example"])

INLINE = r"""
[ ] ]( ![ ( ) ` `` ``` ```` ~ ~~ ~~~ \ \` \[ \] \! \< ! @ " ' a text é 。 * ** _ # + $ . : / ; & ]:
| |- -| |---| |---|---| < > </b> <b> <!-- --> <? <![CDATA[ <img·src=x> //evil.example https: www.
http://evil.example https://ok.example/a https://src.example/doc?a=1&b=2 www.evil.example
ftp://evil.example slack://evil mailto:a@b.example <https://ok.example> <http://evil.example>
<a@b.example> [x]:·http://evil.example [x]:http://evil.example [x] [] () []( &#91; &lbrack; &excl;
&#104;ttps://evil.example &colon; javascript:alert(1) data:text/html,x ```py ```a|b `a|b` `a`
[a](https://ok.example/x) [a](http://evil.example) [a](<http://evil.example>) [- ](u) [```](u)
![a](http://evil.example) ![a][x] ![~~~](u) ![|---|](u) ![-](u) [~accountid:1]
|smart-link] [a|http://evil.example|smart-link]
"""
BLOCKS = [
    "\n", "\n\n", "\r", "\r\n", " ", "  ", "   ", "    ", "\t", "- ", "> ", ">", "1. ", "10) ",
    "+ ", "# ", "---", "===", "\n```\n", "\n~~~\n", "\n   ```\n", "\n     ```\n", "\n- ```\n",
    "\n> ```\n", "\n>\t```\n", "\n\t```\n", "\n    - ", "\n| a | b |\n|---|---|\n| ", "\x01",
    "\u2028", "\x00",
]  # fmt: skip
fragments = st.sampled_from([piece.replace("·", " ") for piece in INLINE.split()] + BLOCKS)
hostile = st.lists(fragments, max_size=30).map("".join)
# Few different fragments in one text, so that openings and endings meet more often.
focused = st.lists(fragments, min_size=2, max_size=7).flatmap(
    lambda few: st.lists(st.sampled_from([*few, "\n"]), max_size=25).map("".join)
)
texts = st.one_of(hostile, focused, st.text())


@settings(max_examples=200)
@given(text=texts)
@example(text="- ```\n![x](http://evil.example)")
@example(text="> ```\n![x](http://evil.example)")
@example(text="a\n    ```\n    ![x](http://evil.example)")
@example(text="~~~`a|b`\n|---|---|\n![x](http://evil.example) | y")
@example(text="x ` y\n`![x](http://evil.example)`")
@example(text="| a | b |\n|---|---|\n| `x | ![y](http://evil.example)` |")
@example(text="| `a|b` | c |\n|---|---|---|\n| `![y](http://evil.example)` |")
@example(text="| `x|![y](http://evil.example)` |\n|---|---|")
@example(text="\\http://evil.example")
@example(text="![https://ok.example/a](u)[~accountid:1]")
@example(text="[a [b] c](javascript:alert)")
@example(text="[a](\njavascript:alert)")
@example(text="[a](/browse\n'title')")
@example(text="[`]: http://evil.example`\n\n[`]")
@example(text="!![a](u)[b](https://ok.example/)")
@example(text="![a\\ ](u)![b](https://ok.example/)")
@example(text="<[!-- x](http://evil.example) -->")
@example(text="![a<](u)!-- x -->")
@example(text="htt![ps](u)://evil.example")
def test_nothing_loads_and_no_link_leads_astray(text: str) -> None:
    assert dangers(clean(text, allowed), allowed) == []


@settings(max_examples=200)
@given(text=texts, cuts=st.lists(st.integers(1, 9), min_size=1))
@example(text="a\r\nb\r\n\r\nc\r", cuts=[1])
@example(text="![a][x] <a@b.example> &#104;ttp www\\.evil [a|www.x|c]", cuts=[1])
def test_the_cuts_between_deltas_change_nothing(text: str, cuts: list[int]) -> None:
    assert "".join(in_deltas(text, cuts)) == clean(text, allowed)


@settings(max_examples=150)
@given(text=texts, at=st.integers(0, 200))
def test_what_has_been_shown_so_far_is_safe_too(text: str, at: int) -> None:
    shown = in_deltas(text, [1])
    assert dangers("".join(shown[:at]), allowed) == []


@settings(max_examples=100)
@given(text=texts)
def test_what_was_cleaned_stays_safe_when_cleaned_again(text: str) -> None:
    assert dangers(clean(clean(text, allowed), allowed), allowed) == []


@given(text=texts)
def test_where_no_link_may_stay_none_does(text: str) -> None:
    assert dangers(clean(text, lambda _url: False), lambda _url: False) == []


@pytest.mark.parametrize("text", TAKEN_IN)
def test_what_a_model_that_was_taken_in_writes_is_harmless(text: str) -> None:
    assert dangers(text, allowed) or "accountid" in text or "|smart-link" in text
    assert dangers(clean(text, allowed), allowed) == []


LONG = 30_000
ENDLESS = (
    "[", "![", "`", "` ``", "<", "<a", "\\", "&", "&#", "~", "(", "[a](", "[a](b ", "![a][", "> ",
    " ", "\t", ">", "- ", "1", "www.", "http://", "a", "a:", "|", "-", "```", "```\n", "~~~\n ",
    "> ```\n> ", "[`", "`a|b`\n|-", "!", "]", "@", "[a|http://x|", "\n", "é",
    "https://ok.example/(",
)  # fmt: skip


@pytest.mark.parametrize("piece", ENDLESS)
def test_an_endless_opening_flows_on_and_is_safe(piece: str) -> None:
    text = (piece * LONG)[:LONG]
    cleaner = ReplyCleaner(allowed)
    shown = "".join(cleaner.feed(text[at : at + 500]) for at in range(0, LONG - MAX_HOLD, 500))
    assert shown
    shown += cleaner.feed(text[LONG - MAX_HOLD :]) + cleaner.close()
    assert shown == clean(text, allowed)
    assert dangers(clean(text[: 3 * MAX_HOLD], allowed), allowed) == []


@pytest.mark.parametrize("opening", ["[", "![", "`", "<a", "[a](", "https://evil.example/", "```"])
def test_what_is_held_back_is_bounded(opening: str) -> None:
    cleaner = ReplyCleaner(allowed)
    held = 0
    for char in opening + "x" * (3 * MAX_HOLD):
        held = held + 1 if not cleaner.feed(char) else 0
        assert held <= MAX_HOLD + 1


def in_deltas(text: str, sizes: list[int]) -> list[str]:
    cleaner, shown, at, turn = ReplyCleaner(allowed), [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        shown.append(cleaner.feed(text[at : at + size]))
        at, turn = at + size, turn + 1
    return [*shown, cleaner.close()]
