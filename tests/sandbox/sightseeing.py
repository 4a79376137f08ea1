"""A tour without an app: a test says what the two simulated systems see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.sandbox.jira import JiraSite, adf
from app.sandbox.jira.model import Comment, Issue
from app.sandbox.openai import OpenAISite, ResponseRequest
from app.sandbox.openai.events import Reply
from app.sandbox.tour import script
from app.sandbox.tour.rules import Rules
from app.sandbox.tour.scoreboard import Score
from app.sandbox.tour.script import Step
from app.sandbox.tour.steps import Progress
from app.sandbox.tour.tour import Tour, Worker
from tests.support.clock import FakeClock

MINUTE = 61.0


@dataclass
class Doings:
    """Stands for what the demonstration can do; ``rules`` by a project's key."""

    rules_of: dict[str, Rules]
    process: Worker = field(default_factory=lambda: Worker(1, up=True))
    set_ups: int = 0

    def set_up(self) -> None:
        self.set_ups += 1

    def rules(self, issue: Issue) -> Rules:
        return self.rules_of[issue.project.key]

    def worker(self) -> Worker:
        return self.process

    def kill_worker(self) -> None:
        self.process = Worker(self.process.pid + 1, up=False)


class Scene:
    """Both simulated systems, and the tour that watches them."""

    def __init__(self, *, real_model: bool = False) -> None:
        self.clock = FakeClock()
        self.jira = JiraSite(clock=self.clock)
        self.openai = OpenAISite(clock=self.clock)
        self.clock.advance(1)  # what was there before is no question
        now = self.clock.now()
        auto, draft = Rules("auto", now), Rules("draft", now)
        self.doings = Doings({"OPS": auto, "SUP": auto, "HR": draft})
        self.tour = Tour(self.jira, None if real_model else self.openai, self.doings)
        self.tour.start()

    @property
    def score(self) -> Score:
        return self.tour.standings().score

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """Questions, replies, lost, doubled, leaked."""
        score = self.score
        return score.questions, score.replies, score.lost, score.doubled, score.leaked

    def set(self, project: str, **rules: Any) -> None:
        known = {"mode": "auto", "since": self.clock.now(), **rules}
        self.doings.rules_of[project] = Rules(**known)

    def say(self, text: str, key: str = "OPS-1", by: str = "rita", **how: Any) -> Comment:
        self.clock.advance(1)
        return self.jira.comment(key, text, by=by, **how)

    def ask_model(
        self, *asked: str, end: str | None = "answered", context: str = "", thread: str = "t"
    ) -> Reply:
        """A request to the model, with these messages of people, and how it ended."""
        self.clock.advance(1)
        body = {"model": "gpt-5.4-mini", "prompt_cache_key": thread}
        messages = tuple(("user", f"Customer:\n{text}") for text in asked)
        reply = self.openai.begin(ResponseRequest("sk", body, context, messages))
        self.clock.advance(1)
        if end is not None:
            self.end(reply, end)
        return reply

    def end(self, reply: Reply, how: str) -> None:
        reply.end, reply.ended = how, self.clock.now()  # type: ignore[assignment]  # as a test says

    def reply(
        self, key: str = "OPS-1", turn: str = "turn-1", text: str = "Because.", **how: Any
    ) -> Comment:
        """The app answers."""
        self.clock.advance(1)
        mark = {"turn_id": turn, "role": how.pop("role", "assistant")}
        properties: dict[str, object] = {"jira-chatkit": mark}
        return self.jira.comment(key, text, by="app", properties=properties, **how)

    def kill(self) -> None:
        self.doings.process = Worker(self.doings.process.pid, up=True)
        self.tour.kill_worker()

    # The steps

    def step(self, name: str) -> Step:
        return next(step for step in script.STEPS if step.name == name)

    def begin(self, name: str) -> Issue:
        self.clock.advance(1)
        step = self.step(name)
        return self.tour.write_secret(step) if name == "secret" else self.tour.ask(step)

    def first_message(self, issue: Issue) -> str:
        """As the app gives it to the model."""
        return f"**{issue.summary}**\n\n{adf.plain_text(issue.description)}"

    def progress(self, name: str) -> Progress:
        found = self.tour.standings().steps
        return next(progress for step, progress in found.items() if step == name)
