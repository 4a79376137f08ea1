"""What Jira answers, judged: frozen models that forgive what is missing and what is new.

Each model has ``of(answer)``, which reads decoded JSON of REST v3 (``Comment``, ``IssueBean`` and
``UserDetails`` in Atlassian's OpenAPI) and raises ValueError where the answer cannot be that thing
at all. Texts and names stay out of the errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(value: object) -> datetime:
    """An aware instant in UTC from Jira's ways of writing one.

    Takes ISO 8601 with an offset (``2026-11-22T10:00:00.000+0100``, ``+01:00``, ``Z``, with or
    without seconds and fractions) or whole milliseconds since 1970. Without an offset the instant
    would be a guess, so it is refused.

    Raises:
        ValueError: it is none of these.
    """
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return EPOCH + timedelta(milliseconds=value)
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            if parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("not an instant with an offset")


class _Judged(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Account(_Judged):
    """Somebody, by id alone; the type is ``atlassian``, ``app``, ``customer`` or not known."""

    account_id: str
    account_type: str | None = None

    @classmethod
    def of(cls, answer: object) -> Account:
        account_id = _text(_part(answer, "accountId"))
        if account_id is None:
            raise ValueError("an account without an id")
        return cls(account_id=account_id, account_type=_text(_part(answer, "accountType")))


class Comment(_Judged):
    """A comment as REST v3 gives it.

    Args:
        author: None where nobody is named, as after an account's deletion.
        body: an ADF document, or text where Jira sent none.
        jsd_public: whether a portal's customer may read it; None where Jira did not say.
        visibility: the role or group that it is restricted to, as Jira wrote it.
        properties: by key; empty and not ``properties_known`` where the answer left them out.
    """

    id: str
    author: Account | None = None
    body: object = None
    created: datetime
    updated: datetime
    jsd_public: bool | None = None
    visibility: object | None = None
    properties: dict[str, object] = {}
    properties_known: bool = False

    @property
    def restricted(self) -> bool:
        """Whether a role or a group alone may read it."""
        return self.visibility is not None

    @classmethod
    def of(cls, answer: object) -> Comment:
        comment_id = _text(_part(answer, "id"))
        if comment_id is None:
            raise ValueError("a comment without an id")
        created = instant(_part(answer, "created"))
        public = _part(answer, "jsdPublic")
        listed = _part(answer, "properties")
        return cls(
            id=comment_id,
            author=_somebody(_part(answer, "author")),
            body=_part(answer, "body"),
            created=created,
            updated=_instant_or(_part(answer, "updated"), created),
            jsd_public=public if isinstance(public, bool) else None,
            visibility=_part(answer, "visibility"),
            properties=_by_key(listed),
            properties_known=isinstance(listed, list),
        )


class Issue(_Judged):
    """An issue, as far as the product looks at one.

    Args:
        service_project: whether Jira Service Management runs it; None where Jira did not say.
        status_category: Jira's key: ``new``, ``indeterminate`` or ``done``.
        resolution: whether it has one.
        security_level: the level's id.
        description: an ADF document, or None.
        fields: all that came, as it came.
    """

    id: str
    key: str
    project_id: str
    project_key: str
    service_project: bool | None = None
    issue_type_id: str | None = None
    reporter: Account | None = None
    creator: Account | None = None
    assignee: Account | None = None
    status_name: str | None = None
    status_category: str | None = None
    resolution: bool = False
    security_level: str | None = None
    summary: str = ""
    description: object = None
    created: datetime
    updated: datetime
    fields: Mapping[str, object] = {}

    @property
    def is_done(self) -> bool:
        """Resolved, or in a status of the category done, which is all that some projects have."""
        return self.resolution or self.status_category == "done"

    @classmethod
    def of(cls, answer: object) -> Issue:
        issue_id, key = _text(_part(answer, "id")), _text(_part(answer, "key"))
        fields = _part(answer, "fields")
        project_id = _text(_part(fields, "project", "id"))
        if issue_id is None or key is None or project_id is None or not isinstance(fields, dict):
            raise ValueError("an issue without id, key or project")
        project_type = _text(_part(fields, "project", "projectTypeKey"))
        created = instant(_part(fields, "created"))
        return cls(
            id=issue_id,
            key=key,
            project_id=project_id,
            project_key=_text(_part(fields, "project", "key")) or key.rpartition("-")[0],
            service_project=None if project_type is None else project_type == "service_desk",
            issue_type_id=_text(_part(fields, "issuetype", "id")),
            reporter=_somebody(_part(fields, "reporter")),
            creator=_somebody(_part(fields, "creator")),
            assignee=_somebody(_part(fields, "assignee")),
            status_name=_text(_part(fields, "status", "name")),
            status_category=_text(_part(fields, "status", "statusCategory", "key")),
            resolution=_part(fields, "resolution") is not None,
            security_level=_text(_part(fields, "security", "id")),
            summary=_text(_part(fields, "summary")) or "",
            description=_part(fields, "description"),
            created=created,
            updated=_instant_or(_part(fields, "updated"), created),
            fields=fields,
        )


def _part(value: object, *keys: str) -> object:
    """What stands at the end of a path of keys; None where the path breaks off."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: object) -> str | None:
    """A text that says something; a whole number counts, since ids are written both ways."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def _somebody(value: object) -> Account | None:
    try:
        return Account.of(value)
    except ValueError:
        return None


def _instant_or(value: object, otherwise: datetime) -> datetime:
    try:
        return instant(value)
    except ValueError:
        return otherwise


def _by_key(listed: object) -> dict[str, object]:
    """``[{"key": …, "value": …}]`` as a dict; entries of another shape are left out."""
    entries = listed if isinstance(listed, list) else []
    return {
        entry["key"]: entry.get("value")
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("key"), str)
    }
