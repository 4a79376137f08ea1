"""What happened, as the simulated Jira and the simulated OpenAI saw it. Pure.

Nothing here comes from the app but what it wrote to Jira and sent to the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from app.sandbox.jira import adf
from app.sandbox.jira.events import Event
from app.sandbox.jira.model import Comment, Document, Issue, User

MARK = "jira-chatkit"
RESUME_AFTER = timedelta(hours=24)
TAIL = 12
"""Words from the end of a message by which it is known again in what a model was given."""

Standing = Literal["customer", "agent", "app", "other"]
Stands = Callable[[User, Issue], Standing]
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Exchange:
    """One request to the model, and what became of it.

    Attributes:
        given: everything the model was given.
        asked: the last message of a person in it.
        thread: what the app calls this conversation to OpenAI.
        ended: None while it is under way.
        end: said to its end, given up by the app, or failed at OpenAI.
        words: how many have been said.
    """

    given: str
    asked: str
    begun: datetime
    thread: str = ""
    ended: datetime | None = None
    end: Literal["answered", "closed", "broken"] | None = None
    words: int = 0

    def heard(self, message: Message) -> bool:
        """Whether the model was given this message."""
        if self.begun < message.at:
            return False
        return any(f" {tail(text)} " in _spoken(self.given) for text in message.texts)

    def asks(self, text: str) -> bool:
        """Whether it was asked to answer this text."""
        return bool(tail(text)) and _spoken(self.asked).endswith(f" {tail(text)} ")


@dataclass
class Message:
    """Something that a person said for everybody to read: an issue's text, or a comment.

    Attributes:
        texts: every version of it, oldest first.
        brought: the turn that will answer it, where the app wrote it down for its writer.
        gone: when it was deleted, or made internal or restricted.
    """

    author: User
    at: datetime
    texts: list[str]
    body: Document
    brought: str | None = None
    gone: datetime | None = None


@dataclass
class Reply:
    """A comment in which the assistant answers; ``texts`` are what was public of it."""

    at: datetime
    turn_id: str | None
    text: str
    public: bool
    texts: list[str] = field(default_factory=list)


@dataclass
class Story:
    """What happened on one issue, in its order.

    Attributes:
        notes: the texts that not everybody may read.
        takeovers: when a person took over.
        resumed: when it was opened again, so that nobody rests.
        last: when anything happened.
    """

    issue: Issue
    last: datetime
    messages: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    takeovers: list[datetime] = field(default_factory=list)
    resumed: list[datetime] = field(default_factory=list)
    deleted: bool = False

    def rests_at(self, moment: datetime) -> bool:
        """Whether a person had the issue then."""
        taken = max((at for at in self.takeovers if at <= moment), default=None)
        if taken is None or taken + RESUME_AFTER <= moment:
            return False
        return not any(taken < at <= moment for at in self.resumed)

    def taken_over_since(self, moment: datetime) -> bool:
        return any(at > moment for at in self.takeovers)


def stories(history: Iterable[Event], stands: Stands, app_account: str) -> dict[str, Story]:
    """By issue id. ``stands`` tells what somebody is to an issue."""
    told: dict[str, Story] = {}
    for event in history:
        story = told.setdefault(event.issue.id, Story(event.issue, event.moment))
        story.issue, story.last = event.issue, event.moment
        if event.comment is not None:
            _hear_comment(story, event, event.comment, stands, app_account)
        elif event.name == "jira:issue_created":
            text = f"{event.issue.summary}\n{adf.plain_text(event.issue.description)}"
            first = Message(event.actor, event.moment, [text], event.issue.description)
            story.messages[event.issue.id] = first
        elif event.name == "jira:issue_deleted":
            story.deleted = True
        else:
            _hear_change(story, event, stands)
    return told


def _hear_comment(
    story: Story, event: Event, comment: Comment, stands: Stands, app_account: str
) -> None:
    public = not comment.internal and comment.visibility is None
    ours = comment.author.account_id == app_account
    mark = comment.properties.get(MARK)
    mark = mark if ours and isinstance(mark, dict) else {}
    known = story.messages.get(comment.id) or story.replies.get(comment.id)
    if event.name == "comment_deleted":
        public = False
    elif known is not None:
        known.texts += [comment.text] if public or isinstance(known, Message) else []
    elif ours and mark.get("role") != "user":
        texts = [comment.text] if public else []
        turn_id = mark.get("turn_id")
        story.replies[comment.id] = Reply(comment.created, turn_id, comment.text, public, texts)
    elif ours or public:
        brought = str(mark.get("turn_id")) if ours else None
        message = Message(comment.author, comment.created, [comment.text], comment.body, brought)
        story.messages[comment.id] = message
        if not ours and stands(comment.author, event.issue) == "agent":
            story.takeovers.append(event.moment)
    if not public and not ours:
        story.notes[comment.id] = comment.text
    hidden = event.name == "comment_deleted" or (not public and not ours)
    if isinstance(known, Message) and hidden:
        known.gone = known.gone or event.moment


def _hear_change(story: Story, event: Event, stands: Stands) -> None:
    """Taking or resolving an issue oneself is taking over; any other new status ends a rest."""
    fields = {change.field for change in event.changes}
    agent = stands(event.actor, event.issue) == "agent"
    assignee = event.issue.assignee
    mine = assignee is not None and assignee.account_id == event.actor.account_id
    moved = bool(fields & {"status", "resolution"})
    done = moved and event.issue.status.category == "done"
    if agent and (("assignee" in fields and mine) or done):
        story.takeovers.append(event.moment)
    elif moved:
        story.resumed.append(event.moment)


@lru_cache(maxsize=4096)
def _spoken(text: str) -> str:
    """The words alone, whatever the marks around them."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def tail(text: str) -> str:
    """The last words of a text: what was put before them does not matter."""
    return " ".join(_spoken(text).split()[-TAIL:])


def bare(text: str) -> str:
    """Letters and digits alone, so that a secret is known again in any dress."""
    return _spoken(text).replace(" ", "")
