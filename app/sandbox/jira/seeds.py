"""Who and what is there when a simulated site is set up."""

from __future__ import annotations

from typing import Any

from app.sandbox.jira.model import SERVICE, SOFTWARE, Organization, Project, Status, User

RITA = User("rita", "712020:a3f0c1d2-0001-4a5e-9b7c-0d5f7f1a0001", "Rita Reyes")
CARLOS = User("carlos", "qm:c7b1e0aa:0002-4d1e-8f3a", "Carlos Cano", "customer", "es_ES")
AGNES = User("agnes", "712020:b8e4d7f6-0003-4c2b-8a1d-5e9c3b2a0003", "Agnes Ågren")
ADAM = User(
    "adam", "712020:c5d9a2b4-0004-4f7e-9d6b-1a8f4e3c0004", "Adam Adeyemi", "atlassian", "en_GB"
)
WIM = User("wim", "712020:d1f6b3c8-0005-4b9a-8c5d-7e2a6f4d0005", "Wim de Wit", "atlassian", "de_DE")
ROBOT = User("robot", "557058:e2a7c4d9-0006-4e8b-9f1c-3d5b7a6e0006", "Release Robot", "app")
PEOPLE = (RITA, CARLOS, AGNES, ADAM, WIM, ROBOT)

OPS = Project(
    "10000",
    "OPS",
    "Operations",
    SOFTWARE,
    (
        Status("10000", "To Do", "new"),
        Status("10001", "In Progress", "indeterminate"),
        Status("10002", "Done", "done"),
    ),
    "Task",
)
SUP = Project(
    "10001",
    "SUP",
    "Customer support",
    SERVICE,
    (
        Status("10010", "Waiting for support", "new"),
        Status("10011", "Waiting for customer", "indeterminate"),
        Status("10012", "Resolved", "done"),
    ),
    "Service request",
    service_desk_id="1",
)
PROJECTS = (OPS, SUP)
ACME = Organization("1", "Acme Bakeries", ())
ORGANIZATIONS = (ACME,)

ROLES = {
    "Administrators": (ADAM.account_id,),
    "Service Desk Team": (AGNES.account_id, ADAM.account_id),
    "jira-administrators": (ADAM.account_id,),
}

READER = frozenset({"BROWSE_PROJECTS"})
MEMBER = READER | {"ADD_COMMENTS", "CREATE_ISSUES", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS"}
WORKER = MEMBER | {
    "ASSIGNABLE_USER",
    "ASSIGN_ISSUES",
    "DELETE_ALL_COMMENTS",
    "DELETE_ISSUES",
    "EDIT_ALL_COMMENTS",
    "EDIT_ISSUES",
    "MOVE_ISSUES",
    "RESOLVE_ISSUES",
    "SERVICEDESK_AGENT",
    "SET_ISSUE_SECURITY",
    "TRANSITION_ISSUES",
}
MANAGER = WORKER | {"ADMINISTER_PROJECTS"}
GLOBAL = frozenset({"ADMINISTER"})
# What a customer may do on a request that is theirs, and nowhere else.
CUSTOMER = frozenset({"BROWSE_PROJECTS", "ADD_COMMENTS"})

SCHEME: dict[tuple[str, str], frozenset[str]] = {
    ("OPS", "rita"): MEMBER,
    ("OPS", "wim"): MEMBER,
    ("OPS", "agnes"): WORKER,
    ("OPS", "adam"): MANAGER,
    ("OPS", "robot"): WORKER,
    ("SUP", "wim"): MEMBER,
    ("SUP", "agnes"): WORKER,
    ("SUP", "adam"): MANAGER,
    ("SUP", "robot"): WORKER,
}

ISSUES: tuple[dict[str, Any], ...] = (
    {
        "project": "OPS",
        "summary": "Nightly backup of the order database takes four hours",
        "description": "Since the move to the new storage the nightly backup runs until 05:40"
        " and slows the first orders of the day.\nBefore, it was done by 02:15. What changed,"
        " and what can we do about it?",
        "by": "rita",
    },
    {
        "project": "OPS",
        "summary": "Rotate the certificates of the payment gateway",
        "description": "They end on the last day of the month. The runbook still names the old"
        " load balancer.",
        "by": "agnes",
    },
    {
        "project": "SUP",
        "summary": "No puedo descargar mis facturas de octubre",
        "description": "Al pulsar «Descargar» la página se queda en blanco. Lo he probado en dos"
        " navegadores. ¿Cómo puedo obtener las facturas?",
        "by": "carlos",
    },
    {
        "project": "SUP",
        "summary": "Please add a second delivery address",
        "description": "We opened another shop and need bread delivered to both. Can both"
        " addresses be on one account?",
        "by": "carlos",
    },
)
