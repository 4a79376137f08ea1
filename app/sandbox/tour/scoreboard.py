"""The scoreboard: what was asked, answered, lost, answered twice, and given away. Pure.

Whom the assistant answers is decided in ``rules.py``; here, what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from app.sandbox.jira.model import Issue
from app.sandbox.tour.rules import Rules, wants_an_answer
from app.sandbox.tour.witness import Exchange, Message, Reply, Stands, Story, bare

PATIENCE = timedelta(seconds=60)
"""A question is lost when it waits this long after the last thing that happened to it."""
TROUBLED = timedelta(minutes=7)
"""The same, after Jira or OpenAI failed: the app tries again ever more rarely."""
KILLED = timedelta(seconds=3)
"""What the app gave up so soon after a kill, it gave up because of it."""

GIVEN_UP = frozenset({"closed", "broken"})

State = Literal["answered", "drafted", "waiting", "person", "taken back", "lost"]


@dataclass(frozen=True)
class Seen:
    """All that is judged.

    Attributes:
        exchanges: oldest first; None where the model is not ours to watch.
        rules: what held for a message when it was first seen, and what holds for an issue now.
        since: what was said until then is not counted.
        secrets: what may be in no public comment and in no public turn's input.
        kills: when the worker was killed.
        troubled: when Jira or OpenAI last failed.
    """

    stories: Mapping[str, Story]
    exchanges: Sequence[Exchange] | None
    stands: Stands
    app_account: str
    rules: Callable[[Issue, str | None], Rules]
    now: datetime
    since: datetime
    secrets: Sequence[str] = ()
    kills: Sequence[datetime] = ()
    troubled: datetime | None = None


@dataclass(frozen=True)
class Score:
    """``states`` counts the questions by what has become of them."""

    questions: int = 0
    replies: int = 0
    lost: int = 0
    doubled: int = 0
    leaked: int = 0
    states: Mapping[str, int] = field(default_factory=dict)


def count(seen: Seen) -> Score:
    states: dict[str, int] = {}
    replies = doubled = 0
    for story in seen.stories.values():
        judge = _Judge(story, seen)
        for state in judge.states():
            states[state] = states.get(state, 0) + 1
        replies += sum(reply.at > seen.since for reply in story.replies.values())
        doubled += judge.doubled()
    return Score(
        questions=sum(states.values()),
        replies=replies,
        lost=states.get("lost", 0),
        doubled=doubled,
        leaked=len(leaks(seen)),
        states=states,
    )


class _Judge:
    """What became of the questions of one issue."""

    def __init__(self, story: Story, seen: Seen) -> None:
        self._story = story
        self._seen = seen
        self._exchanges = public_exchanges(seen)
        self._read = _readings(story, self._exchanges)

    def states(self) -> list[State]:
        """Of each message that is a question, or was answered as one."""
        messages = self._story.messages.items()
        since = self._seen.since
        found = [self._state(key, message) for key, message in messages if message.at > since]
        return [state for state in found if state is not None]

    def doubled(self) -> int:
        """Replies of a turn that had one, and replies to nothing that was new to them."""
        turns: set[str | None] = set()
        old: set[str] = set()
        count = 0
        for reply, read in zip(self._replies, self._read, strict=True):
            again = reply.turn_id is not None and reply.turn_id in turns
            if again or (not read - old and self._is_to_what_jira_shows(reply)):
                count += reply.at > self._seen.since
            turns.add(reply.turn_id)
            old |= read
        return count

    @property
    def _replies(self) -> list[Reply]:
        return list(self._story.replies.values())

    def _is_to_what_jira_shows(self, reply: Reply) -> bool:
        """Whether it could answer only what stands in Jira, and by the app's own doing.

        Who approves drafts may approve two for one question. What the team asks in private
        stands nowhere, and yet its answer may be posted. Where nobody saw the model, the turns
        alone are told apart.
        """
        if self._seen.exchanges is None or self._rules().mode == "draft":
            return False
        if any(message.brought == reply.turn_id for message in self._story.messages.values()):
            return False
        private = [one for one in self._seen.exchanges if one not in self._exchanges]
        return not any(
            one.begun < reply.at and one.heard(message)
            for one in private
            for message in self._story.messages.values()
        )

    def _state(self, key: str, message: Message) -> State | None:
        if self._is_answered(key, message):
            return "answered"
        rules, standing = self._rules(key), self._seen.stands(message.author, self._story.issue)
        if not wants_an_answer(message, rules, self._story, standing, self._seen.app_account):
            return None
        heard = [one for one in self._exchanges if one.heard(message)]
        if message.gone or self._story.deleted:
            return "taken back"
        if self._is_in_a_persons_hands(message, heard):
            return "person"
        if rules.mode == "draft" and any(one.end == "answered" for one in heard):
            return "drafted"
        return "lost" if self._is_lost(message, rules, heard) else "waiting"

    def _is_answered(self, key: str, message: Message) -> bool:
        if any(key in read for read in self._read):
            return True
        turns = {reply.turn_id for reply in self._replies}
        return message.brought is not None and message.brought in turns

    def _is_in_a_persons_hands(self, message: Message, heard: list[Exchange]) -> bool:
        """Somebody took over, paused the assistant, or stopped this very answer."""
        rules = self._rules()
        taken = rules.answer_to == "reporter" and self._story.taken_over_since(message.at)
        if taken or rules.paused:
            return True
        stopped = heard and heard[-1].end == "closed" and not self._was_killed(heard[-1])
        return bool(stopped)

    def _was_killed(self, exchange: Exchange) -> bool:
        assert exchange.ended is not None
        return any(at <= exchange.ended <= at + KILLED for at in self._seen.kills)

    def _is_lost(self, message: Message, rules: Rules, heard: list[Exchange]) -> bool:
        seen, now = self._seen, self._rules()
        if now.mode == "off" or now.since > message.at:
            return False  # somebody has switched it off, or the app was away
        if seen.exchanges is None and rules.mode == "draft":
            return False  # a draft is not in Jira, and nobody saw the model
        if any(one.end is None for one in heard):
            return False
        ends = [one.ended for one in heard if one.ended]
        last = max([message.at, self._story.last, *ends, *seen.kills])
        if seen.troubled is not None and seen.now - seen.troubled < TROUBLED:
            return False
        return seen.now - last >= PATIENCE

    def _rules(self, message: str | None = None) -> Rules:
        return self._seen.rules(self._story.issue, message)


def _readings(story: Story, exchanges: Sequence[Exchange]) -> list[set[str]]:
    """For each reply the messages that it had read, by the request to the model behind it.

    Where none was seen, it may have read whatever had been said.
    """
    readings: list[set[str]] = []
    after = -1
    for reply in story.replies.values():
        read = {key for key, message in story.messages.items() if message.at < reply.at}
        for number, exchange in enumerate(exchanges):
            if number <= after or exchange.begun >= reply.at or exchange.end in GIVEN_UP:
                continue
            heard = {key for key, said in story.messages.items() if exchange.heard(said)}
            if heard:
                after, read = number, heard
        readings.append(read)
    return readings


def leaks(seen: Seen) -> set[tuple[str, str]]:
    """Where a secret was found: a public comment of the app, or a public turn's input.

    What a person has told everybody is none any more. A request counts as public unless its
    question stands nowhere in Jira: then the team asked it among themselves.
    """
    found: set[tuple[str, str]] = set()
    for secret in {bare(one) for one in seen.secrets}:
        told = [m for s in seen.stories.values() for m in s.messages.values()]
        if any(secret in bare(text) for message in told for text in message.texts):
            continue
        for story in seen.stories.values():
            for key, reply in story.replies.items():
                if any(secret in bare(text) for text in reply.texts):
                    found.add(("comment", key))
        for number, exchange in enumerate(public_exchanges(seen)):
            if secret in bare(exchange.given):
                found.add(("model", str(number)))
    return found


def public_exchanges(seen: Seen) -> list[Exchange]:
    """The requests whose questions everybody may read, and their answers."""
    exchanges = seen.exchanges or ()
    named = {one.thread for one in exchanges if one.thread and _is_of_jira(one, seen.stories)}
    return [one for one in exchanges if one.thread in named or _is_of_jira(one, seen.stories)]


def _is_of_jira(exchange: Exchange, stories: Mapping[str, Story]) -> bool:
    """Whether what the model was asked stands in Jira, as a comment or an issue's text."""
    return any(
        exchange.asks(text)
        for story in stories.values()
        for texts in (
            *(message.texts for message in story.messages.values()),
            list(story.notes.values()),
        )
        for text in texts
    )
