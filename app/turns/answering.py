"""Who is answered, when, and when not. Pure: everything it decides on is handed in.

``judge`` looks at one message when it is first seen; ``plan`` at a thread when it is due.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.turns.automatic_mail import automatic_mail
from app.turns.policy import SETTLE_AT_MOST, Policy, ReplyAs

Standing = Literal["ourselves", "app", "customer", "agent", "other"]
"""Of a writer on an issue.

*customer*: its reporter, a request participant, a member of its organisation, an approver, a
portal customer. *agent*: none of these, and may work the issue. *app*: another app's account.
"""

Verdict = Literal["answer", "draft", "ignore"]

_ESCAPED = re.compile(r"\\([^\w\s]|_)")


@dataclass(frozen=True)
class Message:
    """A public message, as it is judged."""

    text: str
    standing: Standing
    created: datetime
    mentions: tuple[str, ...] = ()


def judge(message: Message, policy: Policy, *, app_account: str | None, now: datetime) -> Verdict:
    """Whether a message is a question to the assistant: answered, drafted for, or neither."""
    if message.standing in {"ourselves", "app"} or policy.mode == "off":
        return "ignore"
    if message.created < policy.mode_since or not message.text.strip():
        return "ignore"
    if automatic_mail(message.text) or not _addressed(message, policy, app_account):
        return "ignore"
    if policy.mode == "draft" or message.created < now - policy.answer_within:
        return "draft"
    return "answer"


def _addressed(message: Message, policy: Policy, app_account: str | None) -> bool:
    if any(mention != app_account for mention in message.mentions):
        return False
    if policy.answer_to == "everyone":
        return True
    if policy.answer_to == "reporter":
        return message.standing == "customer"
    named = app_account is not None and app_account in message.mentions
    return named or _begins_with(policy.trigger_word.strip().lower(), message.text)


def _begins_with(word: str, markdown: str) -> bool:
    """Whether the text begins with that whole word, as it was typed. An empty one calls nobody."""
    typed = _ESCAPED.sub(r"\1", markdown).lstrip().lower()
    return bool(word) and typed.startswith(word) and not typed[len(word) :][:1].isalnum()


def takes_over(message: Message, policy: Policy) -> bool:
    """Whether this message is a person answering in the assistant's place."""
    return (
        policy.mode != "off"
        and policy.answer_to == "reporter"
        and message.standing == "agent"
        and message.created >= policy.mode_since
        and not automatic_mail(message.text)
    )


@dataclass(frozen=True)
class Question:
    """An item that waits for an answer."""

    item_id: str
    created: datetime
    seen: datetime  # by our clock
    as_draft: bool
    direct: bool = False  # written to the assistant itself
    note: bool = False  # it stands in Jira as an internal note, or not at all


@dataclass(frozen=True)
class Rest:
    """The assistant rests on this issue, because a person speaks or asked it to."""

    until: datetime | None
    spoken_at: datetime | None
    since: datetime | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to answer. ``forget``: items that will not be answered any more."""

    forget: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wait:
    """Look again at ``until``."""

    until: datetime


@dataclass(frozen=True)
class HandOver:
    """Too many replies: a person is needed."""


@dataclass(frozen=True)
class Answer:
    """Answer these, all at once, in this way."""

    item_ids: tuple[str, ...]
    reply_as: ReplyAs
    forget: tuple[str, ...] = ()


Plan = Nothing | Wait | HandOver | Answer


def plan(
    questions: Sequence[Question],
    policy: Policy,
    rest: Rest,
    *,
    service_project: bool | None,
    replies_last_hour: int,
    now: datetime,
) -> Plan:
    """What is to be done on a public thread now."""
    if questions and policy.mode != "off" and rest.until is not None and rest.until > now:
        questions = [question for question in questions if _asked_at_rest(question, rest)]
        if not questions:
            return Wait(rest.until)
    forget = _passed_over(questions, policy, rest, now)
    questions = [question for question in questions if question.item_id not in forget]
    if not questions:
        return Nothing(forget)
    if (settled := settled_at(questions, policy)) > now:
        return Wait(settled)
    reply_as = policy.reply_as(service_project=service_project)
    if all(_stale(question, policy, now) for question in questions):
        reply_as = "draft"
    if reply_as != "draft" and replies_last_hour >= policy.max_replies:
        return HandOver()
    if reply_as == "public" and any(question.note for question in questions):
        reply_as = "internal"
    return Answer(tuple(question.item_id for question in questions), reply_as, forget)


def _asked_at_rest(question: Question, rest: Rest) -> bool:
    """Whether somebody asked the assistant itself although, and after, it rested."""
    return question.direct and rest.since is not None and question.seen > rest.since


def _passed_over(
    questions: Sequence[Question], policy: Policy, rest: Rest, now: datetime
) -> tuple[str, ...]:
    """What a person had the chance to answer, or nobody waits for any more."""
    if policy.mode == "off":
        return tuple(question.item_id for question in questions)
    spoken, oldest = rest.spoken_at, now - policy.answer_within
    if spoken is None:
        return ()
    rested = rest.until or spoken  # what came later was asked of nobody but the assistant
    return tuple(
        q.item_id
        for q in questions
        if (q.created <= spoken or (q.created < oldest and q.created < rested))
        and not (q.direct and q.seen > spoken)  # a person wants an answer to it all the same
    )


def settled_at(questions: Sequence[Question], policy: Policy) -> datetime:
    """When people have had time to finish: after the last message, soon after the first."""
    last = max(question.seen for question in questions) + policy.settle_for
    return min(last, min(question.seen for question in questions) + SETTLE_AT_MOST)


def _stale(question: Question, policy: Policy, now: datetime) -> bool:
    return question.as_draft or question.created < now - policy.answer_within


def hour_before(now: datetime) -> datetime:
    """Since when an issue's replies are counted."""
    return now - timedelta(hours=1)
