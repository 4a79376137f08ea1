"""Connect's webhooks, parsed. Source: Jira Cloud platform, Webhooks (2026-01-28)."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import core_schema

from app.doors.arrivals import Arrival, Happening
from app.errors import BadRequest

EVENTS: dict[str, Happening] = {
    "comment_created": "comment_created",
    "comment_updated": "comment_updated",
    "comment_deleted": "comment_deleted",
    "jira:issue_created": "issue_created",
    "jira:issue_updated": "issue_updated",
    "jira:issue_deleted": "issue_deleted",
}
MAX_CHANGED = 50

_ISSUE_IN_SELF = re.compile(r"/issue/([0-9]{1,20})(?:/comment/|$)")


JiraId = Annotated[str, Field(coerce_numbers_to_str=True, pattern=r"^[0-9]{1,20}$")]
AccountId = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, Field(max_length=2_000)]
FieldName = Annotated[str, Field(max_length=255)]
Milliseconds = Annotated[int, Field(ge=0, le=32_503_680_000_000)]


class _Lenient:
    """None in the place of what cannot be read, decided without a way back into Python."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_default_schema(handler(source), default=None, on_error="default")


Lenient = _Lenient()
"""For what helps and is not needed: Jira does not repeat a delivery that was refused."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _User(_Part):
    account_id: Annotated[AccountId | None, Lenient] = Field(default=None, alias="accountId")


class _Comment(_Part):
    id: JiraId
    self: Annotated[Address | None, Lenient] = None
    author: Annotated[_User | None, Lenient] = None
    update_author: Annotated[_User | None, Lenient] = Field(default=None, alias="updateAuthor")


class _Issue(_Part):
    id: Annotated[JiraId | None, Lenient] = None
    self: Annotated[Address | None, Lenient] = None


class _Change(_Part):
    field: Annotated[FieldName | None, Lenient] = None


class _Changelog(_Part):
    items: Annotated[tuple[Annotated[_Change | None, Lenient], ...] | None, Lenient] = None


class _Webhook(_Part):
    event: str = Field(alias="webhookEvent", max_length=100)
    timestamp: Annotated[Milliseconds | None, Lenient] = None
    user: Annotated[_User | None, Lenient] = None
    issue: Annotated[_Issue | None, Lenient] = None
    comment: _Comment | None = None
    changelog: Annotated[_Changelog | None, Lenient] = None


def parse(body: bytes, identifier: str | None, received: datetime) -> Arrival | None:
    """What a delivery tells; None for an event that nobody here asked for.

    Args:
        identifier: Jira's ``X-Atlassian-Webhook-Identifier``. Without one, the body's own
            digest serves: the same delivery has the same body.
        received: when it came in, for a body that does not say when it happened.

    Raises:
        BadRequest: naming the first part that cannot be read.
    """
    try:
        hook = _Webhook.model_validate_json(body)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise BadRequest(f"webhook: {where or 'body'} cannot be read") from None
    event = EVENTS.get(hook.event)
    if event is None:
        return None
    if hook.comment is None and event.startswith("comment_"):
        raise BadRequest("webhook: comment is missing")
    return Arrival(
        identifier=_identifier(body, identifier),
        event=event,
        issue_id=_issue_id(hook),
        occurred_at=(
            datetime.fromtimestamp(hook.timestamp / 1000, UTC) if hook.timestamp else received
        ),
        comment_id=hook.comment.id if hook.comment else None,
        actor_id=_actor(hook),
        author_id=_account(hook.comment.author) if hook.comment else None,
        changed=_changed(hook),
    )


def _identifier(body: bytes, given: str | None) -> str:
    if given and len(given) <= 255:
        return given
    return "sha256:" + hashlib.sha256(given.encode() if given else body).hexdigest()


def _issue_id(hook: _Webhook) -> str:
    if hook.issue is not None and hook.issue.id is not None:
        return hook.issue.id
    addresses = (hook.issue and hook.issue.self, hook.comment and hook.comment.self)
    for address in addresses:
        if address and (found := _ISSUE_IN_SELF.search(address)):
            return found[1]
    raise BadRequest("webhook: issue is missing, and comment.self does not name it")


def _actor(hook: _Webhook) -> str | None:
    if hook.user is not None:
        return hook.user.account_id
    if hook.comment is None:
        return None
    return _account(hook.comment.update_author) or _account(hook.comment.author)


def _account(user: _User | None) -> str | None:
    return user.account_id if user else None


def _changed(hook: _Webhook) -> tuple[str, ...]:
    items = (hook.changelog and hook.changelog.items) or ()
    return tuple(item.field for item in items if item is not None and item.field)[:MAX_CHANGED]
