"""Who may do what on the simulated site."""

from __future__ import annotations

import threading

from app.sandbox.jira import seeds
from app.sandbox.jira.model import Comment, Issue, Project, User

PROJECT_PERMISSIONS = seeds.MANAGER
GLOBAL_PERMISSIONS = seeds.GLOBAL


class Permissions:
    """A permission scheme per project, which tests and the admin may change at any time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._scheme = dict(seeds.SCHEME)
        self._global = {"adam": seeds.GLOBAL}
        # Off, a comment restricted to a role or group does not exist for the app.
        self.app_sees_restricted_comments = True

    def grant(self, user: User, project: Project, *permissions: str) -> None:
        with self._lock:
            held = self._scheme.get((project.key, user.name), frozenset())
            self._scheme[project.key, user.name] = held | set(permissions)

    def revoke(self, user: User, project: Project, *permissions: str) -> None:
        """Take ``permissions`` away, all of them when none is named."""
        with self._lock:
            held = self._scheme.get((project.key, user.name), frozenset())
            left = held - set(permissions) if permissions else frozenset()
            self._scheme[project.key, user.name] = left

    def global_of(self, user: User) -> frozenset[str]:
        return self._global.get(user.name, frozenset())

    def on_project(self, user: User, project: Project) -> frozenset[str]:
        with self._lock:
            return self._scheme.get((project.key, user.name), frozenset())

    def on_issue(self, user: User, issue: Issue) -> frozenset[str]:
        """What ``user`` may do on ``issue``; nothing where a security level hides it."""
        level = issue.security_level
        if level is not None and user.account_id not in level.members:
            return frozenset()
        held = self.on_project(user, issue.project)
        if issue.project.is_service and issue.concerns(user.account_id):
            held |= seeds.CUSTOMER
        return held

    def sees(self, user: User, issue: Issue) -> bool:
        return "BROWSE_PROJECTS" in self.on_issue(user, issue)

    def works(self, user: User, issue: Issue) -> bool:
        """Whether somebody works the issue: an agent, or who may edit it."""
        needed = "SERVICEDESK_AGENT" if issue.project.is_service else "EDIT_ISSUES"
        return needed in self.on_issue(user, issue)

    def sees_comment(self, user: User, issue: Issue, comment: Comment) -> bool:
        """A restricted comment is for its role or group, an internal note not for customers."""
        if not self.sees(user, issue):
            return False
        if comment.visibility is not None and not self._is_member(user, comment):
            return False
        if comment.internal and issue.project.is_service:
            return "BROWSE_PROJECTS" in self.on_project(user, issue.project)
        return True

    def _is_member(self, user: User, comment: Comment) -> bool:
        if user.account_type == "app":
            return self.app_sees_restricted_comments
        assert comment.visibility is not None
        members = seeds.ROLES.get(comment.visibility.value, ())
        return user.account_id in (*members, comment.author.account_id)
