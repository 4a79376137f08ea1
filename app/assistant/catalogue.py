"""The models that a key may use, as ``GET /models`` lists them: the test of a key, too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

from app.assistant.models import Carrier, ModelAccess, explain, make_client
from app.clock import Clock
from app.errors import ModelError

SECONDS = 10.0
"""That the list may take in all: somebody waits for the test of a key."""
GLANCE_SECONDS = 3.0
"""... and for a page that is of use without it."""
MOST = 1_000


@dataclass(frozen=True)
class ListedModel:
    """A model; ``shutdown`` is the day on which OpenAI switches it off, where that is known."""

    id: str
    shutdown: date | None = None


async def listed_models(
    access: ModelAccess, carrier: Carrier, clock: Clock, *, within: float = SECONDS
) -> list[ListedModel]:
    """What the key may use, by name. Asked with a client of its own, which is closed at once.

    Raises:
        ModelError: ``key_refused``, ``quota``, ``unreachable``, ``host_refused``,
            ``rate_limited``; ``no_list`` where what answers there is no list of models.
    """
    try:
        async with (
            asyncio.timeout(within),
            make_client(access, timeout=within, http_client=carrier(access)) as client,
        ):
            answer = await client.models.with_raw_response.list()
            body = answer.http_response.json()
    except TimeoutError:
        raise ModelError("unreachable", retry_after=None) from None
    except ValueError:
        raise ModelError("no_list", retry_after=None) from None
    except Exception as error:  # noqa: BLE001  (the client's own words stay out of ours)
        raise _told(explain(error, clock)) from None
    return _models(body)


def _told(error: ModelError) -> ModelError:
    """What a refusal of this call means: it names no model and holds nothing to be refused."""
    if error.cause in {"model_unknown", "refused", "too_long"}:
        return ModelError("no_list", retry_after=None)
    return error


def _models(body: object) -> list[ListedModel]:
    listed = body.get("data") if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise ModelError("no_list", retry_after=None)
    found = {
        entry["id"]: ListedModel(entry["id"], _day(entry.get("shutdown_date")))
        for entry in listed[:MOST]
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }
    return sorted(found.values(), key=lambda model: model.id)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
