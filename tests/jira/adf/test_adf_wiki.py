"""Jira wiki markup, as webhooks of the older kind carry it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.jira.adf import body_text, to_adf, wiki_mentions, wiki_to_markdown
from tests.jira.adf.documents import nodes


@pytest.mark.parametrize(
    ("wiki", "markdown"),
    [
        ("h1. Head *b*", "# Head **b**"),
        ("h6. Small", "###### Small"),
        ("h7. None", "h7. None"),
        ("*bold* _em_ -del- +ins+ {{mono}}", "**bold** _em_ ~~del~~ ins `mono`"),
        ("*_both_*", "**_both_**"),
        ("snake_case_name a-b-c 2*3*4", "snake_case_name a-b-c 2\\*3\\*4"),
        ("one\ntwo\n\nthree", "one\\\ntwo\n\nthree"),
        ("one\\\\two", "one\\\ntwo"),
        ("not \\*bold\\*", "not \\*bold\\*"),
        ("bq. quoted", "> quoted"),
        ("{quote}a\n\nb{quote}", "> a\n>\n> b"),
        ("{panel:title=Mind|borderStyle=solid}x{panel}", "> **Mind**\n>\n> x"),
        ("----", "---"),
        ("{code:java}\nint *x*;\n{code}", "```java\nint *x*;\n```"),
        ("{code:title=A.java|borderStyle=solid}x{code}", "```\nx\n```"),
        ("{noformat}\n*x* {quote}\n{noformat}", "```\n*x* {quote}\n```"),
        ("{code}\n```\n{code}", "````\n```\n````"),
        ("{code} never closed *b*", "{code} never closed **b**"),
        ("* a\n** b\n* c", "- a\n  - b\n- c"),
        ("# a\n# b\n#* c\n# d", "1. a\n2. b\n   - c\n3. d"),
        ("- a\n- b", "- a\n- b"),
        ("* a\n*** b\n*** c", "- a\n  - b\n  - c"),
        ("* a\nstill a\n* b", "- a\\\n  still a\n- b"),
        ("* a\n# b", "- a\n\n1. b"),
        ("||H||I||\n|a|b|", "| H | I |\n| --- | --- |\n| a | b |"),
        (
            "|a [x|https://x.example/] | {{p|q}} |",
            "| a [x](https://x.example/) | `p\\|q` |\n| --- | --- |",
        ),
        ("[docs|https://x.example/a]", "[docs](https://x.example/a)"),
        ("[https://x.example/a]", "<https://x.example/a>"),
        ("[https://x.example/|https://x.example/|smart-link]", "<https://x.example/>"),
        ("[click|javascript:alert(1)]", "click (javascript:alert(1))"),
        ("see https://x.example/a_b_c-d-e", "see https://x.example/a_b_c-d-e"),
        ("[not a link]", "\\[not a link\\]"),
        ("[^log.txt]", "log.txt"),
        ("!shot.png|thumbnail!", "[attachment]"),
        ('!https://evil.example/p.png|width=5,alt="A chart"!', "A chart"),
        ("Wow! Really! Yes!", "Wow! Really! Yes!"),
        ("[~accountid:5b1:x-y] hi [~mia]", "@5b1:x-y hi @mia"),
        ("{color:red}*x*{color} {color:#ff0000}y{color}", "**x** y"),
        ("a \\{code} b", "a {code} b"),
        ("", ""),
    ],
)
def test_wiki_markup_as_markdown(wiki: str, markdown: str) -> None:
    assert wiki_to_markdown(wiki) == markdown


def test_mentions_in_wiki_markup() -> None:
    wiki = "[~accountid:b] and *[~accountid:a]* and [~accountid:b]\n* [~c]\n{code}[~d]{code}"
    assert wiki_mentions(wiki) == ("b", "a", "c")
    assert wiki_mentions("nobody [a|b]") == ()


def test_wiki_markup_never_loads_an_image_nor_hides_an_address() -> None:
    adf = to_adf(wiki_to_markdown("![x](https://evil.example/p.png) !a.png!"), link_allowed=bool)
    assert {mark["type"] for n in nodes(adf, "text") for mark in n.get("marks", ())} <= {"link"}
    assert "https://evil.example/p.png" in body_text("![x](https://evil.example/p.png) !a.png!")


WIKI = st.lists(
    st.sampled_from(
        [
            *(
                "h1. ",
                "* ",
                "** ",
                "# ",
                "#* ",
                "- ",
                "|",
                "||",
                "bq. ",
                "----\n",
                "\n",
                "\n\n",
                "*",
            ),
            *(
                "_",
                "-",
                "+",
                "{{",
                "}}",
                "{code}",
                "{code:java}",
                "{noformat}",
                "{quote}",
                "{panel}",
            ),
            *(
                "{panel:title=x}",
                "{color:red}",
                "{color}",
                "[",
                "]",
                "|https://x.example]",
                "[~",
                "!",
            ),
            *(
                "a.png!",
                "\\\\",
                "\\",
                "word",
                " ",
                "x y",
                "\x00",
                "\ud800",
                "שלום",
                "🙂",
                "https://a.b/",
            ),
        ]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)


@given(WIKI)
@settings(max_examples=300)
def test_any_text_is_read_and_no_word_is_lost(wiki: str) -> None:
    markdown = wiki_to_markdown(wiki)
    markdown.encode()
    wiki_mentions(wiki)
    # A link shows its words, an image its alt text: their addresses are not told.
    if "[" not in wiki and "!" not in wiki:
        assert body_text(wiki).count("word") == wiki.count("word")


@pytest.mark.parametrize(
    "sign",
    ["{code}", "{quote}", "{panel}", "{{a", "[~a", "[a|", "!a.png", "|", "*a ", "** a\n", "{"],
)
def test_a_megabyte_of_one_sign_is_read(sign: str) -> None:
    assert len(wiki_to_markdown(sign * (1_000_000 // len(sign)))) <= 100_000
