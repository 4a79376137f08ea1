"""What people do on the simulated site, a method for each sentence of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from app.clock import Clock
from app.sandbox.jira import adf, seeds, tracker
from app.sandbox.jira.directory import Directory, Missing
from app.sandbox.jira.events import Event
from app.sandbox.jira.model import (
    Comment,
    Document,
    Issue,
    Organization,
    SecurityLevel,
    Visibility,
)
from app.sandbox.jira.permissions import Permissions
from app.sandbox.jira.tracker import Tracker

Restriction = tuple[Literal["role", "group"], str]


class Sentences:
    """People, issues and comments by their short names: ``rita``, ``OPS-1``."""

    def __init__(self, clock: Clock, tell: Callable[[Event], None]) -> None:
        self.directory = Directory()
        self.permissions = Permissions()
        self.tracker = Tracker(clock, tell)

    # People

    def account_id(self, name: str) -> str:
        return self.directory.person(name).account_id

    def grant(self, name: str, project: str, *permissions: str) -> None:
        user, at = self.directory.person(name), self.directory.project(project)
        self.permissions.grant(user, at, *permissions)

    def revoke(self, name: str, project: str, *permissions: str) -> None:
        """Take permissions away, all of them when none is named."""
        user, at = self.directory.person(name), self.directory.project(project)
        self.permissions.revoke(user, at, *permissions)

    # Issues

    def issue(self, key: str) -> Issue:
        return self.tracker.issue(key)

    def create_issue(
        self, project: str, summary: str, description: str | Document = "", by: str = "rita"
    ) -> Issue:
        return self.tracker.create_issue(
            self.directory.project(project),
            summary,
            _document(description),
            self.directory.person(by),
        )

    def edit_issue(self, key: str, *, summary: str, by: str = "rita") -> Issue:
        return self.tracker.edit_issue(self.issue(key), self.directory.person(by), summary=summary)

    def delete_issue(self, key: str, by: str = "adam") -> None:
        self.tracker.delete_issue(self.issue(key), self.directory.person(by))

    def assign(self, key: str, to: str | None, by: str | None = None) -> Issue:
        """``by`` is whoever it is assigned to, when not given."""
        actor = self.directory.person(by or to or "adam")
        assignee = self.directory.person(to) if to else None
        return self.tracker.assign(self.issue(key), assignee, actor)

    def transition(self, key: str, status: str, by: str = "agnes") -> Issue:
        issue = self.issue(key)
        found = next((one for one in issue.project.statuses if one.name == status), None)
        if found is None:
            raise Missing(status)
        return self.tracker.transition(issue, found, self.directory.person(by))

    def resolve(self, key: str, by: str = "agnes") -> Issue:
        return self.transition(key, self.issue(key).project.statuses[-1].name, by)

    def reopen(self, key: str, by: str = "agnes") -> Issue:
        return self.transition(key, self.issue(key).project.statuses[0].name, by)

    def move(self, key: str, project: str, by: str = "adam") -> Issue:
        to = self.directory.project(project)
        return self.tracker.move(self.issue(key), to, self.directory.person(by))

    def set_security_level(
        self,
        key: str,
        level: str | None,
        visible_to: Sequence[str] = ("agnes", "adam", "app"),
        by: str = "adam",
    ) -> Issue:
        """Hide an issue from all but ``visible_to``; ``None`` shows it again."""
        members = tuple(self.account_id(name) for name in visible_to)
        new = SecurityLevel(level, members) if level else None
        return self.tracker.set_security_level(self.issue(key), new, self.directory.person(by))

    def add_participant(self, key: str, name: str, by: str = "agnes") -> Issue:
        issue, user = self.issue(key), self.directory.person(name)
        people = (*issue.participants, user)
        return self.tracker.edit_issue(issue, self.directory.person(by), participants=people)

    def add_approver(self, key: str, name: str, by: str = "agnes") -> Issue:
        issue, user = self.issue(key), self.directory.person(name)
        people = (*issue.approvers, user)
        return self.tracker.edit_issue(issue, self.directory.person(by), approvers=people)

    def share_with_organization(self, key: str, *members: str, by: str = "agnes") -> Organization:
        """Share a request with the organisation Acme Bakeries, which has these members now."""
        accounts = tuple(self.account_id(name) for name in members)
        organization = self.directory.put_organization(
            Organization(seeds.ACME.id, seeds.ACME.name, accounts)
        )
        shared = (organization,)
        self.tracker.edit_issue(self.issue(key), self.directory.person(by), organizations=shared)
        return organization

    # Comments

    def comments(self, key: str) -> list[Comment]:
        """All of them, in Jira's order of ``created``."""
        return self.tracker.comments(self.issue(key))

    def comment(
        self,
        key: str,
        text: str | Document,
        by: str | None = None,
        *,
        internal: bool = False,
        visibility: Restriction | None = None,
        properties: dict[str, object] | None = None,
        created: datetime | None = None,
        deliver: bool = True,
    ) -> Comment:
        """Write a comment, as Rita, or in a service project as the reporter.

        ``deliver=False`` loses the webhook before it was sent.
        """
        issue = self.issue(key)
        author = by or (issue.reporter.name if issue.project.is_service else "rita")
        return self.tracker.add_comment(
            issue,
            _document(text),
            self.directory.person(author),
            internal=internal,
            visibility=Visibility(*visibility) if visibility else None,
            properties=properties,
            created=created,
            tell=deliver,
        )

    def edit_comment(
        self,
        comment: Comment | str,
        text: str | Document,
        by: str | None = None,
        *,
        deliver: bool = True,
    ) -> Comment:
        found = self.find_comment(comment)
        actor = self.directory.person(by or found.author.account_id)
        return self.tracker.edit_comment(found, actor, tell=deliver, body=_document(text))

    def restrict_comment(
        self,
        comment: Comment | str,
        visibility: Restriction = ("role", "Administrators"),
        by: str = "adam",
        *,
        deliver: bool = True,
    ) -> Comment:
        actor = self.directory.person(by)
        restricted = Visibility(*visibility)
        found = self.find_comment(comment)
        return self.tracker.edit_comment(found, actor, tell=deliver, visibility=restricted)

    def make_internal(
        self, comment: Comment | str, by: str = "agnes", *, deliver: bool = True
    ) -> Comment:
        found = self.find_comment(comment)
        marked = {**found.properties, tracker.INTERNAL_PROPERTY: {"internal": True}}
        actor = self.directory.person(by)
        return self.tracker.edit_comment(found, actor, tell=deliver, properties=marked)

    def set_comment_property(self, comment: Comment | str, key: str, value: object) -> Comment:
        """What anybody may do who may edit the comment: it proves nothing about its origin."""
        return self.tracker.set_comment_property(self.find_comment(comment), key, value)

    def delete_comment(
        self, comment: Comment | str, by: str = "adam", *, deliver: bool = True
    ) -> None:
        found = self.find_comment(comment)
        self.tracker.delete_comment(found, self.directory.person(by), tell=deliver)

    def mentioning(self, name: str, text: str) -> Document:
        """A document that begins with a mention of somebody."""
        person = self.directory.person(name)
        return adf.mentioning(person.account_id, person.display_name, text)

    def find_comment(self, comment: Comment | str) -> Comment:
        return self.tracker.comment(comment if isinstance(comment, str) else comment.id)


def _document(text: str | Document) -> Document:
    return adf.document(text) if isinstance(text, str) else text
