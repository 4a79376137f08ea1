"""What a Jira site holds. All frozen: a change puts a new value in the old one's place, so
that what one thread was handed stays as it was while another goes on writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.sandbox.jira import adf

Document = dict[str, Any]
AccountType = Literal["atlassian", "customer", "app"]
SERVICE = "service_desk"
SOFTWARE = "software"


@dataclass(frozen=True)
class User:
    """``name`` is the short name by which tests and pages call a person."""

    name: str
    account_id: str
    display_name: str
    account_type: AccountType = "atlassian"
    locale: str = "en_US"


@dataclass(frozen=True)
class Status:
    id: str
    name: str
    category: Literal["new", "indeterminate", "done"]


@dataclass(frozen=True)
class Project:
    id: str
    key: str
    name: str
    type_key: str
    statuses: tuple[Status, ...]
    issue_type: str
    service_desk_id: str | None = None

    @property
    def is_service(self) -> bool:
        return self.type_key == SERVICE


@dataclass(frozen=True)
class Organization:
    """An organisation of customers; ``members`` are account ids."""

    id: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Visibility:
    """A role or group to which a comment is restricted."""

    type: Literal["role", "group"]
    value: str


@dataclass(frozen=True)
class SecurityLevel:
    """``members`` are the account ids that still see the issue."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Comment:
    """``internal`` has a meaning in service projects only."""

    id: str
    issue_id: str
    author: User
    body: Document
    created: datetime
    updated: datetime
    update_author: User
    internal: bool = False
    visibility: Visibility | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return adf.plain_text(self.body)


@dataclass(frozen=True)
class Issue:
    """An issue; in a service project also a customer's request."""

    id: str
    key: str
    project: Project
    summary: str
    description: Document
    status: Status
    reporter: User
    created: datetime
    updated: datetime
    assignee: User | None = None
    security_level: SecurityLevel | None = None
    participants: tuple[User, ...] = ()
    approvers: tuple[User, ...] = ()
    organizations: tuple[Organization, ...] = ()
    former_keys: tuple[str, ...] = ()

    def concerns(self, account_id: str) -> bool:
        """Whether somebody is one of the customers of this request."""
        people = (self.reporter, *self.participants, *self.approvers)
        return any(person.account_id == account_id for person in people) or any(
            account_id in organization.members for organization in self.organizations
        )
