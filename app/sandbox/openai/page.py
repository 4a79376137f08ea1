"""The front page: what this is, what it answers, and switches for what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.sandbox import html, places
from app.sandbox.openai.faults import Fault, Faults, Kind
from app.sandbox.switches import Chosen, Group, NotOffered, Option, Switch, Switchboard

if TYPE_CHECKING:
    from app.sandbox.openai.site import OpenAISite

PACES = (("0.2", "0.2 s"), ("0.5", "0.5 s"), ("2", "2 s"))
WAITS = (("2", "2 s"), ("20", "20 s"), ("120", "2 min"))
WORDS = (("3", "3 words"), ("20", "20 words"))


class FrontPage:
    """The handlers."""

    def __init__(self, site: OpenAISite) -> None:
        self._site = site

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.show),
            Route("/faults", self.turn, methods=["POST"]),
            Mount("/static", StaticFiles(directory=places.STATIC)),
        ]

    async def show(self, _request: Request) -> Response:
        return self._page()

    async def turn(self, request: Request) -> Response:
        if not html.from_this_site(request):
            return self._page(403, "A form must come from this site.")
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            self._site.switches.obey(form)
        except NotOffered as error:
            return self._page(400, str(error))
        return RedirectResponse("/", 303)

    def _page(self, status: int = 200, refused: str = "") -> Response:
        page = html.page(
            "openai.html",
            board=self._site.switches,
            models=self._site.models,
            answered=len(self._site.requests),
            active=self._site.active_streams,
            refused=refused,
        )
        page.status_code = status
        return page


def switchboard(faults: Faults) -> Switchboard:
    group = Group(
        "answers",
        "Answers to the app",
        "request",
        _switches(faults),
        lambda: [(fault, _told(fault)) for fault in faults.waiting],
        faults.remove,
        faults.clear,
    )
    return Switchboard(group)


def _switches(faults: Faults) -> tuple[Switch, ...]:
    def switch(name: Kind, title: str, text: str, *options: Option, **read: Any) -> Switch:
        def turn_on(chosen: Chosen, times: int | None) -> None:
            details = {key: read[key](value) for key, value in chosen.items()}
            faults.add(name, times, **details)

        return Switch(name, title, text, turn_on, options)

    return (
        switch(
            "slow",
            "Slow",
            "Every word takes its time.",
            Option("seconds", "Each word", PACES),
            seconds=float,
        ),
        switch(
            "unavailable",
            "Down",
            "503, with Retry-After.",
            Option("retry_after", "Retry after", WAITS),
            retry_after=int,
        ),
        switch(
            "rate_limited",
            "Rate limit",
            "429, with Retry-After.",
            Option("retry_after", "Retry after", WAITS),
            retry_after=int,
        ),
        switch("insufficient_quota", "No credit left", "429 that no waiting heals."),
        switch(
            "drop",
            "Cut off",
            "The connection breaks in the middle of an answer.",
            Option("after", "After", WORDS),
            after=int,
        ),
        switch("hang", "Silent", "The request is taken, and nothing is heard of it again."),
    )


def _told(fault: Fault) -> str:
    return {
        "slow": f"{fault.seconds:g} s before each word",
        "drop": f"Cut off after {fault.after} words",
        "hang": "Silence",
        "unavailable": "Answers 503",
        "rate_limited": f"Answers 429, Retry-After {fault.retry_after}",
        "insufficient_quota": "Answers 429: no credit left",
    }.get(fault.kind, fault.kind.replace("_", " ").capitalize())
