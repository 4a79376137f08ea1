"""Every text that a person reads, and what the catalogues lack of them: for `make check`."""

from __future__ import annotations

import ast
import re
import string
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from typing_extensions import override

from app.i18n import ENGLISH, LANGUAGES, LOCALE

ROOT = Path(__file__).resolve().parents[2]
JS_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
JS_CALL = re.compile(
    r"""(?<![\w.#$])[tm]\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\$]|\\.)*)`)"""
)
"""``t`` translates, ``m`` marks a text that is translated where it is shown."""
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
"""What a template fills in: its texts are made in Python."""
BLOCK_TITLE = re.compile(r"\{% block title %\}([^{]+)\{% endblock %\}")
"""It stands within ``frame.html``'s marked ``<title>``."""
BLOCKS_ELSEWHERE = re.compile(r"\{% block (?:title|settings) %\}.*?\{% endblock %\}", re.DOTALL)
"""Blocks whose place is within an element or a tag of another template."""
READ_OUT = {"title", "alt", "placeholder", "aria-label", "aria-description", "label"}
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr", "col"}
WORDS = re.compile(r"[A-Za-z]{2}")

Found = tuple[str, str]
"""A text, and the file that holds it."""


def texts() -> dict[str, str]:
    """Every text in English, and one file that holds it."""
    return {text: where for text, where in (*_python(), *_javascript(), *_templates()) if text}


def problems(language: str) -> list[str]:
    """What is wrong with a language's catalogue, a line each."""
    return list(faults(texts(), read(language)))


def faults(wanted: Mapping[str, str], catalogue: Catalog) -> Iterator[str]:
    """What a catalogue lacks of the texts that are wanted, has no more, or says otherwise."""
    language = catalogue.locale
    there = {str(entry.id): str(entry.string) for entry in catalogue if entry.id}
    for text, where in wanted.items():
        if not there.get(text):
            yield f"{language}: missing, of {where}: {text!r}"
    for entry in catalogue:
        if entry.id and entry.fuzzy:
            yield f"{language}: fuzzy: {entry.id!r}"
    for text, said in there.items():
        if text not in wanted:
            yield f"{language}: no longer used: {text!r}"
        if said and holes(text) != holes(said):
            yield f"{language}: other holes than in {text!r}"


def read(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=Locale.parse(language))


def holes(text: str) -> set[str]:
    """The names of the values that go into a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _python() -> Iterator[Found]:
    for path in sorted((ROOT / "app").rglob("*.py")):
        if "sandbox" in path.parts:
            continue
        for text in python_texts(path.read_text(encoding="utf-8"), named(path)):
            yield text, named(path)


def _javascript() -> Iterator[Found]:
    for path in sorted((ROOT / "static" / "js").rglob("*.js")):
        for text in javascript_texts(path.read_text(encoding="utf-8")):
            yield text, named(path)


def _templates() -> Iterator[Found]:
    for path in sorted((ROOT / "templates").glob("*.html")):
        for text in marked(path.read_text(encoding="utf-8")).texts:
            yield text, named(path)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python_texts(source: str, where: str = "") -> Iterator[str]:
    """What stands in ``t(…)``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
            argument = node.args[0] if node.args else None
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                raise SystemExit(f"{where}:{node.lineno}: t() takes one literal text")
            yield argument.value


def javascript_texts(source: str) -> Iterator[str]:
    """What stands in ``t(…)`` and ``m(…)``."""
    for call in JS_CALL.finditer(JS_COMMENT.sub("", source)):
        yield next(text for text in call.groups() if text is not None).replace("\\", "")


def marked(source: str) -> Marked:
    """What a template's HTML marks for translation, and what it does not."""
    title = BLOCK_TITLE.search(source)
    reader = Marked()
    reader.feed(JINJA.sub("", BLOCKS_ELSEWHERE.sub("", source)))
    reader.close()
    if title:
        reader.texts.append(title[1])
    reader.texts = [text for text in map(plain, reader.texts) if text]
    reader.unmarked = [text for text in map(plain, reader.unmarked) if WORDS.search(text)]
    return reader


def plain(text: str) -> str:
    """As one line, however the HTML is broken."""
    return re.sub(r"\s+", " ", text).strip()


class Marked(HTMLParser):
    """Collects what ``data-t`` and ``data-t-<attribute>`` mark, and visible text that none does.

    Attributes:
        texts: what is marked.
        unmarked: words that a person would read in English whatever the language.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.unmarked: list[str] = []
        self._open: list[tuple[str, bool]] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in values.items():
            if f"data-t-{name}" in values:
                self.texts.append(value or "")
            elif name in READ_OUT:
                self.unmarked.append(value or "")
        if tag not in VOID:
            self._open.append((tag, "data-t" in values))
            if "data-t" in values:
                self.texts.append("")

    @override
    def handle_data(self, data: str) -> None:
        tag, is_marked = self._open[-1] if self._open else ("", False)
        if is_marked:
            self.texts[-1] += data
        elif tag not in {"script", "style"}:
            self.unmarked.append(data)

    @override
    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass


def main() -> int:
    lines = [line for language in LANGUAGES if language != ENGLISH for line in problems(language)]
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(texts())} texts, {len(lines)} problems with their translations\n")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
