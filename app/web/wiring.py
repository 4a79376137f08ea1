"""What the handlers work with: one frozen object, at ``request.app.state.wiring``."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment
from starlette.requests import Request

from app.clock import Clock
from app.doors.connect.credentials import Credentials
from app.doors.connect.install_keys import InstallKeys
from app.doors.forge.keys import InvocationKeys
from app.settings import Settings
from app.store.database import Database
from app.store.secrets import Vault
from app.store.tenants import OnFirstInstall, OnUninstall
from app.stream.hub import Hub
from app.turns.collaborators import Collaborators, JiraFor
from app.turns.names import NameDesk
from app.turns.rights import RightsDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Made once, by ``main.create_app``."""

    settings: Settings
    database: Database
    vault: Vault
    install_keys: InstallKeys
    credentials: Credentials
    invocation_keys: InvocationKeys
    on_first_install: OnFirstInstall
    on_uninstall: OnUninstall
    clock: Clock
    jira: JiraFor
    hub: Hub
    collaborators: Collaborators
    rights: RightsDesk
    names: NameDesk
    pages: Environment


def wiring_of(request: Request) -> Wiring:
    """The application's wiring."""
    wiring: Wiring = request.app.state.wiring
    return wiring
