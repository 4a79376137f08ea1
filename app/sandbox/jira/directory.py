"""The people, projects and organisations of the site, found by the names tests use."""

from __future__ import annotations

from app.sandbox.jira import seeds
from app.sandbox.jira.model import Organization, Project, User

APP = User(
    "app", "712020:f9b8c7d6-0007-4a1b-8c2d-6e5f4a3b0007", "ChatKit for Jira", account_type="app"
)


class Missing(LookupError):
    """No such issue, comment, project or person on this site."""


class Directory:
    """Small and read far more than written; each write replaces a whole value."""

    def __init__(self) -> None:
        self.people: tuple[User, ...] = (*seeds.PEOPLE, APP)
        self.projects: tuple[Project, ...] = seeds.PROJECTS
        self.organizations: tuple[Organization, ...] = seeds.ORGANIZATIONS

    def person(self, name_or_account: str) -> User:
        """By short name (``rita``) or account id.

        Raises:
            Missing: nobody is called that.
        """
        for user in self.people:
            if name_or_account in {user.name, user.account_id}:
                return user
        raise Missing(name_or_account)

    def project(self, key_or_id: str) -> Project:
        for project in self.projects:
            if key_or_id in {project.key, project.id}:
                return project
        raise Missing(key_or_id)

    def put_organization(self, organization: Organization) -> Organization:
        others = tuple(one for one in self.organizations if one.id != organization.id)
        self.organizations = (*others, organization)
        return organization
