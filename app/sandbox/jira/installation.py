"""The app as installed on the site: found from its descriptor, as Jira does it.

https://developer.atlassian.com/cloud/jira/platform/connect-app-descriptor/
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx2

from app.clock import Clock
from app.sandbox.jira import outbound, tokens
from app.sandbox.jira.keys import InstallKey, install_key
from app.sandbox.jira.model import Issue, User
from app.sandbox.jira.qsh import query_string_hash

JSON = dict[str, Any]
LIFECYCLE = ("installed", "enabled", "disabled", "uninstalled")
NEEDED_MIGRATIONS = ("signed-install", "context-qsh", "gdpr")


class InstallRefused(Exception):
    """The app or its descriptor did not let itself be installed. The text says why."""


@dataclass(frozen=True)
class Descriptor:
    """What the app says of itself. Every URL of a module is relative to ``base_url``."""

    raw: JSON

    @property
    def key(self) -> str:
        return str(self.raw["key"])

    @property
    def base_url(self) -> str:
        return str(self.raw["baseUrl"]).rstrip("/")

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.raw.get("scopes", ()))

    def url(self, relative: str) -> str:
        return f"{self.base_url}/{relative.lstrip('/')}"

    def lifecycle(self, event: str) -> str | None:
        path = self.raw.get("lifecycle", {}).get(event)
        return self.url(path) if path else None

    def webhooks(self, event: str) -> list[str]:
        hooks = self.raw.get("modules", {}).get("webhooks", ())
        return [self.url(hook["url"]) for hook in hooks if hook["event"] == event]

    def panel(self) -> JSON | None:
        """The first module that stands below an issue, or None."""
        modules = self.raw.get("modules", {})
        found = next(iter(modules.get("jiraIssueContents", ())), None)
        if found is not None:
            return {**found, "url": found["target"]["url"]}
        return next(iter(modules.get("webPanels", ())), None)

    def admin_page(self) -> JSON | None:
        return next(iter(self.raw.get("modules", {}).get("adminPages", ())), None)


def check_descriptor(raw: Any, app_url: str) -> Descriptor:
    """Take a descriptor that Jira would take.

    Raises:
        InstallRefused: with what is wrong.
    """
    if not isinstance(raw, dict):
        raise InstallRefused("the descriptor is not a JSON object")
    missing = {"key", "baseUrl", "authentication", "lifecycle"} - set(raw)
    if missing:
        raise InstallRefused(f"the descriptor lacks {', '.join(sorted(missing))}")
    if raw["authentication"].get("type") != "jwt":
        raise InstallRefused("authentication.type must be jwt")
    if str(raw["baseUrl"]).rstrip("/") != app_url.rstrip("/"):
        raise InstallRefused(f"baseUrl is {raw['baseUrl']}, but the descriptor is at {app_url}")
    migrations = raw.get("apiMigrations", {})
    if not all(migrations.get(name) is True for name in NEEDED_MIGRATIONS):
        raise InstallRefused(f"apiMigrations must hold {', '.join(NEEDED_MIGRATIONS)} as true")
    if "installed" not in raw["lifecycle"]:
        raise InstallRefused("lifecycle.installed is missing")
    return Descriptor(raw)


@dataclass(frozen=True)
class Installation:
    """One app on the site, and the secret that both share."""

    descriptor: Descriptor
    client_key: str
    shared_secret: str = field(repr=False)
    account: User
    enabled: bool = False


class AppLink:
    """Installs the app, signs for it, and keeps what both sides know."""

    def __init__(self, clock: Clock, account: User, base_url: Callable[[], str]) -> None:
        self._clock = clock
        self._account = account
        self._base_url = base_url
        self.client_key = str(uuid4())
        self.current: Installation | None = None
        self.display_url = ""

    @property
    def installed(self) -> Installation:
        """The installation.

        Raises:
            InstallRefused: there is none.
        """
        if self.current is None:
            raise InstallRefused("no app is installed on this site")
        return self.current

    def install(self, app_url: str) -> Installation:
        """Fetch the descriptor, share a new secret, say ``installed`` and ``enabled``."""
        descriptor = check_descriptor(_fetch_descriptor(app_url), app_url)
        before = self.current
        self.current = Installation(
            descriptor, self.client_key, secrets.token_urlsafe(48), self._account
        )
        try:
            self._send_lifecycle("installed", self.lifecycle_body("installed"))
        except InstallRefused:
            self.current = before
            raise
        return self.enable()

    def enable(self) -> Installation:
        self.current = replace(self.installed, enabled=True)
        self._send_lifecycle("enabled", self.lifecycle_body("enabled"))
        return self.current

    def disable(self) -> None:
        self.current = replace(self.installed, enabled=False)
        self._send_lifecycle("disabled", self.lifecycle_body("disabled"))

    def uninstall(self) -> None:
        """Gone, whatever the app answers."""
        body = self.lifecycle_body("uninstalled")
        try:
            self._send_lifecycle("uninstalled", body)
        finally:
            self.current = None

    def lifecycle_body(self, event: str, **overrides: Any) -> JSON:
        """What Jira tells the app of itself; a field given as None is left out."""
        installation = self.installed
        body = {
            "key": installation.descriptor.key,
            "clientKey": installation.client_key,
            "sharedSecret": installation.shared_secret if event == "installed" else None,
            "serverVersion": "100300",
            "pluginsVersion": "1.1000.0",
            "baseUrl": self._base_url(),
            "displayUrl": self.display_url or self._base_url(),
            "productType": "jira",
            "description": "A simulated Jira Cloud site",
            "serviceEntitlementNumber": "SEN-0",
            "entitlementId": str(uuid4()),
            "oauthClientId": "eyJob3N0S2V5Ijoic2FuZGJveCJ9",
            "eventType": event,
            **overrides,
        }
        return {name: value for name, value in body.items() if value is not None}

    def sign_install_token(
        self,
        event: str = "installed",
        *,
        key: InstallKey | None = None,
        kid: str | None = None,
        **claims: Any,
    ) -> str:
        """RS256, for ``installed`` and ``uninstalled``; ``claims`` replace what is right."""
        descriptor = self.installed.descriptor
        url = descriptor.lifecycle(event) or descriptor.base_url
        signed = {
            "iss": self.installed.client_key,
            **tokens.lifetime(self._clock.now()),
            "aud": [descriptor.base_url],
            "qsh": query_string_hash("POST", url, descriptor.base_url),
            **claims,
        }
        return tokens.encode_install(signed, key or install_key(), kid)

    def sign_request_token(
        self,
        method: str,
        url: str,
        sub: str | None = None,
        *,
        secret: str | None = None,
        **claims: Any,
    ) -> str:
        """HS256 with a qsh, for ``enabled``, ``disabled``, webhooks and frames."""
        installation = self.installed
        base = installation.descriptor.base_url
        signed = {
            "iss": installation.client_key,
            "sub": sub,
            **tokens.lifetime(self._clock.now()),
            "qsh": query_string_hash(method, url, base),
            **claims,
        }
        return tokens.encode(signed, secret or installation.shared_secret)

    def context_token(self, user: User, issue: Issue | None = None, **claims: Any) -> str:
        """What ``AP.context.getToken`` gives to a frame of the app."""
        signed = {
            "iss": self.installed.client_key,
            "sub": user.account_id,
            **tokens.lifetime(self._clock.now(), 900),
            "qsh": tokens.CONTEXT_QSH,
            "context": self.context(issue),
            **claims,
        }
        return tokens.encode(signed, self.installed.shared_secret)

    @staticmethod
    def context(issue: Issue | None) -> JSON:
        """Where a frame stands, as ``AP.context.getContext`` tells it."""
        if issue is None:
            return {"jira": {}}
        return {
            "jira": {
                "issue": {"id": issue.id, "key": issue.key},
                "project": {"id": issue.project.id, "key": issue.project.key},
            }
        }

    def frame_url(self, module: JSON, user: User, variables: Mapping[str, str]) -> str:
        """A module's URL as Jira puts it into an iframe."""
        relative = str(module["url"])
        for name, value in variables.items():
            relative = relative.replace(f"{{{name}}}", value)
        query = {
            "xdm_e": self._base_url(),
            "xdm_c": f"channel-{self.installed.descriptor.key}__{module['key']}",
            "cp": "",
            "lic": "none",
            "cv": "1001.0.0",
        }
        joint = "&" if urlsplit(relative).query else "?"
        url = self.installed.descriptor.url(f"{relative}{joint}{urlencode(query)}")
        return f"{url}&jwt={self.sign_request_token('GET', url, user.account_id)}"

    def _send_lifecycle(self, event: str, body: JSON) -> None:
        url = self.installed.descriptor.lifecycle(event)
        if url is None:
            return
        signed = event in {"installed", "uninstalled"}
        token = self.sign_install_token(event) if signed else self.sign_request_token("POST", url)
        try:
            with outbound.client() as client:
                answer = client.post(url, json=body, headers={"Authorization": f"JWT {token}"})
        except httpx2.TransportError as error:
            raise InstallRefused(f"{event}: no answer ({type(error).__name__})") from error
        if answer.status_code not in {200, 204}:
            raise InstallRefused(f"{event} was answered with {answer.status_code}")


def _fetch_descriptor(app_url: str) -> Any:
    url = f"{app_url.rstrip('/')}/atlassian-connect.json"
    try:
        with outbound.client() as client:
            answer = client.get(url)
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise InstallRefused(f"{url}: no answer ({type(error).__name__})") from error
    if answer.status_code != 200:
        raise InstallRefused(f"{url} was answered with {answer.status_code}")
    try:
        return answer.json()
    except ValueError as error:
        raise InstallRefused(f"{url} is not JSON") from error
