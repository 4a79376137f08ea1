"""The tour on the site of a world, where no process is killed."""

from __future__ import annotations

from app.sandbox.tour.pages import TourPages
from app.sandbox.tour.rules import Rules
from app.sandbox.tour.tour import Tour
from tests.sandbox.sightseeing import Doings
from tests.support.world import World


def show_tour(here: World) -> Tour:
    """Begun, by the rules of the demonstration."""
    now = here.jira.clock.now()
    auto, draft = Rules("auto", now), Rules("draft", now)
    tour = Tour(here.jira, here.openai, Doings({"OPS": auto, "SUP": auto, "HR": draft}))
    here.jira.show(TourPages(tour))
    tour.start()
    return tour
