"""English and Spanish: nothing that a person reads is missing, stale, or put together by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from app import i18n
from app.errors import Conflict, Invalid
from app.i18n import listed, said, t
from app.turns.attribution import attribution
from app.turns.outcomes import CAUSES
from app.turns.texts import HAND_OFF, hand_off
from tests.support import translations
from tests.support.translations import (
    ROOT,
    faults,
    javascript_texts,
    marked,
    named,
    python_texts,
    read,
    texts,
)

OTHERS = [language for language in i18n.LANGUAGES if language != i18n.ENGLISH]
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
NO_WORDS = {"sk-…", "https://api.openai.com/v1"}
"""Examples in fields that are the same in every language."""


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    return texts()


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_its_translation_and_no_translation_is_stale(
    language: str, wanted: dict[str, str]
) -> None:
    assert list(faults(wanted, read(language))) == []


def test_what_is_wrong_with_a_catalogue_is_told() -> None:
    catalogue = Catalog(locale="es")
    catalogue.add("Hello {name}", "Hola {nombre}")
    catalogue.add("Old", "Viejo")
    catalogue.add("Empty", "")
    catalogue.add("Unsure", "Inseguro", flags=["fuzzy"])
    wanted = dict.fromkeys(("Hello {name}", "Empty", "Unsure", "Forgotten"), "here.py")

    assert sorted(faults(wanted, catalogue)) == [
        "es: fuzzy: 'Unsure'",
        "es: missing, of here.py: 'Empty'",
        "es: missing, of here.py: 'Forgotten'",
        "es: no longer used: 'Old'",
        "es: other holes than in 'Hello {name}'",
    ]


@pytest.mark.parametrize("where", ["app/turns/outcomes.py", "static/js/chat/item.js",
                                   "static/js/admin/health.js", "templates/panel.html",
                                   "templates/admin.html", "app/web/pages.py"])  # fmt: skip
def test_texts_are_found_everywhere(where: str, wanted: dict[str, str]) -> None:
    assert where in wanted.values()


def test_texts_of_python_are_found() -> None:
    source = 'A = t("One {n}", n=1)\nraise Invalid(t("Two"\n  " parts"))\nother("no")'
    assert list(python_texts(source)) == ["One {n}", "Two parts"]
    with pytest.raises(SystemExit, match=r"x\.py:1: t"):
        list(python_texts("t(text)", "x.py"))


def test_texts_of_javascript_are_found() -> None:
    source = """
        /** Not `t("this")`. */
        // nor t("that")
        say(t("One {n}", { n: 1 }), t('Two'), t(`Three`), t(word), at("no"));
        const WORDS = { a: m("Four"), b: "no" };
        long(t(
          "Five",
        ));
        kind = `${key} · ${service ? t("Six") : t("Seven {n}", { n })}`;
    """
    found = list(javascript_texts(source))
    assert found == ["One {n}", "Two", "Three", "Four", "Five", "Six", "Seven {n}"]


def test_texts_of_templates_are_found_and_forgotten_ones_too() -> None:
    source = """
        {% extends "frame.html" %}{% block title %}Page{% endblock %}
        {% block settings %} data-x="{{ x }}"{% endblock %}
        <p data-t>A
          sentence</p><p>Forgotten <b data-t>{{ value }}</b></p><br>
        <input placeholder="Search" data-t-placeholder><img alt="A picture">
        <template><i data-t title="Kept" data-t-title>Inner</i></template>
        <script>var none;</script>
    """
    found = marked(source)
    assert sorted(found.texts) == ["A sentence", "Inner", "Kept", "Page", "Search"]
    assert found.unmarked == ["Forgotten", "A picture"]


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_words_of_a_page_are_left_unmarked(path: Path) -> None:
    assert set(marked(path.read_text(encoding="utf-8")).unmarked) <= NO_WORDS


DYNAMIC = {
    "static/js/admin/exchange.js: turn.message",  # streamed: a cause's English
    'static/js/chat/conversation.js: data.message || m("The assistant could not answer."',
    "static/js/chat/conversation.js: WORDS[action]",
    "static/js/chat/draft.js: word",
    "static/js/chat/item.js: word",
    'static/js/chat/item.js: UNDELIVERED[item.undelivered] ?? m("Jira did not take this',
    "static/js/chat/standing.js: turn.message",
    "static/js/i18n.js: text",  # its own definition
    'static/js/i18n.js: plain(element.textContent ?? ""',  # what templates mark
    "static/js/i18n.js: plain(element.getAttribute(attribute",
}
"""Where a script translates what is no literal: out of a table of ``m(…)``, or told by us."""


def test_what_scripts_translate_is_literal_or_from_a_table() -> None:
    call = re.compile(r"""(?<![\w.#])t\(\s*([^"'`\s][^),\n]*)""")
    found = {
        f"{named(path)}: {match[1]}"
        for path in SCRIPTS
        for match in call.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == DYNAMIC


def test_no_script_shows_a_literal_that_is_not_translated() -> None:
    bare = re.compile(
        r"""(?:textContent|ariaLabel|title|placeholder|label)\s=\s["'`][A-Z]"""
        r"""|\b(?:announce|say|fail)\(["'`][A-Z]"""
        r"""|setAttribute\("(?:aria-label|title|placeholder)",\s["'`][A-Z]"""
    )
    found = {named(path) for path in SCRIPTS if bare.search(path.read_text(encoding="utf-8"))}
    assert found == set()


def test_no_error_or_finding_for_people_is_written_by_hand() -> None:
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        if "sandbox" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"{named(path)}:{line}" for line in _untranslated(tree, path.name)]
    assert found == []


FOR_PEOPLE = {"Invalid", "Conflict", "NotFound", "SessionRefused", "problem", "Refusal"}
CODED = {"Conflict", "SessionRefused", "Refusal"}
"""Their first argument is a word for programs."""


def _untranslated(tree: ast.AST, name: str) -> list[int]:
    """The lines of calls that are given a text as it stands."""
    lines = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        given: list[ast.expr] = []
        if node.func.id in FOR_PEOPLE:
            given = node.args[1:] if node.func.id in CODED else node.args
        elif node.func.id == "Finding" and name in {"doctor.py", "findings.py"}:
            given = [one.value for one in node.keywords if one.arg in {"found", "cure"}]
        literal = [one for one in given if isinstance(one, ast.JoinedStr) or _is_text(one)]
        lines += [one.lineno for one in literal]
    return lines


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_a_text_written_by_hand_is_found() -> None:
    source = 'raise Invalid("No")\nraise Conflict("code", t("Yes"))\nraise NotFound(f"{no}")\n'
    assert _untranslated(ast.parse(source), "x.py") == [1, 3]


def test_a_text_is_said_with_what_is_in_it() -> None:
    inner = t("This thread has no such draft.")
    text = t("This draft was withdrawn. {cause}", cause=CAUSES["takeover"])
    assert text == "This draft was withdrawn. A person took over."
    assert said(text, "es") == "Este borrador se retiró. Una persona se hizo cargo."
    assert said({"a": [inner, 1, None, "as it is"]}, "es") == {
        "a": ["Esta conversación no tiene ese borrador.", 1, None, "as it is"]
    }
    assert said(inner, "en") == said(inner, "de") == inner


def test_numbers_and_rows_are_written_as_the_language_writes_them() -> None:
    text = t("must be at most {most} characters", most=32_000)
    assert text == "must be at most 32,000 characters"
    assert said(text, "es") == "debe tener como máximo 32.000 caracteres"
    row = listed([t("is missing"), t("must be text"), t("cannot be taken")])
    assert row == "is missing; must be text; cannot be taken"
    assert said(row, "es") == "falta; debe ser texto; no se puede aceptar"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-ES", "es"),
        ("es-419,es;q=0.9", "es"),
        ("de, es;q=0.4, en;q=0.8", "en"),
        ("fr;q=1, es;q=0.5", "es"),
        ("es;q=0, en", "en"),
        ("es;q=much, ;;;, *", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_language_is_the_best_that_we_have(accepted: str, language: str) -> None:
    assert i18n.language_of(accepted) == language


def test_errors_keep_what_their_text_was_made_of() -> None:
    text = t("A title has 1 to {most} characters.", most=3)
    assert Invalid(text).text is text
    assert Conflict("code", text).text is text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_assistants_own_sentences_are_there(language: str) -> None:
    assert HAND_OFF[language] == hand_off(language)
    assert attribution(language)  # type: ignore[arg-type]  # both are Languages
    assert "Ada" in attribution(language, approved_by="Ada")  # type: ignore[arg-type]


def test_the_assistants_own_sentences_differ_by_language() -> None:
    assert hand_off("es") != hand_off("en")
    assert attribution("es") != attribution("en")
    assert attribution("es", approved_by="Ada") != attribution("en", approved_by="Ada")


def test_the_check_of_the_house_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert translations.main() == 0
    assert re.fullmatch(
        r"\d{3,} texts, 0 problems with their translations\n", capsys.readouterr().out
    )
