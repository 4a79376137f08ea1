"""Whatever comes in, a valid document within the limit comes out, the caller's lines whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.jira.adf import JIRA_LIMIT, paragraph, plain_adf, plain_text, to_adf
from app.jira.adf.nodes import size
from tests.jira.adf.documents import MAY_APPEAR, SOUP, is_valid, kinds, length, nodes, words

HEADER = [paragraph("Answer of an AI assistant 🙂", "em")]
FOOTER = [paragraph("Approved by\nMia", "em")]
MORE = {"type": "paragraph", "content": [{"type": "text", "text": "…"}]}


def cut(markdown: str, limit: int) -> list[dict[str, object]]:
    adf = to_adf(
        markdown, link_allowed=lambda _url: True, limit=limit, header=HEADER, footer=FOOTER
    )
    assert is_valid(adf)
    assert length(adf) <= size(adf) <= limit
    assert adf["content"][:1] == HEADER
    assert adf["content"][-1:] == FOOTER
    body: list[dict[str, object]] = adf["content"][1:-1]
    return body


@given(SOUP)
@settings(max_examples=300)
def test_any_text_becomes_a_valid_document(markdown: str) -> None:
    adf = to_adf(markdown, link_allowed=lambda url: len(url) % 2 == 0)
    assert is_valid(adf)
    assert {node["type"] for node in nodes(adf)} <= MAY_APPEAR
    assert size(adf) <= JIRA_LIMIT
    assert all(node["text"] for node in nodes(adf, "text"))
    words(adf).encode()


@given(SOUP, st.integers(min_value=600, max_value=1200))
@settings(max_examples=100)
def test_any_text_is_cut_within_a_small_limit(markdown: str, limit: int) -> None:
    body = cut(markdown * 5, limit)
    whole = to_adf(markdown * 5, link_allowed=lambda _url: True, header=HEADER, footer=FOOTER)
    assert (size(whole) <= limit) == (MORE not in body[-1:]) or whole["content"][-2] == MORE


@given(SOUP, st.integers(min_value=600, max_value=1200))
def test_plain_paragraphs_obey_the_same_limit(text: str, limit: int) -> None:
    adf = plain_adf(text * 20, limit=limit, header=HEADER, footer=FOOTER)
    assert is_valid(adf)
    assert size(adf) <= limit
    assert (adf["content"][0], adf["content"][-1]) == (HEADER[0], FOOTER[0])
    assert {node["type"] for node in nodes(adf)} <= {"doc", "paragraph", "text", "hardBreak"}


def test_what_fits_is_whole_to_the_last_character() -> None:
    adf = to_adf("a\n\nb", link_allowed=bool)
    assert to_adf("a\n\nb", link_allowed=bool, limit=size(adf)) == adf
    assert kinds(to_adf("aaaaaaaaaa " * 40, link_allowed=bool, limit=300)) == [
        *("paragraph", "paragraph")
    ]


@pytest.mark.parametrize("limit", range(900, 1000, 9))
def test_the_cut_falls_between_blocks(limit: int) -> None:
    body = cut("\n\n".join(f"Paragraph number {n}." for n in range(100)), limit)
    assert body[-1] == MORE
    said = [plain_text(block) for block in body[:-1]]
    assert said == [f"Paragraph number {n}." for n in range(len(said))]
    assert len(said) > 3


def test_a_long_list_is_cut_between_items_and_a_table_between_rows() -> None:
    items = plain_text(cut("\n".join(f"- item {n} end" for n in range(200)), 1500)[0]).split("\n")
    assert all(item.endswith("end") for item in items)
    table = cut("| a | b |\n|---|---|\n" + "| x | y |\n" * 200, 1500)[0]
    assert {len(row["content"]) for row in nodes(table, "tableRow")} == {2}
    assert len(nodes(table, "tableRow")) > 2


def test_one_long_paragraph_is_cut_after_a_sentence_or_a_word() -> None:
    sentences = plain_text(cut("This is a sentence. " * 500, 900)[0])
    assert sentences.endswith("sentence.")
    assert plain_text(cut("word " * 500, 900)[0]).endswith("word")
    assert plain_text(cut("これは文です。" * 500, 900)[0]).endswith("。")
    assert len(plain_text(cut("x" * 5000, 900)[0])) > 300


def test_long_code_is_cut_between_lines() -> None:
    code, more = cut("```py\n" + "some_code(1)\n" * 500 + "```\n", 1000)
    assert code["type"] == "codeBlock"
    assert set(plain_text(code).split("\n")) == {"some_code(1)"}
    assert more == MORE


def test_emoji_and_escapes_count_as_jira_would_count_them() -> None:
    assert size({"a": "🙂"}) == length({"a": "🙂"}) + 1
    cut("🙂" * 1000, 900)
    cut('"\\' * 1000, 900)
    cut("👩\u200d👩\u200d👧" * 300, 901)


def test_one_enormous_row_gives_at_least_its_words() -> None:
    body = cut("| a |\n|---|\n| " + "word " * 800 + "|\n", 900)
    assert body[-1] == MORE
    assert len(body) == 2


def test_a_limit_without_room_for_the_callers_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        to_adf("word " * 100, link_allowed=bool, limit=200, header=HEADER, footer=FOOTER)


def test_plain_text_shows_markup_as_it_stands() -> None:
    adf = plain_adf("# **a**\nb\n\n\n  <b>[x](javascript:1)\x00", header=HEADER)
    assert words(adf).endswith("# **a**\nb<b>[x](javascript:1)")
    assert [n.get("marks") for n in nodes(adf, "text")][1:] == [None, None, None]
    assert is_valid(plain_adf(""))


def test_a_line_for_the_head_or_foot_bears_its_marks() -> None:
    line = paragraph(" By\nMia \x00", "em", "strong")
    assert words(line) == "By\nMia"
    assert line["content"][0]["marks"] == [{"type": "em"}, {"type": "strong"}]
