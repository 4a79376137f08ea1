"""The app as installed on the site through Forge: its calls, and who it may call Jira as."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2

from app.sandbox.jira import outbound
from app.sandbox.jira.events import Event
from app.sandbox.jira.forge import events, tokens
from app.sandbox.jira.forge.triggers import RETRY_DELAYS, Triggers
from app.sandbox.jira.installation import InstallRefused
from app.sandbox.jira.keys import InstallKey
from app.sandbox.jira.model import User

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite

APP_ID = "ari:cloud:ecosystem::app/7a1d3c52-0f6e-4f0b-9a57-3f2f5f0d1c11"
PANEL, ADMIN = "jira-chatkit-panel", "jira-chatkit-admin"
MODULE_TYPES = {PANEL: "jira:issuePanel", ADMIN: "jira:adminPage"}
EVENTS, PRE_UNINSTALL, SCHEDULE = "/forge/events", "/forge/pre-uninstall", "/forge/schedule"
"""Paths of the endpoints in the app's manifest."""
JSON = dict[str, Any]


@dataclass(frozen=True)
class RemoteAnswer:
    """What the app answered to a page's call."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class ForgeLink:
    """Installs the app, speaks for the platform, and knows its tokens again.

    Attributes:
        cloud_id: the site's.
        installation_id: of the app as it is installed now, or was last.
        app_url: of its remote; None while it is not installed.
        keys: that verify invocation tokens, newest first.
        oauth: the tokens that call Jira.
        triggers: the events on their way; see ``Courier``.
        tells_context: whether the platform's own calls say where they come from.
        system_seconds, user_seconds: how long the tokens of the next calls live.
    """

    def __init__(self, site: JiraSite, retry_delays: tuple[float, ...] = RETRY_DELAYS) -> None:
        self._site = site
        self.app_id = APP_ID
        self.environment = "PRODUCTION"
        self.cloud_id = str(uuid4())
        self.installation_id = ""
        self.app_url: str | None = None
        self.keys = [tokens.platform_key()]
        self.oauth = tokens.OAuth()
        self.tells_context = True
        self.system_seconds = self.user_seconds = tokens.OAUTH_LIFETIME
        self.triggers = Triggers(self._platform_headers, retry_delays)

    @property
    def api_base_url(self) -> str:
        return f"{self._site.base_url}/ex/jira/{self.cloud_id}"

    # The app's life

    def install(self, app_url: str, *, app_id: str = APP_ID, anew: bool = True) -> None:
        """Tell ``installed``, then run the schedule, as the platform soon does.

        Args:
            app_url: of the app's remote.
            app_id: its ARI.
            anew: as another installation than the last.

        Raises:
            InstallRefused: the app did not take it.
        """
        self.app_id = app_id
        if anew or not self.installation_id:
            self.installation_id = f"ari:cloud:ecosystem::installation/{uuid4()}"
        self.app_url = app_url.rstrip("/")
        self.tell_lifecycle("installed")
        self.run_schedule()

    def upgrade(self) -> None:
        self.tell_lifecycle("upgraded")

    def uninstall(self, *, told: bool = True) -> None:
        """Run ``preUninstall`` and tell ``uninstalled``; gone, whatever the app answers."""
        try:
            if told:
                self.pre_uninstall()
                self.tell_lifecycle("uninstalled")
        finally:
            self.app_url = None

    def pre_uninstall(self) -> None:
        self._call(PRE_UNINSTALL, {})

    def run_schedule(self) -> None:
        self._call(SCHEDULE, {})

    def tell_lifecycle(self, kind: str) -> None:
        installer = self._site.account_id("adam")
        self._call(EVENTS, events.lifecycle(kind, self.installation_id, self.app_id, installer))

    def tell(self, event: Event) -> None:
        """An event for the app, unless the app itself made it happen: ``ignoreSelf``."""
        if self.app_url is None or (event.actor.account_type == "app" and event.actor == self._app):
            return
        told = events.payload(self._site.base_url, event)
        body = json.dumps(told, ensure_ascii=False).encode()
        self.triggers.send(told["eventType"], f"{self.app_url}{EVENTS}", body)

    # Its tokens

    @property
    def _app(self) -> User:
        return self._site.app_account

    def system_token(self, seconds: int | None = None) -> str:
        """Calls Jira as the app."""
        life = self.system_seconds if seconds is None else seconds
        return self.oauth.token(self._app.account_id, self.cloud_id, self._site.clock.now(), life)

    def user_token(self, name: str, seconds: int | None = None) -> str:
        """Calls Jira as somebody who looks at a page of the app."""
        life = self.user_seconds if seconds is None else seconds
        account_id = self._site.account_id(name)
        return self.oauth.token(account_id, self.cloud_id, self._site.clock.now(), life)

    def invocation_token(
        self,
        by: str | None = None,
        module: str | None = None,
        issue: str | None = None,
        *,
        key: InstallKey | None = None,
        kid: str | None = None,
        app: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """What proves a call of the platform to the app.

        Args:
            by: whose page calls; None of the platform's own calls.
            module: its key in the manifest.
            issue: where the page stands.
            key: signs it.
            kid: what the header claims the key to be.
            app: lies over the claim ``app``.
            context: lies over the claim ``context``.
            claims: lie over the others.
        """
        signed = {
            "iss": tokens.ISSUER,
            "aud": self.app_id,
            **tokens.lifetime(self._site.clock.now()),
            "jti": secrets.token_hex(8),
            "app": _over(self._app_claim(module), app),
            "context": _over(self._context_claim(module, issue), context),
            "principal": self._site.account_id(by) if by else None,
            **claims,
        }
        if by is None and not self.tells_context and context is None:
            signed["context"] = None
        return tokens.sign_invocation(signed, key or self.keys[0], kid)

    def account_of(self, authorization: str, cloud_id: str) -> User:
        """Who calls Jira by a header, if it is somebody.

        Raises:
            tokens.BadToken: it is nobody.
        """
        kind, _, token = authorization.partition(" ")
        if self.app_url is None or kind != "Bearer" or cloud_id != self.cloud_id:
            raise tokens.BadToken("not installed, or no bearer token for this site")
        account_id = self.oauth.account_of(token, cloud_id, self._site.clock.now())
        return self._site.directory.person(account_id)

    # Calls of pages

    def invoke_remote(
        self,
        by: str,
        module: str,
        issue: str | None,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> RemoteAnswer:
        """What the platform does for a page that calls ``invokeRemote``; it blocks."""
        sent = {
            **(headers or {}),
            "x-b3-traceid": secrets.token_hex(16),
            "x-b3-spanid": secrets.token_hex(8),
            "authorization": f"Bearer {self.invocation_token(by, module, issue)}",
            "x-forge-oauth-system": self.system_token(),
            "x-forge-oauth-user": self.user_token(by),
        }
        with outbound.client(25.0) as client:
            answer = client.request(method, f"{self.app_url}{path}", headers=sent, content=body)
        return RemoteAnswer(answer.status_code, dict(answer.headers), answer.content)

    def _platform_headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.invocation_token()}",
            "x-forge-oauth-system": self.system_token(),
        }

    def _call(self, path: str, body: JSON) -> None:
        url = f"{self.app_url}{path}"
        try:
            with outbound.client(5.0) as client:
                answer = client.post(url, json=body, headers=self._platform_headers())
        except httpx2.TransportError as error:
            raise InstallRefused(f"{path}: no answer ({type(error).__name__})") from error
        if not 200 <= answer.status_code < 300:
            raise InstallRefused(f"{path} was answered with {answer.status_code}")

    def _app_claim(self, module: str | None) -> JSON:
        return {
            "id": self.app_id,
            "version": "1.0.0",
            "appVersion": "1.0.0",
            "installationId": self.installation_id,
            "installation": {
                "id": self.installation_id,
                "contexts": [{"name": f"ari:cloud:jira::site/{self.cloud_id}"}],
            },
            "apiBaseUrl": self.api_base_url,
            "environment": {
                "type": self.environment,
                "id": "ari:cloud:ecosystem::environment/sandbox",
            },
            "module": {
                "type": MODULE_TYPES.get(module or "", "core:endpoint"),
                "key": module or "events",
            },
        }

    def _context_claim(self, module: str | None, issue: str | None) -> JSON:
        found = self._site.issue(issue) if issue else None
        extension: JSON = {"type": MODULE_TYPES.get(module or "", "")}
        if found is not None:
            extension |= {
                "issue": {"id": found.id, "key": found.key},
                "project": {"id": found.project.id, "key": found.project.key},
            }
        return {
            "cloudId": self.cloud_id,
            "siteUrl": self._site.base_url,
            "moduleKey": module,
            "extension": extension,
        }


def _over(claim: JSON, changes: Mapping[str, Any] | None) -> JSON:
    return {
        name: value for name, value in {**claim, **(changes or {})}.items() if value is not None
    }
