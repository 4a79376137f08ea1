"""A simulated OpenAI: ``/v1/responses``, streamed or whole, and ``/v1/models``.

``site.py`` answers, ``events.py`` knows the wire format, ``faults.py`` what can go wrong,
``brain.py`` what is said where no test has written the answer.
"""

from __future__ import annotations

from app.sandbox.openai.faults import Fault, Faults
from app.sandbox.openai.requests import ResponseRequest
from app.sandbox.openai.site import DEMO_KEY, Cancelled, OpenAISite

__all__ = ["DEMO_KEY", "Cancelled", "Fault", "Faults", "OpenAISite", "ResponseRequest"]
