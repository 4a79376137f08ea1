"""What people read, in their language: English stands in the code, the others in ``locale``.

A text is written ``t("{count} tenants", count=3)``. It is a ``str``, in English, that remembers
how it was made; whoever answers a person says it in that person's language with :func:`said`.
Pages translate by the same catalogues: see ``static/js/i18n.js``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Any, Self

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LOCALE = Path(__file__).with_name("locale")
ENGLISH = "en"
LANGUAGES = (ENGLISH, "es")


class Text(str):
    """A text in English, with the message and the values that it was made of."""

    __slots__ = ("message", "values")

    message: str
    values: Mapping[str, object]

    def __new__(cls, message: str, values: Mapping[str, object]) -> Self:
        text = super().__new__(cls, _filled(message, values, ENGLISH))
        text.message, text.values = message, values
        return text


def t(message: str, **values: object) -> Text:
    """A text that can be said in every language.

    Args:
        message: English, with ``{name}`` where a value goes; the key of the catalogues.
        values: by name; a whole number is written as the language writes it, a text is said in it.
    """
    return Text(message, values)


def listed(texts: Iterable[Text]) -> Text:
    """Several texts, at least one, in a row."""
    return reduce(lambda one, two: t("{one}; {two}", one=one, two=two), texts)


def said(value: Any, language: str) -> Any:
    """``value`` in a language: a text by itself, or all that are within JSON-like data."""
    if isinstance(value, Text):
        message = catalogue(language).get(value.message, value.message)
        return _filled(message, value.values, language)
    if isinstance(value, Mapping):
        return {key: said(part, language) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [said(part, language) for part in value]
    return value


def language_of(accepted: str) -> str:
    """The language that we have of those that ``Accept-Language`` names, best first."""
    ranked = sorted((_ranked(part) for part in accepted.split(",")[:20]), key=lambda pair: -pair[1])
    wanted = [name for name, weight in ranked if weight > 0]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or ENGLISH


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """English texts and what they are in that language; empty for English and unknown ones."""
    if language not in LANGUAGES or language == ENGLISH:
        return {}
    with (LOCALE / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        read = read_po(file, locale=Locale.parse(language))
    return {str(entry.id): str(entry.string) for entry in read if entry.id and entry.string}


def _filled(message: str, values: Mapping[str, object], language: str) -> str:
    if not values:
        return message
    return message.format_map({name: _shown(one, language) for name, one in values.items()})


def _shown(value: object, language: str) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return format_decimal(value, locale=language)
    return said(value, language)


def _ranked(part: str) -> tuple[str, float]:
    name, _, weight = part.strip().partition(";q=")
    try:
        Locale.parse(name, sep="-")
        return name, float(weight or 1)
    except (ValueError, UnknownLocaleError, TypeError):
        return "", 0.0
