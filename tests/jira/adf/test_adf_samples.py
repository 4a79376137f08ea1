"""What models write: each sample says what a reader of the comment is to find."""

from __future__ import annotations

import pytest

from tests.jira.adf.documents import hrefs, kinds, marked, nodes, only, words, written


def test_a_heading_keeps_its_level_and_its_marks() -> None:
    adf = written("### The *cause*")
    assert only(adf, "heading")["attrs"] == {"level": 3}
    assert marked(adf, "em") == ["cause"]


def test_nested_lists_keep_code_inside_their_items() -> None:
    adf = written(
        "1. Stop it:\n\n   ```bash\n   systemctl stop app\n   ```\n\n2. Then\n   - wait\n"
    )
    outer = only(adf, "orderedList")
    assert [n["type"] for n in outer["content"][0]["content"]] == ["paragraph", "codeBlock"]
    assert [n["type"] for n in outer["content"][1]["content"]] == ["paragraph", "bulletList"]
    assert only(adf, "codeBlock")["attrs"] == {"language": "bash"}
    assert only(adf, "codeBlock")["content"][0]["text"] == "systemctl stop app"


def test_an_ordered_list_starts_where_it_says() -> None:
    assert only(written("7. seven\n8. eight"), "orderedList")["attrs"] == {"order": 7}
    assert only(written("0. zero"), "orderedList")["attrs"] == {"order": 0}
    assert "attrs" not in only(written("1. one"), "orderedList")


def test_a_table_has_header_cells_and_marks_in_cells() -> None:
    adf = written("| Key | What |\n|:--|--:|\n| **A** | [d](https://x.example/) |\n")
    assert [words(cell) for cell in nodes(adf, "tableHeader")] == ["Key", "What"]
    assert marked(adf, "strong") == ["A"]
    assert hrefs(adf) == ["https://x.example/"]


def test_pipes_in_code_stay_in_their_cell() -> None:
    adf = written("| Command | Note |\n|---|---|\n| `a \\| b` | pipes \\| here |\n")
    assert [words(cell) for cell in nodes(adf, "tableCell")] == ["a | b", "pipes | here"]
    assert marked(adf, "code") == ["a | b"]


def test_a_line_break_in_a_cell_is_one_and_elsewhere_html_is_text() -> None:
    adf = written("Use <br> there\n\n| a |\n|---|\n| x<br/>y `<br>` |\n")
    assert len(nodes(adf, "hardBreak")) == 1
    assert words(adf).startswith("Use <br> there")
    assert marked(adf, "code") == ["<br>"]


def test_short_and_long_rows_become_as_wide_as_the_head() -> None:
    adf = written("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |\n")
    assert {len(row["content"]) for row in nodes(adf, "tableRow")} == {2}


def test_an_unclosed_fence_is_code_to_the_end() -> None:
    adf = written("Try:\n\n```python\nprint('**hi**')\n\n# not a heading")
    assert kinds(adf) == ["paragraph", "codeBlock"]
    assert words(only(adf, "codeBlock")) == "print('**hi**')\n\n# not a heading"
    assert marked(adf, "strong") == []


def test_a_fence_within_a_longer_fence_is_its_text() -> None:
    assert words(written("````md\n```js\nx\n```\n````")) == "```js\nx\n```"


def test_indented_code_is_code_and_a_strange_language_is_dropped() -> None:
    assert "attrs" not in only(written("    x = 1\n"), "codeBlock")
    assert "attrs" not in only(written("```<script>\nx\n```"), "codeBlock")
    assert only(written("```c++ title=x\nx\n```"), "codeBlock")["attrs"] == {"language": "c++"}
    assert only(written("```\n```"), "codeBlock")["content"] == []


def test_a_heading_in_a_list_is_a_strong_paragraph() -> None:
    adf = written("- ## Step `one`\n  do it\n")
    assert nodes(adf, "heading") == []
    assert marked(adf, "strong") == ["Step "]
    assert marked(adf, "code") == ["one"]


