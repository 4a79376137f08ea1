"""What the product itself says to people, in their language."""

from __future__ import annotations

HAND_OFF = {
    "en": "A person from the team will answer this.",
    "es": "Una persona del equipo responderá a esto.",
    "de": "Jemand aus dem Team wird hierauf antworten.",
    "fr": "Une personne de l\u2019équipe vous répondra.",
    "pt": "Uma pessoa da equipe responderá a isto.",
    "it": "Una persona del team risponderà a questo.",
}

WITHDRAWN = "…"
"""Stands where a note of ours was shown to somebody whom it was not meant for."""


def hand_off(language: str) -> str:
    """Said in the assistant's place when it may not answer."""
    return HAND_OFF.get(language, HAND_OFF["en"])
