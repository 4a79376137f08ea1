"""The sentence that says an AI assistant wrote a comment. Pure."""

from __future__ import annotations

from app.turns.language import Language

MAX_ATTRIBUTION = 160
CUT = "…"

_WRITTEN: dict[Language, str] = {
    "en": "Written by an AI assistant.",
    "es": "Escrito por un asistente de IA.",
    "de": "Von einem KI-Assistenten geschrieben.",
    "fr": "Rédigé par un assistant IA.",
    "pt": "Escrito por um assistente de IA.",
    "it": "Scritto da un assistente IA.",
}
_APPROVED: dict[Language, str] = {
    "en": "Written by an AI assistant, approved by {name}.",
    "es": "Escrito por un asistente de IA, aprobado por {name}.",
    "de": "Von einem KI-Assistenten geschrieben, freigegeben von {name}.",
    "fr": "Rédigé par un assistant IA, approuvé par {name}.",
    "pt": "Escrito por um assistente de IA, aprovado por {name}.",
    "it": "Scritto da un assistente IA, approvato da {name}.",
}


def attribution(language: Language, *, approved_by: str | None = None) -> str:
    """One line of plain text, at most 160 characters.

    Args:
        language: of the reader.
        approved_by: the display name of who approved the draft; a long one is cut.
    """
    name = " ".join((approved_by or "").split())
    if not name:
        return _WRITTEN[language]
    sentence = _APPROVED[language]
    room = MAX_ATTRIBUTION - len(sentence.format(name=""))
    return sentence.format(name=name if len(name) <= room else name[: room - 1].rstrip() + CUT)
