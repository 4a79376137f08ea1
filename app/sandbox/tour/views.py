"""What the tour's templates print and its script keeps up to date."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from app.sandbox.tour.script import STEPS, Action, Step
from app.sandbox.tour.tour import Standings, Tour

WORDS = {"done": "Done", "going": "Under way", "missed": "Not so", "open": ""}
LABELS = {
    "questions": "Questions",
    "replies": "Replies",
    "lost": "Lost",
    "doubled": "Doubled",
    "leaked": "Leaked",
}
MEANINGS = {
    "questions": "What wants an answer by the rules: messages of customers, where the assistant"
    " answers or drafts and no person has the issue.",
    "replies": "Comments in Jira by the account of the app that answer somebody.",
    "lost": "Questions that are neither answered nor drafted nor left to a person, a minute after"
    " the last thing that happened.",
    "doubled": "Second replies of one turn, and replies that answer nothing new.",
    "leaked": "Places where the secret was found: public comments of the app, and what the model"
    " was given for them.",
}
STATES = {
    "answered": "answered",
    "drafted": "with a draft",
    "waiting": "on the way",
    "person": "left to a person",
    "taken back": "taken back",
    "lost": "lost",
}


@dataclass(frozen=True)
class TileView:
    name: str
    label: str
    means: str
    count: int


@dataclass(frozen=True)
class LinkView:
    label: str
    href: str


@dataclass(frozen=True)
class StepView:
    """``closed`` names the actions that make no sense now."""

    number: int
    step: Step
    state: str
    word: str
    says: str
    links: tuple[LinkView, ...]
    closed: tuple[str, ...]

    @property
    def here(self) -> list[Action]:
        """The actions on the page of the step's issue: what began it is not written again."""
        return [one for one in self.step.actions if one.when != "always" or one.field is None]


@dataclass(frozen=True)
class TourView:
    """``current``: the step to whose issue the page belongs, if any."""

    tiles: tuple[TileView, ...]
    summary: str
    worker: str
    steps: tuple[StepView, ...]
    current: StepView | None


def view(tour: Tour | None, key: str | None = None) -> TourView | None:
    """For the start page, or for the issue ``key`` if a step was begun there; else None."""
    if tour is None:
        return None
    now = tour.standings()
    steps = tuple(_step(number, step, now) for number, step in enumerate(STEPS, 1))
    current = next((one for one in steps if key and now.issues.get(one.step.name) == key), None)
    if key is not None and current is None:
        return None
    tiles = tuple(
        TileView(name, label, MEANINGS[name], getattr(now.score, name))
        for name, label in LABELS.items()
    )
    return TourView(tiles, _summary(now), _worker(now), steps, current)


def live(tour: Tour) -> dict[str, Any]:
    """The same, as far as it changes."""
    shown = view(tour)
    assert shown is not None
    return {
        "score": {tile.name: tile.count for tile in shown.tiles},
        "summary": shown.summary,
        "worker": shown.worker,
        "steps": {
            one.step.name: {
                "state": one.state,
                "word": one.word,
                "says": one.says,
                "links": [asdict(link) for link in one.links],
                "closed": one.closed,
            }
            for one in shown.steps
        },
    }


def _step(number: int, step: Step, now: Standings) -> StepView:
    key, found = now.issues.get(step.name), now.steps[step.name]
    closed = tuple(one.name for one in step.actions if not _is_open(one, key, found.state, now))
    links = (_link(step, key),) if key else ()
    return StepView(number, step, found.state, WORDS[found.state], found.says, links, closed)


def _is_open(action: Action, key: str | None, state: str, now: Standings) -> bool:
    if not now.ready or action.when == "always":
        return now.ready
    if action.name == "kill" and not now.worker.up:
        return False
    return key is not None and (action.when == "begun" or state == "going")


def _link(step: Step, key: str) -> LinkView:
    who = step.opening.shown_to
    return LinkView(f"Open {key} as {who.capitalize()}", path(key, who))


def path(key: str, who: str) -> str:
    """Where somebody looks at an issue."""
    return f"/browse/{key}?as={who}"


def step_named(name: str) -> Step | None:
    return next((step for step in STEPS if step.name == name), None)


def _summary(now: Standings) -> str:
    counted = [f"{count} {STATES[state]}" for state, count in sorted(now.score.states.items())]
    return "Of the questions: " + ", ".join(counted) + "." if counted else "No question so far."


def _worker(now: Standings) -> str:
    if not now.ready:
        return "The app is not installed."
    up = "is up" if now.worker.up else "is starting"
    return f"The app {up}: process {now.worker.pid}."
