"""Forge's events, parsed. Sources: Atlassian, "Jira events" and "Life cycle events".

The payload stands at the top level of the body. There is no delivery id, and a repeated try adds
``retryContext``: so a comment's event is named by the comment and its ``updated``, any other one
by its body without that.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from app.doors.arrivals import Arrival, Happening
from app.errors import BadRequest

COMMENTED = "avi:jira:commented:issue"
EVENTS: dict[str, Happening] = {
    COMMENTED: "comment_created",
    "avi:jira:deleted:comment": "comment_deleted",
    "avi:jira:created:issue": "issue_created",
    "avi:jira:updated:issue": "issue_updated",
    "avi:jira:deleted:issue": "issue_deleted",
}
LIFECYCLE: dict[str, Literal["installed", "upgraded", "uninstalled"]] = {
    "avi:forge:installed:app": "installed",
    "avi:forge:upgraded:app": "upgraded",
    "avi:forge:uninstalled:app": "uninstalled",
}
RETRY = "retryContext"
MAX_CHANGED = 50

_ISSUE_IN_SELF = re.compile(r"/issue/([0-9]{1,20})(?:/comment/|$)")


@dataclass(frozen=True, slots=True)
class AppEvent:
    """Something happened to the app itself.

    Attributes:
        installation_id: of which the body speaks; None where it names none.
        retried: the platform tells it again.
    """

    kind: Literal["installed", "upgraded", "uninstalled"]
    installation_id: str | None
    retried: bool


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _or_none(value: object, judge: ValidatorFunctionWrapHandler) -> object:
    try:
        return judge(value)
    except ValidationError:
        return None


def _instant(value: object) -> object:
    """Jira writes the offset without a colon; a number is milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC) if 0 <= value <= _LATEST else None
    found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    return found.astimezone(UTC) if found is not None and found.tzinfo else None


_LATEST = 32_503_680_000_000
Lenient = WrapValidator(_or_none)
"""For what helps and is not needed: an event that was refused is told but four times more."""
JiraId = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[0-9]{1,20}$")]
AccountId = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, Field(max_length=2_000)]
Name = Annotated[str, Field(max_length=255)]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _User(_Part):
    account_id: Annotated[AccountId | None, Lenient] = Field(default=None, alias="accountId")


class _Comment(_Part):
    id: JiraId
    self: Annotated[Address | None, Lenient] = None
    author: Annotated[_User | None, Lenient] = None
    created: Annotated[Instant | None, Lenient] = None
    updated: Annotated[Instant | None, Lenient] = None


class _Issue(_Part):
    id: Annotated[JiraId | None, Lenient] = None
    self: Annotated[Address | None, Lenient] = None


class _Change(_Part):
    field: Annotated[Name | None, Lenient] = None


class _Changelog(_Part):
    items: Annotated[tuple[Annotated[_Change | None, Lenient], ...] | None, Lenient] = None


class _Event(_Part):
    kind: str = Field(alias="eventType", max_length=100)
    timestamp: Annotated[Instant | None, Lenient] = None
    actor: Annotated[AccountId | None, Lenient] = Field(default=None, alias="atlassianId")
    issue: Annotated[_Issue | None, Lenient] = None
    comment: _Comment | None = None
    changelog: Annotated[_Changelog | None, Lenient] = None


def about_the_app(body: bytes) -> AppEvent | None:
    """What a body tells of the app itself; None of any other one, readable or not."""
    told = _read(body)
    kind = told.get("eventType")
    event = LIFECYCLE.get(kind) if isinstance(kind, str) else None
    if event is None:
        return None
    named = told.get("id")
    return AppEvent(event, named if isinstance(named, str) and named else None, RETRY in told)


def parse(body: bytes, received: datetime) -> Arrival | None:
    """What an event tells; None for one that nobody here asked for.

    Raises:
        BadRequest: naming the first part that cannot be read.
    """
    try:
        told = _Event.model_validate_json(body)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise BadRequest(f"event: {where or 'body'} cannot be read") from None
    event = EVENTS.get(told.kind)
    if event is None:
        return None
    if told.comment is None and event.startswith("comment_"):
        raise BadRequest("event: comment is missing")
    if event == "comment_created" and _is_edited(told.comment):
        event = "comment_updated"
    return Arrival(
        identifier=_identifier(body, told),
        event=event,
        issue_id=_issue_id(told),
        occurred_at=_occurred_at(told) or received,
        comment_id=told.comment.id if told.comment else None,
        actor_id=told.actor or _author(told),
        author_id=_author(told),
        changed=_changed(told),
    )


def _is_edited(comment: _Comment | None) -> bool:
    """Creating and editing are one event; the times tell them apart, and fetching it decides."""
    return (
        comment is not None
        and comment.created is not None
        and comment.updated is not None
        and comment.updated > comment.created
    )


def _occurred_at(told: _Event) -> datetime | None:
    if told.timestamp is not None:
        return told.timestamp
    return told.comment.updated if told.comment and told.kind == COMMENTED else None


def _identifier(body: bytes, told: _Event) -> str:
    if told.comment is not None and told.comment.updated is not None:
        named: object = [told.kind, told.comment.id, told.comment.updated.isoformat()]
    else:
        named = {name: value for name, value in _read(body).items() if name != RETRY}
    text = json.dumps(named, sort_keys=True, separators=(",", ":"))
    return "forge:" + hashlib.sha256(text.encode()).hexdigest()


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _issue_id(told: _Event) -> str:
    if told.issue is not None and told.issue.id is not None:
        return told.issue.id
    for part in (told.issue, told.comment):
        if part and part.self and (found := _ISSUE_IN_SELF.search(part.self)):
            return found[1]
    raise BadRequest("event: issue is missing, and comment.self does not name it")


def _author(told: _Event) -> str | None:
    author = told.comment.author if told.comment else None
    return author.account_id if author else None


def _changed(told: _Event) -> tuple[str, ...]:
    items = (told.changelog and told.changelog.items) or ()
    return tuple(item.field for item in items if item is not None and item.field)[:MAX_CHANGED]
