"""What a demonstration adds to the pages: the site knows no more of it than this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from app.sandbox.jira.pages.shell import Shell


class Section(Protocol):
    """A section of the start page, and of some issues' pages."""

    def routes(self, shell: Shell) -> list[BaseRoute]:
        """Its own addresses."""

    def shown(self, key: str | None = None) -> object | None:
        """What its template prints: on the start page, or on an issue; None prints nothing."""
