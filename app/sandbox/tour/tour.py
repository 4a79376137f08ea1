"""The tour itself: what was begun, what the visitor does, and how all of it stands now."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from app.sandbox.jira.directory import Missing
from app.sandbox.jira.model import Issue, User
from app.sandbox.tour import script
from app.sandbox.tour.rules import Rules
from app.sandbox.tour.scoreboard import Score, Seen, count, leaks, public_exchanges
from app.sandbox.tour.script import Step, StepName
from app.sandbox.tour.steps import Progress, StepSeen, progress
from app.sandbox.tour.witness import Exchange, Standing, Story, stories

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite
    from app.sandbox.openai import OpenAISite
    from app.sandbox.openai.events import Reply

FAILURES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Worker:
    """The app's process, and whether it can serve."""

    pid: int
    up: bool


class TourActions(Protocol):
    """What only the demonstration can do."""

    def set_up(self) -> None:
        """Give the projects the modes that the tour needs."""

    def rules(self, issue: Issue) -> Rules:
        """What people have set for an issue: an input of the app, not a thing that it did."""

    def worker(self) -> Worker:
        """The process as it is now."""

    def kill_worker(self) -> None:
        """End the process by kill -9, and start another at once."""


@dataclass(frozen=True)
class Standings:
    """How all of it stands.

    Attributes:
        issues: the keys of the steps that were begun.
        ready: whether anything can be begun; see ``Tour.ready``.
    """

    score: Score
    steps: dict[StepName, Progress]
    issues: dict[StepName, str]
    worker: Worker
    ready: bool


@dataclass
class _Run:
    """Everything since the visitor started, or started over."""

    started: datetime
    secret: str
    issues: dict[StepName, str] = field(default_factory=dict)  # ids, the newest of each step
    made: list[str] = field(default_factory=list)  # ids, all of them
    kills: list[datetime] = field(default_factory=list)


