"""What the templates print, decided here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.sandbox.jira.model import Issue, User

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
class FrameView:
    """``facts`` is JSON, for static/sandbox/host.js, or, of a ``forge`` frame, forge-host.js."""

    title: str
    facts: str
    kind: str = "connect"


@dataclass(frozen=True)
class Choice:
    """One of several, as a button."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class LookView:
    """``theme`` is ``light``, ``dark`` or ``system``."""

    theme: str
    themes: tuple[Choice, ...]
    locales: tuple[Choice, ...]


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


def look(theme: str, locale: str, locales: Mapping[str, str]) -> LookView:
    """What the menus offer; a locale that they do not name counts as its language."""
    named = (("light", "Light"), ("dark", "Dark"), ("system", "Match system"))
    return LookView(
        theme,
        tuple(Choice(value, label, value == theme) for value, label in named),
        tuple(Choice(value, label, value[:2] == locale[:2]) for value, label in locales.items()),
    )


def frame(
    site: JiraSite,
    viewer: User,
    module: Mapping[str, Any],
    url: str,
    locale: str,
    stored: Issue | None = None,
) -> FrameView:
    """An app's frame; ``module`` is its part of the descriptor, ``url`` its signed address."""
    facts = {
        "url": url,
        "viewer": viewer.name,
        "issue": stored.key if stored else "",
        "locale": locale,
        "user": {"atlassianAccountId": viewer.account_id, "accountType": viewer.account_type},
        "context": site.link.context(stored),
    }
    return FrameView(str(module["name"]["value"]), json.dumps(facts))


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