def test_a_table_in_a_list_keeps_its_words() -> None:
    adf = written("- see\n\n  | a | b |\n  |---|---|\n  | 1 | **2** |\n")
    assert nodes(adf, "table") == []
    assert "a | b" in words(adf)
    assert marked(adf, "strong") == ["2"]


def test_a_quote_holds_lists_and_code_but_no_quote() -> None:
    adf = written("> said\n>\n> > deeper\n>\n> - item\n>\n> ```\n> code\n> ```\n")
    quote = only(adf, "blockquote")
    assert [n["type"] for n in quote["content"]] == [
        *("paragraph", "paragraph", "bulletList", "codeBlock")
    ]


def test_a_quote_turns_headings_tables_tasks_and_rules_into_what_it_may_hold() -> None:
    adf = written("> # Head\n>\n> ---\n>\n> | a |\n> |---|\n>\n> - [x] done\n>   - [ ] open\n")
    assert set(kinds(only(adf, "blockquote"))) == {"paragraph", "bulletList"}
    assert words(adf) == "Heada[x] done[ ] open"


def test_a_quote_in_a_list_item_is_its_words() -> None:
    adf = written("- item\n  > quoted\n")
    assert nodes(adf, "blockquote") == []
    assert words(adf) == "itemquoted"


def test_a_link_with_parentheses_is_whole() -> None:
    adf = written("[Jira](https://en.example/wiki/Jira_(software)) and https://en.example/a_(b).")
    assert hrefs(adf) == [
        *("https://en.example/wiki/Jira_(software)", "https://en.example/a_(b)"),
    ]


def test_bare_addresses_are_links_without_the_punctuation_around_them() -> None:
    adf = written("See https://a.example/x, (https://b.example/) 及び https://c.example/d。")
    assert hrefs(adf) == ["https://a.example/x", "https://b.example/", "https://c.example/d"]
    assert words(adf) == "See https://a.example/x, (https://b.example/) 及び https://c.example/d。"


def test_references_become_links_and_footnotes_stay_text() -> None:
    adf = written("See [docs][1] and this[^1].\n\n[1]: https://x.example/\n[^1]: Noted\n")
    assert hrefs(adf) == ["https://x.example/"]
    assert "this[^1]." in words(adf)
    assert "[^1]: Noted" in words(adf)


def test_code_in_a_link_keeps_both_marks_and_in_bold_only_code() -> None:
    adf = written("**[`a`](https://x.example/) `b`**")
    first, *_rest, last = nodes(adf, "text")
    assert [m["type"] for m in first["marks"]] == ["code", "link"]
    assert [m["type"] for m in last["marks"]] == ["code"]


def test_an_image_is_its_alt_text_and_never_its_address() -> None:
    adf = written("![a *chart*](https://evil.example/p.png?q=secret) ![](https://evil.example/)")
    assert words(adf).strip() == "a chart"
    assert hrefs(adf) == []


def test_an_image_that_is_a_link_is_a_link_with_its_words() -> None:
    adf = written("[![build](https://x.example/b.svg)](https://x.example/ci)")
    assert (words(adf), hrefs(adf)) == ("build", ["https://x.example/ci"])


def test_html_is_text() -> None:
    adf = written("<details><summary>More</summary>\n\n<b>bold</b> <!-- note -->\n\n</details>")
    assert words(adf) == "<details><summary>More</summary><b>bold</b> <!-- note --></details>"


def test_latex_survives_but_for_escaped_brackets() -> None:
    adf = written("$\\frac{a}{b}$ and $$E = mc^2$$ and $x_1 + y_1$")
    assert words(adf) == "$\\frac{a}{b}$ and $$E = mc^2$$ and $x_1 + y_1$"
    assert marked(adf, "em") == []


def test_a_task_list_has_states_and_ids_that_are_its_own() -> None:
    adf = written("- [x] done\n- [ ] open **now**\n  - [ ] below\n")
    assert [n["attrs"]["state"] for n in nodes(adf, "taskItem")] == ["DONE", "TODO", "TODO"]
    ids = [n["attrs"]["localId"] for n in nodes(adf, "taskItem", "taskList")]
    assert len(set(ids)) == len(ids)
    assert adf == written("- [x] done\n- [ ] open **now**\n  - [ ] below\n")
    assert ids[0] != nodes(written("- [x] else\n"), "taskList")[0]["attrs"]["localId"]