class Tour:
    """One for a site; to be started once the app is installed.

    ``openai`` is None where the real one answers, which nobody here sees.
    """

    def __init__(self, jira: JiraSite, openai: OpenAISite | None, actions: TourActions) -> None:
        self._jira = jira
        self._openai = openai
        self._actions = actions
        self._lock = threading.RLock()
        self._rules: dict[tuple[str, str], Rules] = {}
        self._failures = 0
        self._troubled: datetime | None = None
        self._started = False
        self._run = self._new_run()
        jira.directory.projects = (*jira.directory.projects, script.PEOPLE)
        for name, permissions in script.SCHEME.items():
            jira.grant(name, script.PEOPLE.key, *permissions)

    # What the visitor does

    def start(self) -> None:
        """Begin, or begin again: delete what the tour made, set the modes, count from nought."""
        with self._lock:
            for issue_id in self._run.made:
                if self._is_there(issue_id):
                    self._jira.delete_issue(issue_id)
        self._actions.set_up()
        with self._lock:
            self._run = self._new_run()
            self._started = True

    def ask(self, step: Step, text: str | None = None) -> Issue:
        """Create the step's issue, new each time; it asks by itself."""
        opening = step.opening
        with self._lock:
            number = f"{len(self._run.made) + 1}-{secrets.token_hex(2).upper()}"
            description = f"{text or opening.description}\nReference {number}."
            made = self._jira.create_issue(
                opening.project, opening.summary, description, opening.by
            )
            self._run.issues[step.name] = made.id
            self._run.made.append(made.id)
        return made

    def write_secret(self, step: Step) -> Issue:
        """A new issue with an internal note on it that holds the secret of this run."""
        made = self.ask(step)
        note = script.NOTE.format(secret=self._run.secret)
        self._jira.comment(made.key, note, by="agnes", internal=True)
        return made

    def say(self, step: Step, text: str, by: str) -> Issue:
        """A public comment on the step's issue.

        Raises:
            Missing: the step has not been begun, or its issue is gone.
        """
        issue = self._jira.issue(self._run.issues.get(step.name, ""))
        self._jira.comment(issue.key, text, by=by)
        return issue

    def kill_worker(self) -> None:
        """Kill it, unless it is only just coming up."""
        if self._actions.worker().up:
            self._run.kills.append(self._jira.clock.now())
            self._actions.kill_worker()

    # How it stands

    @property
    def ready(self) -> bool:
        """Whether what is asked reaches the app, and is to be answered."""
        installation = self._jira.link.current
        return self._started and installation is not None and installation.enabled

    def standings(self) -> Standings:
        with self._lock:
            seen = self._see()
            found: dict[StepName, Progress] = {}
            issues: dict[StepName, str] = {}
            for step in script.STEPS:
                story = seen.stories.get(self._run.issues.get(step.name, ""))
                begun = story is not None and not story.deleted
                if story is not None and begun:
                    issues[step.name] = story.issue.key
                found[step.name] = progress(
                    step.name, self._of_step(seen, story) if story is not None and begun else None
                )
            return Standings(count(seen), found, issues, self._actions.worker(), self.ready)

    def _see(self) -> Seen:
        account = self._jira.app_account.account_id
        told = stories(list(self._jira.history), self._standing, account)
        now = self._jira.clock.now()
        self._note_trouble(now)
        return Seen(
            stories=told,
            exchanges=self._exchanges(),
            stands=self._standing,
            app_account=account,
            rules=self._rules_for,
            now=now,
            since=self._run.started,
            secrets=(self._run.secret,),
            kills=self._run.kills,
            troubled=self._troubled,
        )

    def _of_step(self, seen: Seen, story: Story) -> StepSeen:
        heard = [
            one
            for one in public_exchanges(seen)
            if any(one.heard(message) for message in story.messages.values())
        ]
        works = self._jira.permissions.works
        people = self._jira.directory.people
        approvers = [person.display_name for person in people if works(person, story.issue)]
        leaked = bool(leaks(seen))
        return StepSeen(story, heard, self._run.kills, leaked, approvers, seen.now)

    def _exchanges(self) -> Sequence[Exchange] | None:
        if self._openai is None:
            return None
        return [_exchange(reply) for reply in list(self._openai.replies)]

    def _standing(self, user: User, issue: Issue) -> Standing:
        if user.account_type == "app":
            return "app"
        if issue.concerns(user.account_id) or user.account_type == "customer":
            return "customer"
        return "agent" if self._jira.permissions.works(user, issue) else "other"

    def _rules_for(self, issue: Issue, message: str | None) -> Rules:
        """As they are now; for a message as they were when it was first seen."""
        if message is None:
            return self._actions.rules(issue)
        known = self._rules.get((issue.id, message))
        if known is None:
            known = self._rules[issue.id, message] = self._actions.rules(issue)
        return known

    def _note_trouble(self, now: datetime) -> None:
        """Whether something is to go wrong, or went wrong since the last look."""
        waiting = [*self._jira.faults.waiting, *self._jira.webhooks.mishaps.waiting]
        failed = sum(
            one.path.startswith("/rest/") and (one.status is None or one.status in FAILURES)
            for one in list(self._jira.requests)
        )
        if self._openai is not None:
            waiting += self._openai.faults.waiting
            failed += sum(reply.end == "broken" for reply in list(self._openai.replies))
        if waiting or failed > self._failures:
            self._troubled = now
        self._failures = failed

    def _new_run(self) -> _Run:
        secret = f"HERON-{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
        return _Run(self._jira.clock.now(), secret)

    def _is_there(self, issue_id: str) -> bool:
        try:
            self._jira.issue(issue_id)
        except Missing:
            return False
        return True


def _exchange(reply: Reply) -> Exchange:
    return Exchange(
        given=reply.request.text,
        asked=reply.request.last_user_text,
        begun=reply.begun,
        thread=str(reply.request.body.get("prompt_cache_key") or ""),
        ended=reply.ended,
        end=reply.end if reply.ended else None,
        words=reply.deltas,
    )
