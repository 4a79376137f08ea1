"""What people write in Jira's editor reaches the model as Markdown with the same words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.jira.adf import body_mentions, body_text, body_to_markdown, mentions, plain_text, to_adf
from app.jira.adf.read import to_markdown
from tests.jira.adf.documents import SOUP, marked, nodes, only, words

Node = dict[str, Any]


def text(value: str, *marks: str, href: str | None = None) -> Node:
    found: list[Node] = [{"type": mark} for mark in marks]
    if href is not None:
        found.append({"type": "link", "attrs": {"href": href}})
    return {"type": "text", "text": value, "marks": found}


def node(kind: str, *content: Any, **attrs: Any) -> Node:
    return {"type": kind, "attrs": attrs, "content": list(content)}


def leaf(kind: str, **attrs: Any) -> Node:
    return {"type": kind, "attrs": attrs}


def p(*content: Any) -> Node:
    return node("paragraph", *(text(c) if isinstance(c, str) else c for c in content))


def doc(*content: Any) -> Node:
    return {"type": "doc", "version": 1, "content": list(content)}


def md(*content: Any) -> str:
    return to_markdown(doc(*content))


def read_back(markdown: str) -> Node:
    return to_adf(markdown, link_allowed=lambda _url: True, limit=10**7)


@pytest.mark.parametrize(
    ("inline", "markdown"),
    [
        (leaf("mention", id="5b1", text="@Mia Wong"), "@Mia Wong"),
        (leaf("mention", id="5b1"), "@5b1"),
        (leaf("emoji", shortName=":tada:", text="🎉"), "🎉"),
        (leaf("emoji", shortName=":atlassian:", id="atlassian-x"), ":atlassian:"),
        (leaf("date", timestamp="1700000000000"), "2023-11-14"),
        (leaf("date", timestamp="soon"), "soon"),
        (leaf("date", timestamp="9" * 30), "9" * 30),
        (leaf("inlineCard", url="https://x.example/browse/A-1"), "https://x.example/browse/A-1"),
        (leaf("inlineCard", data={"@id": "https://x.example/"}), "https://x.example/"),
        (leaf("status", text="IN PROGRESS", color="blue"), "IN PROGRESS"),
        (leaf("placeholder", text="type here"), "type here"),
        (leaf("mediaInline", id="1", collection="c"), "[attachment]"),
        (leaf("mediaInline", id="1", collection="c", alt="log.txt"), "log.txt"),
        (leaf("inlineExtension", extensionKey="k", text="said"), "said"),
        (leaf("somethingNew", text="said"), "said"),
        (node("somethingNew", text("said")), "said"),
        (text("b", "strong"), "**b**"),
        (text("b", "em", "strike"), "_~~b~~_"),
        (text("a`b", "code"), "``a`b``"),
        (text("`", "code"), "`` ` ``"),
        (text("docs", href="https://x.example/a(b"), "[docs](https://x.example/a%28b)"),
        (text("https://x.example/", href="https://x.example/"), "<https://x.example/>"),
        (text("click", href="javascript:alert(1)"), "click (javascript:alert(1))"),
        (text("plain", "underline", "somethingNew"), "plain"),
    ],
)
def test_an_inline_node_as_markdown(inline: Node, markdown: str) -> None:
    assert md(p(inline)) == markdown


def test_blocks_as_markdown() -> None:
    assert md(node("heading", text("Head"), level=2)) == "## Head"
    assert md(p("a"), leaf("rule"), p("b")) == "a\n\n---\n\nb"
    assert md(p("a", leaf("hardBreak"), "b")) == "a\\\nb"
    assert md(node("blockquote", p("a"), p("b"))) == "> a\n>\n> b"
    assert md(node("panel", p("careful"), panelType="warning")) == "> careful"
    assert md(node("expand", p("inside"), title="More *here*")) == "**More \\*here\\***\n\ninside"
    assert md(node("nestedExpand", p("inside"))) == "inside"
    assert md(leaf("blockCard", url="https://x.example/")) == "https://x.example/"
    assert md(
        node("layoutSection", node("layoutColumn", p("a")), node("layoutColumn", p("b")))
    ) == ("a\n\nb")
    assert md(leaf("extension", extensionKey="k", text="said")) == "said"
    assert md(node("bodiedExtension", p("said"), extensionKey="k")) == "said"
    assert md(node("somethingNew", node("alsoNew", p("said")))) == "said"


def test_media_never_load_an_image() -> None:
    media = leaf("media", type="external", url="https://evil.example/p.png")
    assert md(node("mediaSingle", media)) == "[attachment]"
    named = leaf("media", type="file", id="1", alt="![x](https://evil.example/)")
    assert words(read_back(md(node("mediaGroup", named)))) == "![x](https://evil.example/)"
    caption = node("caption", text("What it shows"))
    assert md(node("mediaSingle", media, caption)) == "[attachment]\n\nWhat it shows"


def test_lists_as_markdown() -> None:
    inner = node("bulletList", node("listItem", p("in")))
    assert md(node("bulletList", node("listItem", p("a"), inner), node("listItem", p("b")))) == (
        "- a\n  - in\n- b"
    )
    assert md(node("orderedList", node("listItem", p("a")), node("listItem", p("b")), order=9)) == (
        "9. a\n10. b"
    )
    below = node("taskList", node("taskItem", text("c"), state="TODO"))
    assert md(node("taskList", node("taskItem", text("a"), state="DONE"), below)) == (
        "- [x] a\n  - [ ] c"
    )
    assert (
        md(node("decisionList", node("decisionItem", text("We go"), state="DECIDED"))) == "- We go"
    )
    block = node("blockTaskItem", p("a"), state="TODO")
    assert md(node("taskList", block)) == "- [ ] a"


def test_a_table_as_markdown() -> None:
    head = node("tableRow", node("tableHeader", p("a|b")), node("tableHeader", p("c")))
    code = node("codeBlock", text("x = 1\ny|z"))
    row = node("tableRow", node("tableCell", p("1"), p("2")), node("tableCell", code))
    markdown = md(node("table", head, row, node("tableRow")))
    assert markdown == ("| a\\|b | c |\n| --- | --- |\n| 1<br>2 | `x = 1`<br>`y\\|z` |\n|  |")
    assert [words(cell) for cell in nodes(read_back(markdown), "tableCell")][:2] == [
        *("1\n2", "x = 1\ny|z")
    ]


def test_a_span_of_a_million_columns_costs_nothing() -> None:
    cell = node("tableCell", p("x"), colspan=10**6, rowspan=10**6)
    assert md(node("table", node("tableRow", cell))) == "| x |\n| --- |"


@pytest.mark.parametrize("code", ["```", "a\n```\nb", "`" * 20, "~~~\n```js", "", "\n", "    x"])
def test_nothing_breaks_out_of_a_code_block(code: str) -> None:
    adf = read_back(md(node("codeBlock", text(code), language="js` x\n")) + "\n\nafter")
    assert [n["type"] for n in adf["content"]] == ["codeBlock", "paragraph"]
    assert words(only(adf, "codeBlock")) == code


@pytest.mark.parametrize(
    "said",
    [
        *("# no heading", "- no list", "+ no list", "* no list", "1. no list", "12) no list"),
        *("> no quote", "---", "===", "```", "~~~", "    no code", "| a | b |", "***", "_x_"),
        *("[a](b)", "![a](b)", "[a]: https://x.example", "<b>", "<https://x.example>", "&amp;"),
        *("a\\", "\\*", "snake_case_name", "2 * 3 * 4", "~5 ~~6~~", "`x`", "R&D", "[ ] no task"),
        *("C:\\path\\*.txt", "a<b>c", "# #", "https://x.example/a_b?c=d&e=f", "!", "1986\\. x"),
    ],
)
def test_signs_that_people_write_mean_nothing_but_themselves(said: str) -> None:
    for document in (
        p(said),
        p("a", leaf("hardBreak"), said),
        node("bulletList", node("listItem", p(said))),
    ):
        adf = read_back(md(document))
        assert words(adf).removeprefix("a\n") == said.strip()
        assert marked(adf, "strong") + marked(adf, "em") + marked(adf, "code") == []
    assert words(read_back(md(node("heading", text(said), level=1)))) == said.strip()


def test_ordinary_words_are_not_littered_with_backslashes() -> None:
    said = "Hi! It's R&D (see snake_case, a-b, 3 < 4 > 2, x = y, ~5 min) - done. #1, C#: 50%"
    assert md(p(said)) == said


def test_a_mark_that_markdown_cannot_show_is_dropped_and_no_word_changes() -> None:
    assert md(p(text("(a)", "strong"), "b")) == "(a)b"
    assert md(p(text(" a ", "strong"), "b")) == "**a** b"
    assert md(p("b", text("a", "em"), "c")) == "bac"


def test_equal_marks_over_several_nodes_are_one() -> None:
    assert md(p(text("a ", "strong"), text("b", "strong", "em"), text(" c", "strong"))) == (
        "**a _b_ c**"
    )


INLINE = st.one_of(
    st.builds(
        text,
        st.text(st.sampled_from(" abÄ日*_~`[]()<>!#&;:|\\.-+=\n1"), min_size=1, max_size=12),
        st.sampled_from(["strong", "em", "strike", "code", "underline"]),
        st.sampled_from(["strong", "em", "strike"]),
        href=st.none() | st.sampled_from(["https://x.example/a_(b)*", "javascript:x"]),
    ),
    st.builds(text, SOUP.filter(bool)),
    st.builds(leaf, st.just("hardBreak")),
    st.builds(leaf, st.just("mention"), id=st.just("1"), text=st.text(max_size=5)),
    st.builds(leaf, st.just("mediaInline"), id=st.just("1")),
    st.builds(leaf, st.just("newThing"), text=st.text(max_size=5)),
)
PARAGRAPH = st.lists(INLINE, max_size=5).map(lambda found: p(*found))
CODE = st.builds(lambda code: node("codeBlock", text(code)), st.text(min_size=1, max_size=20))
BLOCK = st.recursive(
    PARAGRAPH | CODE,
    lambda inner: (
        st.builds(
            lambda kind, items: node(kind, *items),
            st.sampled_from(["blockquote", "panel", "expand", "newThing"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(
            lambda kind, items: node(kind, *(node("listItem", *item) for item in items)),
            st.sampled_from(["bulletList", "orderedList"]),
            st.lists(st.lists(inner, min_size=1, max_size=2), min_size=1, max_size=3),
        )
    ),
    max_leaves=6,
)


def letters(said: str) -> str:
    return "".join(said.split())


@given(st.lists(BLOCK, max_size=4))
@settings(max_examples=150)
def test_every_word_of_a_document_survives_the_way_there_and_back(blocks: list[Node]) -> None:
    document = doc(*blocks)
    told = letters(words(read_back(to_markdown(document))))
    # A link that is none shows its address; numbers and signs of lists are no text.
    assert told.replace("(javascript:x)", "") == letters(plain_text(document))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "attrs", "text", "marks", "timestamp", "id", "url"]
            ),
            inner
            | st.sampled_from(
                [
                    *("doc", "paragraph", "text", "table", "tableRow", "tableCell", "taskList"),
                    *("heading", "orderedList", "mention", "date", "codeBlock", "link", "media"),
                ]
            ),
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON_VALUES)
@example({"type": ["x"], "content": [{"type": {}, "attrs": [], "marks": "x", "text": 5}, None]})
@settings(max_examples=300)
def test_no_json_makes_reading_raise(value: object) -> None:
    for wrapped in (
        value,
        {"type": "doc", "content": [value, {"type": "panel", "content": value}]},
    ):
        assert isinstance(to_markdown(wrapped), str)
        assert isinstance(plain_text(wrapped), str)
        assert all(isinstance(account, str) for account in mentions(wrapped))
        body_to_markdown(wrapped)
        body_mentions(wrapped)


@pytest.mark.parametrize(
    "kind", ["blockquote", "bulletList", "table", "taskList", "new", "paragraph", "expand"]
)
def test_a_document_nested_a_thousand_deep_gives_its_words(kind: str) -> None:
    document = text("deep")
    for _ in range(1000):
        document = {"type": kind, "content": [document]}
    assert "deep" in to_markdown(document)
    assert plain_text(document) == "deep"


def test_a_huge_document_is_cut_and_leaves_no_fence_open() -> None:
    assert len(to_markdown(doc(*[p("word " * 100)] * 1000))) <= 100_000
    markdown = to_markdown(doc(p("x" * 90_000), node("codeBlock", text("`*\n" * 50_000))))
    assert len(markdown) <= 100_000
    assert "\n```" not in markdown
    assert len(plain_text(doc(*[p("word " * 100)] * 1000))) <= 100_000


def test_mentions_come_in_order_and_once() -> None:
    def who(account: object) -> Node:
        return leaf("mention", id=account, text="@x")

    table = node("table", node("tableRow", node("tableCell", p(who("b")))))
    document = doc(p(who("c"), who("a")), table, p(who("c"), who(None), who(""), leaf("mention")))
    assert mentions(document) == ("c", "a", "b")
    assert mentions(None) == mentions("[~a]") == ()


def test_plain_text_is_a_line_for_each_block() -> None:
    document = doc(
        p("a ", leaf("mention", id="1", text="@Mia"), leaf("hardBreak"), "b"),
        node("bulletList", node("listItem", p("c")), node("listItem", p("d"))),
        node("expand", p("e"), title="Title"),
    )
    assert plain_text(document) == "a @Mia\nb\nc\nd\nTitle\ne"
    assert plain_text(json.loads("[1, null]")) == ""


def test_a_body_is_adf_or_wiki_markup_or_nothing() -> None:
    assert body_to_markdown(doc(p(text("a", "strong")))) == "**a**"
    assert body_to_markdown("*a* [~accountid:5b1]") == "**a** @5b1"
    assert body_mentions("[~accountid:5b1]") == ("5b1",)
    assert body_mentions(doc(p(leaf("mention", id="5b1")))) == ("5b1",)
    assert body_text("h1. *a*\nb") == "a\nb"
    for nothing in (None, 5, [doc(p("a"))], True):
        assert (body_to_markdown(nothing), body_mentions(nothing), body_text(nothing)) == (
            "",
            (),
            "",
        )