def test_tasks_mixed_with_bullets_are_lists_side_by_side() -> None:
    adf = written("- plain\n- [ ] task\n- [X] done\n- plain again\n")
    assert kinds(adf) == ["bulletList", "taskList", "bulletList"]
    assert len(nodes(adf, "taskItem")) == 2


def test_a_task_with_code_below_is_a_bullet_with_its_box_in_text() -> None:
    adf = written("- [ ] run\n\n  ```\n  x\n  ```\n- [ ] then\n")
    assert words(only(adf, "bulletList")) == "[ ] runx"
    assert words(only(adf, "taskList")) == "then"


def test_a_task_without_words_keeps_its_box() -> None:
    adf = written("- [ ] ![](x)\n  - [x] below\n- [ ] ![](x)\n")
    assert words(only(adf, "taskList")) == "below"
    assert words(adf) == "[ ] below[ ] "


def test_a_box_that_is_a_link_or_escaped_is_none() -> None:
    adf = written("- [x] see\n- \\[ ] so\n\n[x]: https://x.example/\n")
    assert nodes(adf, "taskItem") == []
    assert (words(adf), marked(adf, "link")) == ("x see[ ] so", ["x"])


def test_numbered_tasks_keep_their_numbers() -> None:
    adf = written("1. [ ] first\n2. [x] second\n")
    assert words(only(adf, "orderedList")) == "[ ] first[x] second"


def test_soft_line_ends_are_spaces_and_hard_ones_are_breaks() -> None:
    assert words(written("one\ntwo  \nthree\\\nfour")) == "one two\nthree\nfour"


def test_strike_emphasis_and_strong_combine() -> None:
    adf = written("~~gone~~ ***both*** **a __b__**")
    assert marked(adf, "strike") == ["gone"]
    assert marked(adf, "em") == ["both"]
    assert marked(adf, "strong") == ["both", "a b"]


@pytest.mark.parametrize(
    "text",
    [
        "这是一个**重要**的说明:请重启服务。",
        "שלום עולם, זה **חשוב** מאוד",
        "مرحبا بالعالم - `code` هنا",
        "👩\u200d👩\u200d👧 and 🇩🇪 and e\u0301",
    ],
)
def test_every_script_arrives_unchanged(text: str) -> None:
    assert words(written(text)) == text.replace("**", "").replace("`", "")


def test_broken_emphasis_and_brackets_are_text() -> None:
    assert words(written("**bold and [link](https://x and *star")) == (
        "**bold and [link](https://x and *star"
    )


def test_rules_stand_between_paragraphs() -> None:
    assert kinds(written("a\n\n---\n\nb")) == ["paragraph", "rule", "paragraph"]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\x00\x07", "![](x)", "[a]: https://x.example/"])
def test_nothing_to_say_is_one_empty_paragraph(text: str) -> None:
    assert written(text)["content"] == [{"type": "paragraph", "content": []}]


def test_control_characters_and_lone_surrogates_are_gone() -> None:
    adf = written("a\x00b\x1bc\ud800d\ufffee `x\x07y`\n\n```\nz\udc00\x00z\n```\n&#1;&#xD800;")
    assert words(adf).startswith("abcde xyzz")
    words(adf).encode()


def test_lists_deeper_than_eight_are_flattened_and_lose_no_word() -> None:
    adf = written("\n".join(f"{'  ' * n}- level{n}" for n in range(40)))
    assert len(nodes(adf, "bulletList")) == 8
    assert all(f"level{n}" in words(adf) for n in range(40))


@pytest.mark.parametrize("sign", [">", "> ", "[", "![", "- ", "*a ", "`", "(", "<", "> - ", "1. "])
def test_ten_thousand_openings_neither_recurse_nor_break(sign: str) -> None:
    written(sign * 10_000)


def test_a_megabyte_is_read_in_part_and_says_so() -> None:
    adf = written("word " * 200_000)
    assert words(adf).endswith("…")
    assert words(written("first" + " \n" * 70_000 + "last")) == "first…"
