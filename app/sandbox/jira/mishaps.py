"""What goes wrong with single webhooks on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.sandbox.mischief import Mischief, Waiting

Kind = Literal["late", "doubled", "dropped"]


@dataclass(frozen=True)
class Mishap(Mischief):
    """What happens to a webhook: ``late`` keeps it for ``seconds``, ``doubled`` delivers it once
    more with the same identifier, ``dropped`` loses it.
    """

    kind: Kind
    seconds: float = 0.0


class Mishaps(Waiting[Mishap]):
    """The mishaps that still await their webhook."""

    def add(self, kind: Kind, times: int | None = 1, *, seconds: float = 0.0) -> None:
        self._put(Mishap(kind, seconds, times=times))

    def take(self, kind: Kind) -> Mishap | None:
        """The one of this kind that strikes the webhook that is being sent."""
        return self._take(lambda mishap: mishap.kind == kind)
