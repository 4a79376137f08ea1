"""Issues and their comments: read, told apart, written, found again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from app.errors import (
    JiraDenied,
    JiraError,
    JiraNotFound,
    JiraRateLimited,
    JiraRefused,
    JiraUnavailable,
)
from app.jira.client import JiraClient, segment
from app.jira.types import Account, Comment, Issue

MARK = "jira-chatkit"
ADD_COMMENT = "add comment"
ISSUE_FIELDS = (
    "project,issuetype,reporter,creator,assignee,status,resolution,security,"
    "summary,description,created,updated"
)
PAGE = 100
MOST_COMMENTS = 5_000  # Jira's own cap on an issue
MOST_IDS = 100  # in one question; Jira takes 1,000
CLOCKS_APART = timedelta(minutes=5)

T = TypeVar("T")


async def myself(client: JiraClient) -> Account:
    """The app's own account on the tenant's site."""
    operation = "read own account"
    answer = await client.request(operation, "GET", "/rest/api/3/myself")
    return _judged(operation, Account.of, answer)


async def issue(client: JiraClient, issue_id: str) -> Issue:
    """An issue by id or key."""
    operation = "read issue"
    path = f"/rest/api/3/issue/{segment(operation, issue_id)}"
    answer = await client.request(operation, "GET", path, params={"fields": ISSUE_FIELDS})
    found = _judged(operation, Issue.of, answer)
    if found.service_project is None:
        kind = await _is_service_project(client, found.project_id)
        found = found.model_copy(update={"service_project": kind})
    return found


async def _is_service_project(client: JiraClient, project_id: str) -> bool | None:
    """Asked of the project, where its issue does not say; None where that does not help."""
    operation = "read project"
    try:
        path = f"/rest/api/3/project/{segment(operation, project_id)}"
        answer = await client.request(operation, "GET", path)
    except (JiraDenied, JiraNotFound, JiraRefused):
        return None
    kind = answer.get("projectTypeKey") if isinstance(answer, dict) else None
    return kind == "service_desk" if isinstance(kind, str) else None


async def comment(client: JiraClient, issue_id: str, comment_id: str) -> Comment:
    """One comment as it stands now."""
    operation = "read comment"
    path = f"{_comments(operation, issue_id)}/{segment(operation, comment_id)}"
    answer = await client.request(operation, "GET", path, params={"expand": "properties"})
    return _judged(operation, Comment.of, answer)


async def comments_by_id(client: JiraClient, issue_id: str, ids: Collection[str]) -> list[Comment]:
    """Those of the issue's comments that Jira gives at once, with properties, as they stand now.

    One point however many they are, by Atlassian's table, which charges a POST so; ``comment``
    costs two each. What is missing here may still be there, whether Jira left it out or did not
    answer: ask for it with ``comment``, whose answer decides.

    Args:
        client: whose app reads.
        issue_id: the numeric id. A comment of another issue is left out.
        ids: of comments.

    Raises:
        JiraRateLimited: 429.
    """
    operation = "list comments by id"
    numbers = [int(each) for each in ids if each.isascii() and each.isdigit()][:MOST_IDS]
    if not numbers:
        return []
    try:
        answer = await client.request(
            operation,
            "POST",
            "/rest/api/3/comment/list",
            params={"expand": "properties"},
            json={"ids": numbers},
            idempotent=True,
        )
    except JiraRateLimited:
        raise
    except JiraError:
        return []
    listed = answer.get("values") if isinstance(answer, dict) else None
    found: list[Comment] = []
    for each in listed if isinstance(listed, list) else []:
        address = each.get("self") if isinstance(each, dict) else None
        if isinstance(address, str) and f"/issue/{issue_id}/comment/" in address:
            with suppress(ValueError):
                found.append(Comment.of(each))
    return [comment for comment in found if comment.id in ids]


async def newest_comments(client: JiraClient, issue_id: str, limit: int = 50) -> list[Comment]:
    """The newest ``limit`` comments, the newest first."""
    found: list[Comment] = []
    async for each in _newest_first(client, issue_id, page=min(limit, PAGE)):
        found.append(each)
        if len(found) == limit:
            break
    return found


async def comments_since(client: JiraClient, issue_id: str, since: datetime) -> list[Comment]:
    """All comments created in the millisecond of ``since`` or later, the newest first.

    Jira cuts its instants to milliseconds. A comment that is deleted while pages are read may
    hide another at a page's edge.
    """
    since = since.replace(microsecond=since.microsecond // 1000 * 1000)
    found: list[Comment] = []
    async for each in _newest_first(client, issue_id, page=PAGE):
        if each.created < since:
            break
        found.append(each)
    return found


async def add_comment(
    client: JiraClient,
    issue_id: str,
    adf: Mapping[str, object],
    *,
    internal: bool,
    mark: Mapping[str, object],
) -> Comment:
    """Post a comment once; this is never repeated here.

    Args:
        client: whose app writes.
        issue_id: an id or key.
        adf: the document.
        internal: an internal note. Read it back with ``verify_internal`` before trusting that.
        mark: the property by which ``find_marked`` finds it.

    Raises:
        JiraUnavailable: with ``maybe_done``, the comment may stand: look for its mark first.
        JiraRefused: with status 413, the issue or the comment is full.
    """
    operation = ADD_COMMENT
    path = _comments(operation, issue_id)
    properties: list[dict[str, object]] = [{"key": MARK, "value": dict(mark)}]
    if internal:
        properties.append({"key": "sd.public.comment", "value": {"internal": True}})
    await client.before_write(operation, issue_id)
    answer = await client.request(
        operation, "POST", path, json={"body": dict(adf), "properties": properties}
    )
    return _judged(operation, Comment.of, answer, maybe_done=True)


async def blank_comment(
    client: JiraClient, issue_id: str, comment_id: str, adf: Mapping[str, object]
) -> None:
    """Put other words in the place of a comment's of ours; one that is gone is no error.

    The app asks for no right to delete. Properties are left out, so that they survive.
    """
    operation = "blank comment"
    path = f"{_comments(operation, issue_id)}/{segment(operation, comment_id)}"
    await client.before_write(operation, issue_id)
    try:
        await client.request(operation, "PUT", path, json={"body": dict(adf)}, idempotent=True)
    except JiraNotFound:
        return


async def verify_internal(client: JiraClient, issue_id: str, comment_id: str) -> bool:
    """Whether Jira itself, asked anew, does not call the comment public.

    Our own property says what we asked for, not what Jira made of it: ``jsdPublic`` decides.
    """
    return (await comment(client, issue_id, comment_id)).jsd_public is not True


async def mark_of(client: JiraClient, comment: Comment) -> dict[str, object] | None:
    """The comment's mark, whoever set it; asked for where the comment came without properties.

    Believe it only on a comment by our own account.
    """
    value = (await with_property(client, comment, MARK)).properties.get(MARK)
    return value if isinstance(value, dict) else None


async def with_property(client: JiraClient, comment: Comment, key: str) -> Comment:
    """The comment with that property, asked for where it came without properties."""
    if comment.properties_known:
        return comment
    operation = "read comment property"
    path = f"/rest/api/3/comment/{segment(operation, comment.id)}/properties/{key}"
    try:
        answer = await client.request(operation, "GET", path)
    except JiraNotFound:
        return comment
    value = answer.get("value") if isinstance(answer, dict) else None
    return comment.model_copy(update={"properties": {**comment.properties, key: value}})


async def find_marked(
    client: JiraClient,
    issue_id: str,
    turn_id: str,
    *,
    since: datetime,
    own_account_id: str,
    role: str = "assistant",
    item_id: str | None = None,
) -> Comment | None:
    """Our comment for a turn, the oldest where there should be several.

    Args:
        client: whose app wrote it.
        issue_id: an id or key.
        turn_id: the mark's.
        since: when it was first tried to post it, by our clock; Jira's may be five minutes off.
        own_account_id: marks on other people's comments are not believed.
        role: the mark's: ``assistant``, or ``user`` for a person's message that we brought.
        item_id: the mark's, where the comment is told by that instead.
    """
    told_by = {"turn_id": turn_id} if item_id is None else {"item_id": item_id}
    wanted = {**told_by, "role": role}
    for each in reversed(await comments_since(client, issue_id, since - CLOCKS_APART)):
        if each.author is None or each.author.account_id != own_account_id:
            continue
        mark = await mark_of(client, each)
        if mark is not None and wanted.items() <= _plain(mark).items():
            return each
    return None


async def _newest_first(client: JiraClient, issue_id: str, *, page: int) -> AsyncIterator[Comment]:
    """Each comment once, although new ones push old ones to the next page meanwhile."""
    operation = "list comments"
    path = _comments(operation, issue_id)
    seen: set[str] = set()
    start = 0
    while start < MOST_COMMENTS:
        try:
            answer = await client.request(
                operation,
                "GET",
                path,
                params={
                    "orderBy": "-created",
                    "startAt": start,
                    "maxResults": page,
                    "expand": "properties",
                },
            )
        except JiraUnavailable as error:
            if error.status != 200 or page == 1:
                raise
            page = max(1, page // 4)  # too long to be read whole
            continue
        listed = answer.get("comments") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise JiraUnavailable(operation, 200)
        read = [_judged(operation, Comment.of, each) for each in listed]
        for each in sorted(read, key=_age, reverse=True):
            if each.id not in seen:
                seen.add(each.id)
                yield each
        start += len(listed)
        total = answer.get("total") if isinstance(answer, dict) else None
        if not listed or (isinstance(total, int) and start >= total):
            return


def _comments(operation: str, issue_id: str) -> str:
    return f"/rest/api/3/issue/{segment(operation, issue_id)}/comment"


def _age(comment: Comment) -> tuple[datetime, int, str]:
    """By ``created``; within one millisecond by id, which grows."""
    return comment.created, len(comment.id), comment.id


def _plain(mark: dict[str, object]) -> dict[str, str]:
    return {key: value for key, value in mark.items() if isinstance(value, str)}


def _judged(
    operation: str, read: Callable[[object], T], answer: object, *, maybe_done: bool = False
) -> T:
    try:
        return read(answer)
    except ValueError:
        raise JiraUnavailable(operation, 200, maybe_done=maybe_done) from None
