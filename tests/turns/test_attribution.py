"""Every comment says that an AI assistant wrote it, within Jira-wide bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.turns.attribution import MAX_ATTRIBUTION, attribution
from app.turns.language import LANGUAGES, Language

ASSISTANT = {
    "en": "AI assistant",
    "es": "asistente de IA",
    "de": "KI-Assistenten",
    "fr": "assistant IA",
    "pt": "assistente de IA",
    "it": "assistente IA",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_so_in_each_language(language: Language) -> None:
    assert ASSISTANT[language] in attribution(language)
    assert ASSISTANT[language] in attribution(language, approved_by="Ada Lovelace")
    assert "Ada Lovelace" in attribution(language, approved_by="Ada Lovelace")
    assert "approv" not in attribution(language)


def test_each_language_has_words_of_its_own() -> None:
    assert len({attribution(language) for language in LANGUAGES}) == len(LANGUAGES)


@given(language=st.sampled_from(LANGUAGES), name=st.text())
def test_no_name_makes_it_longer_than_its_bound_or_more_than_one_line(
    language: Language, name: str
) -> None:
    line = attribution(language, approved_by=name)
    assert len(line) <= MAX_ATTRIBUTION
    assert len(line.splitlines()) == 1


def test_a_long_name_is_cut_visibly_and_a_fitting_one_is_not() -> None:
    for language in LANGUAGES:
        room = MAX_ATTRIBUTION - len(attribution(language, approved_by="x")) + 1
        assert "x" * room in attribution(language, approved_by="x" * room)
        cut = attribution(language, approved_by="x" * (room + 1))
        assert "x" * (room - 1) + "…" in cut
        assert len(cut) == MAX_ATTRIBUTION


@pytest.mark.parametrize("name", ["", "   ", "\n", None])
def test_without_a_name_nobody_is_said_to_have_approved(name: str | None) -> None:
    assert attribution("en", approved_by=name) == attribution("en")


def test_a_name_with_braces_is_only_a_name() -> None:
    assert "{name} {0}" in attribution("en", approved_by="{name} {0}")
