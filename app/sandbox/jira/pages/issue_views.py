"""What the page of an issue prints, decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from app.sandbox.jira.forge.link import PANEL
from app.sandbox.jira.model import Comment, Issue, User
from app.sandbox.jira.pages.adf_html import render
from app.sandbox.jira.pages.views import (
    FrameView,
    Instant,
    Person,
    StatusView,
    frame,
    instant,
    person,
)

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

TEAM_ONLY = "Team only"
"""The one security level of these pages."""


@dataclass(frozen=True)
class Lozenge:
    text: str
    look: str
    locked: bool = False


@dataclass(frozen=True)
class CommentView:
    id: str
    author: Person
    body: Markup
    created: Instant
    edited: bool
    version: str
    lozenges: tuple[Lozenge, ...]
    internal: bool
    may_edit: bool
    may_delete: bool


@dataclass(frozen=True)
class Action:
    """A button: what is sent, and what it says."""

    value: str
    label: str
    primary: bool = False


@dataclass(frozen=True)
class IssueView:
    """``actions`` stand in the menu of who may change so much."""

    key: str
    project: str
    kind: str
    service: bool
    summary: str
    description: Markup
    status: StatusView
    assignee: Person | None
    reporter: Person
    level: str | None
    created: Instant
    updated: Instant
    revision: int
    comments: tuple[CommentView, ...]
    composer: tuple[Action, ...]
    actions: tuple[Action, ...]
    may_work: bool
    mine: bool
    done: bool
    panel: FrameView | None


def issue(site: JiraSite, viewer: User, stored: Issue, locale: str) -> IssueView:
    now = site.clock.now()
    return IssueView(
        key=stored.key,
        project=stored.project.name,
        kind=stored.project.issue_type,
        service=stored.project.is_service,
        summary=stored.summary,
        description=render(stored.description),
        status=StatusView(stored.status.name, stored.status.category),
        assignee=person(stored.assignee) if stored.assignee else None,
        reporter=person(stored.reporter),
        level=stored.security_level.name if stored.security_level else None,
        created=instant(stored.created, now),
        updated=instant(stored.updated, now),
        revision=site.tracker.revision(stored),
        comments=tuple(
            comment(site, viewer, stored, one, now)
            for one in site.tracker.comments(stored)
            if site.permissions.sees_comment(viewer, stored, one)
        ),
        composer=composer(site, viewer, stored),
        actions=actions(site, viewer, stored),
        may_work=site.permissions.works(viewer, stored),
        mine=stored.assignee is not None and stored.assignee.name == viewer.name,
        done=stored.status.category == "done",
        panel=_panel(site, viewer, stored, locale),
    )


def comment(
    site: JiraSite, viewer: User, issue: Issue, stored: Comment, now: datetime
) -> CommentView:
    return CommentView(
        id=stored.id,
        author=person(stored.author),
        body=render(stored.body),
        created=instant(stored.created, now),
        edited=stored.updated > stored.created,
        version=stored.updated.isoformat() + str(stored.internal),
        lozenges=tuple(_lozenges(site, stored)),
        internal=stored.internal,
        may_edit=may_change(site, viewer, issue, stored, "EDIT"),
        may_delete=may_change(site, viewer, issue, stored, "DELETE"),
    )


def may_change(site: JiraSite, viewer: User, issue: Issue, stored: Comment, what: str) -> bool:
    """Whether somebody may ``EDIT`` or ``DELETE`` a comment."""
    held = site.permissions.on_issue(viewer, issue)
    own = viewer == stored.author and f"{what}_OWN_COMMENTS" in held
    return own or f"{what}_ALL_COMMENTS" in held


def composer(site: JiraSite, viewer: User, stored: Issue) -> tuple[Action, ...]:
    """How ``viewer`` may comment: agents to the team or to the customer, customers to all,
    colleagues who only look on to the team.
    """
    if "ADD_COMMENTS" not in site.permissions.on_issue(viewer, stored):
        return ()
    if not stored.project.is_service or stored.concerns(viewer.account_id):
        return (Action("public", "Comment", primary=True),)
    note = Action("internal", "Add internal note")
    if site.permissions.works(viewer, stored):
        return (Action("public", "Reply to customer", primary=True), note)
    return (note,)


def actions(site: JiraSite, viewer: User, stored: Issue) -> tuple[Action, ...]:
    held = site.permissions.on_issue(viewer, stored)
    found = []
    if "MOVE_ISSUES" in held:
        others = [one for one in site.directory.projects if one != stored.project]
        found += [Action(f"move-{one.key}", f"Move to {one.name}") for one in others]
    if "SET_ISSUE_SECURITY" in held and stored.security_level is None:
        found.append(Action("hide", "Restrict to the team"))
    elif "SET_ISSUE_SECURITY" in held:
        found.append(Action("show", "Lift the restriction"))
    if "DELETE_ISSUES" in held:
        found.append(Action("delete", "Delete"))
    return tuple(found)


def _lozenges(site: JiraSite, stored: Comment) -> list[Lozenge]:
    found = []
    if stored.author == site.app_account:
        found.append(Lozenge("AI assistant", "discovery"))
    elif stored.author.account_type == "app":
        found.append(Lozenge("App", "neutral"))
    if stored.internal:
        found.append(Lozenge("Internal note", "warning", locked=True))
    if stored.visibility is not None:
        found.append(Lozenge(f"Only {stored.visibility.value}", "danger", locked=True))
    return found


def _panel(site: JiraSite, viewer: User, stored: Issue, locale: str) -> FrameView | None:
    """The app's panel; customers have none in their help centre."""
    installation = site.link.current
    if viewer.account_type == "customer":
        return None
    if site.forge_pages is not None:
        return site.forge_pages.frame(viewer, PANEL, locale, stored)
    if installation is None or not installation.enabled:
        return None
    module = installation.descriptor.panel()
    if module is None:
        return None
    url = site.panel_url(stored.key, viewer.name)
    return frame(site, viewer, module, url, locale, stored)
