"""What the templates print, decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from app.sandbox.jira.model import Comment, Issue, User
from app.sandbox.jira.pages.adf_html import render

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

PARTS = {
    "rita": "asks, in Operations",
    "carlos": "a customer of the help centre",
    "agnes": "an agent: works on both projects",
    "adam": "administers the site",
}


@dataclass(frozen=True)
class Person:
    name: str
    display_name: str
    initials: str
    part: str


@dataclass(frozen=True)
class Instant:
    """``iso`` for machines, ``full`` and ``near`` for people."""

    iso: str
    full: str
    near: str


@dataclass(frozen=True)
class StatusView:
    name: str
    category: str


@dataclass(frozen=True)
class Row:
    key: str
    summary: str
    status: StatusView
    assignee: Person | None
    comments: int


@dataclass(frozen=True)
class ProjectView:
    key: str
    name: str
    kind: str
    rows: tuple[Row, ...]
    may_create: bool


@dataclass(frozen=True)
class CommentView:
    id: str
    author: Person
    body: Markup
    created: Instant
    edited: bool
    version: str
    lozenges: tuple[tuple[str, str], ...]
    internal: bool


@dataclass(frozen=True)
class Action:
    """A button: what is sent, and what it says."""

    value: str
    label: str
    primary: bool


@dataclass(frozen=True)
class IssueView:
    key: str
    project: str
    kind: str
    summary: str
    description: Markup
    status: StatusView
    assignee: Person | None
    reporter: Person
    created: Instant
    updated: Instant
    revision: int
    comments: tuple[CommentView, ...]
    composer: tuple[Action, ...]
    may_work: bool
    mine: bool
    done: bool
    panel: tuple[str, str] | None


def person(user: User) -> Person:
    words = user.display_name.split()
    initials = (words[0][:1] + words[-1][:1]).upper()
    return Person(user.name, user.display_name, initials, PARTS.get(user.name, ""))


def instant(moment: datetime, now: datetime) -> Instant:
    return Instant(moment.isoformat(), f"{moment:%d %B %Y at %H:%M:%S} UTC", _near(moment, now))


def projects(site: JiraSite, viewer: User) -> list[ProjectView]:
    """With the issues that ``viewer`` may see; a project with neither is left out."""
    found = []
    for project in site.directory.projects:
        issues = [one for one in site.tracker.issues() if one.project == project]
        rows = tuple(
            _row(site, viewer, one) for one in issues if site.permissions.sees(viewer, one)
        )
        held = site.permissions.on_project(viewer, project)
        customer = viewer.account_type == "customer" and project.is_service
        if rows or held:
            kind = "Service project" if project.is_service else "Software project"
            may_create = customer or "CREATE_ISSUES" in held
            found.append(ProjectView(project.key, project.name, kind, rows, may_create))
    return found


def issue(site: JiraSite, viewer: User, stored: Issue) -> IssueView:
    now = site.clock.now()
    may_work = site.permissions.works(viewer, stored)
    return IssueView(
        key=stored.key,
        project=stored.project.name,
        kind=stored.project.issue_type,
        summary=stored.summary,
        description=render(stored.description),
        status=StatusView(stored.status.name, stored.status.category),
        assignee=person(stored.assignee) if stored.assignee else None,
        reporter=person(stored.reporter),
        created=instant(stored.created, now),
        updated=instant(stored.updated, now),
        revision=site.tracker.revision(stored),
        comments=tuple(
            comment(site, one, now)
            for one in site.tracker.comments(stored)
            if site.permissions.sees_comment(viewer, stored, one)
        ),
        composer=composer(site, viewer, stored),
        may_work=may_work,
        mine=stored.assignee is not None and stored.assignee.name == viewer.name,
        done=stored.status.category == "done",
        panel=_panel(site, viewer, stored),
    )


def comment(site: JiraSite, stored: Comment, now: datetime) -> CommentView:
    lozenges = []
    if stored.author == site.app_account:
        lozenges.append(("AI assistant", "discovery"))
    elif stored.author.account_type == "app":
        lozenges.append(("App", "neutral"))
    if stored.internal:
        lozenges.append(("Internal note", "warning"))
    if stored.visibility is not None:
        lozenges.append((f"Only {stored.visibility.value}", "warning"))
    return CommentView(
        id=stored.id,
        author=person(stored.author),
        body=render(stored.body),
        created=instant(stored.created, now),
        edited=stored.updated > stored.created,
        version=stored.updated.isoformat() + str(stored.internal),
        lozenges=tuple(lozenges),
        internal=stored.internal,
    )


def composer(site: JiraSite, viewer: User, stored: Issue) -> tuple[Action, ...]:
    """How ``viewer`` may comment: agents to the team or to the customer, customers to all,
    colleagues who only look on to the team.
    """
    if "ADD_COMMENTS" not in site.permissions.on_issue(viewer, stored):
        return ()
    if not stored.project.is_service or stored.concerns(viewer.account_id):
        return (Action("public", "Comment", primary=True),)
    note = Action("internal", "Add internal note", primary=False)
    if site.permissions.works(viewer, stored):
        return (Action("public", "Reply to customer", primary=True), note)
    return (note,)


def _row(site: JiraSite, viewer: User, stored: Issue) -> Row:
    seen = site.permissions.sees_comment
    comments = [one for one in site.tracker.comments(stored) if seen(viewer, stored, one)]
    return Row(
        stored.key,
        stored.summary,
        StatusView(stored.status.name, stored.status.category),
        person(stored.assignee) if stored.assignee else None,
        len(comments),
    )


def _panel(site: JiraSite, viewer: User, stored: Issue) -> tuple[str, str] | None:
    """Title and address of the app's panel; customers have none in their help centre."""
    installation = site.link.current
    if installation is None or not installation.enabled or viewer.account_type == "customer":
        return None
    module = installation.descriptor.panel()
    if module is None:
        return None
    return str(module["name"]["value"]), site.panel_url(stored.key, viewer.name)


def _near(moment: datetime, now: datetime) -> str:
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        minutes = passed // timedelta(minutes=1)
        return f"{minutes} minute{'s' if minutes > 1 else ''} ago"
    if passed < timedelta(days=1):
        hours = passed // timedelta(hours=1)
        return f"{hours} hour{'s' if hours > 1 else ''} ago"
    return f"{moment:%d %b %Y}"
