"""The tour's addresses: how it stands, and what the visitor does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Issue
from app.sandbox.tour import views
from app.sandbox.tour.script import BY_HAND
from app.sandbox.tour.tour import Tour

if TYPE_CHECKING:
    from app.sandbox.jira.pages.shell import Shell, Visit


class TourPages:
    """The tour as a section of the simulated site's pages."""

    def __init__(self, tour: Tour) -> None:
        self._tour = tour

    def routes(self, shell: Shell) -> list[BaseRoute]:
        return [
            Route("/tour/state", self.state),
            Route("/tour/over", shell.taken(self.over), methods=["POST"]),
            Route("/tour/{step}", shell.taken(self.act), methods=["POST"]),
        ]

    def shown(self, key: str | None = None) -> views.TourView | None:
        return views.view(self._tour, key)

    async def state(self, _request: Request) -> Response:
        """What changes while somebody looks."""
        shown = await run_in_threadpool(views.live, self._tour)
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    def over(self, _visit: Visit) -> Response:
        self._tour.start()
        return RedirectResponse("/#tour", 303)

    def act(self, visit: Visit) -> Response:
        """Do what a button says; then show the issue to whoever is to look at it."""
        step = views.step_named(visit.request.path_params["step"])
        if step is None:
            raise Missing("step")
        if not self._tour.ready:
            return visit.to(visit.back)
        text, shown_to = visit.text("text"), step.opening.shown_to
        match visit.form.get("do"):
            case "ask":
                return _to(self._tour.ask(step, text), shown_to)
            case "note":
                return _to(self._tour.write_secret(step), shown_to)
            case "trick" if text:
                return _to(self._tour.say(step, text, by="carlos"), "carlos")
            case "answer":
                return _to(self._tour.say(step, BY_HAND, by="agnes"), shown_to)
            case "kill":
                self._tour.kill_worker()
                return visit.to(visit.back)
        raise Missing("action")


def _to(issue: Issue, who: str) -> Response:
    return RedirectResponse(views.path(issue.key, who), 303)
