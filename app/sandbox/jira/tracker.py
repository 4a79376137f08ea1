"""The issues and comments of the simulated site, and what is told when they change.

Every method may be called from any thread. Each change is made under one lock and then given
to ``tell``, in the order in which the changes were made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.clock import Clock
from app.sandbox.jira import adf, seeds
from app.sandbox.jira.directory import Directory, Missing
from app.sandbox.jira.events import Change, Event
from app.sandbox.jira.model import (
    Comment,
    Document,
    Issue,
    Project,
    SecurityLevel,
    Status,
    User,
    Visibility,
)

Tell = Callable[[Event], None]
INTERNAL_PROPERTY = "sd.public.comment"


class Tracker:
    """Issues and comments in memory."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._tell = tell
        self._issues: dict[str, Issue] = {}
        self._comments: dict[str, dict[str, Comment]] = {}
        self._next = {"issue": 10_000, "comment": 10_100, "change": 20_000}
        self._numbers: dict[str, int] = {}
        self._revisions: dict[str, int] = {}

    def issue(self, key_or_id: str) -> Issue:
        """By id, by key, or by a key that it had before it was moved."""
        with self.lock:
            for issue in self._issues.values():
                if key_or_id.upper() in (issue.id, issue.key, *issue.former_keys):
                    return issue
        raise Missing(key_or_id)

    def issues(self) -> list[Issue]:
        with self.lock:
            return list(self._issues.values())

    def comments(self, issue: Issue) -> list[Comment]:
        """In Jira's order: by ``created``, then by id."""
        with self.lock:
            stored = self._comments.get(issue.id, {}).values()
            return sorted(stored, key=lambda comment: (comment.created, int(comment.id)))

    def comment(self, comment_id: str, issue: Issue | None = None) -> Comment:
        with self.lock:
            for issue_id, comments in self._comments.items():
                if comment_id in comments and (issue is None or issue.id == issue_id):
                    return comments[comment_id]
        raise Missing(comment_id)

    def revision(self, issue: Issue) -> int:
        """Rises with every change of the issue or of its comments."""
        with self.lock:
            return self._revisions.get(issue.id, 0)

    def create_issue(
        self, project: Project, summary: str, description: Document, by: User, **more: Any
    ) -> Issue:
        with self.lock:
            number = self._numbers[project.key] = self._numbers.get(project.key, 0) + 1
            now = self._clock.now()
            issue = Issue(
                id=self._take("issue"),
                key=f"{project.key}-{number}",
                project=project,
                summary=summary,
                description=description,
                status=project.statuses[0],
                reporter=by,
                created=now,
                updated=now,
                **more,
            )
            self._comments[issue.id] = {}
            self._store(issue)
            self._tell(Event("jira:issue_created", now, by, issue, kind="issue_created"))
            return issue

    def delete_issue(self, issue: Issue, by: User) -> None:
        """Its comments go with it, and nobody is told of those."""
        with self.lock:
            del self._issues[issue.id]
            del self._comments[issue.id]
            self._tell(Event("jira:issue_deleted", self._clock.now(), by, issue))

    def assign(self, issue: Issue, to: User | None, by: User) -> Issue:
        with self.lock:
            issue = self._issues[issue.id]
            change = Change("assignee", _person(issue.assignee), _person(to))
            return self._update(replace(issue, assignee=to), by, "issue_assigned", change)

    def transition(self, issue: Issue, status: Status, by: User) -> Issue:
        with self.lock:
            issue = self._issues[issue.id]
            changes = _status_changes(issue.status, status)
            kind = "issue_resolved" if status.category == "done" else "issue_generic"
            return self._update(replace(issue, status=status), by, kind, *changes)

    def move(self, issue: Issue, project: Project, by: User) -> Issue:
        """Into another project: a new key, the same id; the old key still finds it."""
        with self.lock:
            issue = self._issues[issue.id]
            number = self._numbers[project.key] = self._numbers.get(project.key, 0) + 1
            moved = replace(
                issue,
                key=f"{project.key}-{number}",
                project=project,
                status=project.statuses[0],
                former_keys=(*issue.former_keys, issue.key),
            )
            was = issue.project
            return self._update(
                moved,
                by,
                "issue_moved",
                Change("project", (was.id, was.name), (project.id, project.name)),
                Change("Key", (None, issue.key), (None, moved.key)),
            )

    def set_security_level(self, issue: Issue, level: SecurityLevel | None, by: User) -> Issue:
        with self.lock:
            issue = self._issues[issue.id]
            change = Change("security", _level(issue.security_level), _level(level))
            return self._update(replace(issue, security_level=level), by, "issue_updated", change)

    def edit_issue(self, issue: Issue, by: User, **changes: Any) -> Issue:
        """Summary, description, participants, approvers or organisations."""
        with self.lock:
            issue = self._issues[issue.id]
            lines = [
                Change(name, (None, str(getattr(issue, name))), (None, str(value)))
                for name, value in changes.items()
                if name in {"summary", "description"}
            ]
            return self._update(replace(issue, **changes), by, "issue_updated", *lines)

    def add_comment(
        self,
        issue: Issue,
        body: Document,
        by: User,
        *,
        internal: bool = False,
        visibility: Visibility | None = None,
        properties: Mapping[str, Any] | None = None,
        created: datetime | None = None,
        tell: bool = True,
    ) -> Comment:
        """``internal`` is also taken from the property ``sd.public.comment``, as in Jira."""
        with self.lock:
            now = self._clock.now()
            held = dict(properties or {})
            if internal:
                held[INTERNAL_PROPERTY] = {"internal": True}
            comment = Comment(
                id=self._take("comment"),
                issue_id=issue.id,
                author=by,
                body=body,
                created=created or now,
                updated=created or now,
                update_author=by,
                internal=is_internal(issue, held),
                visibility=visibility,
                properties=held,
            )
            issue = self._put(comment)
            if tell:
                self._tell(Event("comment_created", now, by, issue, comment))
            return comment

    def edit_comment(
        self, comment: Comment, by: User, *, tell: bool = True, **changes: Any
    ) -> Comment:
        """``body``, ``visibility`` and ``properties`` may change; properties say what is
        internal.
        """
        with self.lock:
            issue = self._issues[comment.issue_id]
            now = self._clock.now()
            edited = replace(comment, updated=now, update_author=by, **changes)
            edited = replace(edited, internal=is_internal(issue, edited.properties))
            issue = self._put(edited)
            if tell:
                self._tell(Event("comment_updated", now, by, issue, edited))
            return edited

    def set_comment_property(self, comment: Comment, key: str, value: Any) -> Comment:
        """Nobody is told, and ``updated`` stays."""
        with self.lock:
            issue = self._issues[comment.issue_id]
            held = {**comment.properties, key: value}
            edited = replace(comment, properties=held, internal=is_internal(issue, held))
            self._put(edited)
            return edited

    def delete_comment(self, comment: Comment, by: User, *, tell: bool = True) -> None:
        with self.lock:
            issue = self._issues[comment.issue_id]
            del self._comments[issue.id][comment.id]
            now = self._clock.now()
            issue = replace(issue, updated=now)
            self._store(issue)
            if tell:
                self._tell(Event("comment_deleted", now, by, issue, comment))

    def _update(self, issue: Issue, by: User, kind: str, *changes: Change) -> Issue:
        now = self._clock.now()
        updated = replace(issue, updated=now)
        self._store(updated)
        number = self._take("change")
        self._tell(Event("jira:issue_updated", now, by, updated, None, changes, number, kind))
        return updated

    def _put(self, comment: Comment) -> Issue:
        issue = self._issues[comment.issue_id]
        self._comments[issue.id][comment.id] = comment
        issue = replace(issue, updated=max(issue.updated, comment.updated))
        self._store(issue)
        return issue

    def _store(self, issue: Issue) -> None:
        self._issues[issue.id] = issue
        self._revisions[issue.id] = self._revisions.get(issue.id, 0) + 1

    def _take(self, what: str) -> str:
        number = self._next[what]
        self._next[what] = number + 1
        return str(number)


def is_internal(issue: Issue, properties: Mapping[str, Any]) -> bool:
    """Whether ``sd.public.comment`` makes a comment an internal note."""
    marked = properties.get(INTERNAL_PROPERTY)
    return issue.project.is_service and isinstance(marked, dict) and bool(marked.get("internal"))


def seed(tracker: Tracker, directory: Directory) -> None:
    """The few issues with which a site begins."""
    for issue in seeds.ISSUES:
        tracker.create_issue(
            directory.project(issue["project"]),
            issue["summary"],
            adf.document(issue["description"]),
            directory.person(issue["by"]),
        )


def _status_changes(before: Status, after: Status) -> list[Change]:
    changes = [Change("status", (before.id, before.name), (after.id, after.name))]
    if (before.category == "done") != (after.category == "done"):
        done, none = ("10000", "Done"), (None, None)
        pair = (none, done) if after.category == "done" else (done, none)
        changes.append(Change("resolution", *pair))
    return changes


def _person(user: User | None) -> tuple[str | None, str | None]:
    return (user.account_id, user.display_name) if user else (None, None)


def _level(level: SecurityLevel | None) -> tuple[str | None, str | None]:
    return ("10100", level.name) if level else (None, None)
