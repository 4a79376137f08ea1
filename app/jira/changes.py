"""What changed on a site of late: one search, which costs a point and one more for each issue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from app.errors import JiraRefused, JiraUnavailable
from app.jira.client import JiraClient
from app.jira.types import Issue

OPERATION = "search changes"
FIELDS = "project,issuetype,summary,description,created,updated"
PAGE = 50
MOST_NAMED = 200
"""Projects in one query; a longer one would not fit into an address."""


@dataclass(frozen=True)
class Where:
    """Ids of the projects that are looked at: ``only`` these, or where it is None all ``but``."""

    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()

    def clause(self) -> str:
        """In JQL; empty where the projects are all, or too many to be named."""
        named = self.but if self.only is None else self.only
        if not named or len(named) > MOST_NAMED or not all(one.isdecimal() for one in named):
            return ""
        listed = ",".join(sorted(named, key=int))
        return f"project {'not in' if self.only is None else 'in'} ({listed})"


async def updated_within(
    client: JiraClient, minutes: int, where: Where
) -> AsyncIterator[tuple[Issue, ...]]:
    """Pages of the issues that were updated in the last ``minutes``, the longest ago first.

    The instant is given relative to Jira's own clock: an absolute one would be read in the time
    zone of the app's account. Projects outside ``where`` may be among them. An issue that is
    updated meanwhile moves to the end and comes again; one that is deleted does not come.
    """
    recent = f'updated >= "-{minutes}m" ORDER BY updated ASC'
    clause = where.clause()
    jql = f"{clause} AND {recent}" if clause else recent
    token, size = "", PAGE
    while True:
        try:
            found, following = await _page(client, jql, token, size)
        except JiraRefused:
            if token or jql == recent:
                raise
            jql = recent  # Jira refuses the whole query where one of its projects is gone
            continue
        except JiraUnavailable as error:
            if error.status != 200 or size == 1:
                raise
            size = max(1, size // 5)  # too long to be read whole
            continue
        yield found
        if following is None:
            return
        if following == token:
            raise JiraUnavailable(OPERATION, 200)
        token = following


async def _page(
    client: JiraClient, jql: str, token: str, size: int
) -> tuple[tuple[Issue, ...], str | None]:
    """Issues, and the token of the page after them; None behind the last."""
    params: dict[str, str | int] = {"jql": jql, "fields": FIELDS, "maxResults": size}
    if token:
        params["nextPageToken"] = token
    answer = await client.request(OPERATION, "GET", "/rest/api/3/search/jql", params=params)
    listed = answer.get("issues") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(listed, list):
        raise JiraUnavailable(OPERATION, 200)
    following = answer.get("nextPageToken")
    more = isinstance(following, str) and following and answer.get("isLast") is not True
    found = tuple(issue for each in listed if (issue := _issue(each)) is not None)
    return found, following if more else None


def _issue(answer: object) -> Issue | None:
    """None where it cannot be read: one such issue must not hide those behind it."""
    try:
        return Issue.of(answer)
    except ValueError:
        return None
