"""The simulated Jira Cloud site as tests and the demo see it.

    with JiraSite().serve() as jira:
        jira.install(app_url)
        jira.comment("OPS-1", "why?")
        jira.webhooks.wait_until_delivered()
        assert jira.comments("OPS-1")[-1].text == "Because…"

Every method is synchronous and may be called from any thread but the site's own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, Self

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app.clock import Clock, SystemClock
from app.sandbox import serving
from app.sandbox.jira import adf, events, pages, seeds, tracker
from app.sandbox.jira.courier import RETRY_DELAYS, Courier
from app.sandbox.jira.events import Event
from app.sandbox.jira.faults import Faults, FaultyDoor, Request
from app.sandbox.jira.forge import ForgeLink
from app.sandbox.jira.forge_pages import Deployed
from app.sandbox.jira.installation import AppLink, Installation, InstallRefused
from app.sandbox.jira.limits import Limits
from app.sandbox.jira.model import (
    Comment,
    User,
)
from app.sandbox.jira.pages.faults import switchboard
from app.sandbox.jira.pages.section import Section
from app.sandbox.jira.pages.shell import Shell
from app.sandbox.jira.representations import JSON
from app.sandbox.jira.rest.routes import routes
from app.sandbox.jira.sentences import Sentences

COMMENT_CAP = 5000


class JiraSite(Sentences):
    """One site in memory, with two projects (``OPS``, ``SUP``) and a few people in it.

    Args:
        clock: what the site takes for now: created times, life times of tokens, limits.
        base_url: what the site calls itself; the address it is served at, when not given.
        retry_delays: seconds before each further try of a webhook.
        comment_cap: comments that one issue holds; one more is answered 413.
        adf_validator: raises ValueError on a document that Jira would not take.
        door: whose deliveries ``webhooks`` are, where the app may be told by either.

    Attributes:
        asgi: the site as an ASGI app, for ``app.sandbox.serving.serve``.
        directory, permissions, tracker: who and what is there; see each class.
        webhooks: the deliveries, and the switches for a bad day; see ``Courier``.
        faults: what goes wrong with requests; see ``Faults.add``.
        switches: the same, as people switch it on the page ``/faults``.
        limits: ``limits.points`` counts what the app has used.
        requests: every request that came in, oldest first.
        history: everything that happened to issues and comments, oldest first, told or not.
        refused_tokens: why request tokens were refused.
        with_issue_in_comment_webhooks: whether ``comment_*`` carries its issue.
        link: the app as installed by Connect, and the builders of its tokens; see ``AppLink``.
        forge: the app as installed through Forge; see ``ForgeLink``.
        forge_pages: that app's pages, where they are served; else it has none.
        section: what a demonstration shows on the pages beside the site's own; see ``show``.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        base_url: str | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        comment_cap: int = COMMENT_CAP,
        adf_validator: adf.Validator | None = None,
        door: Literal["connect", "forge"] = "connect",
    ) -> None:
        self.clock = clock or SystemClock()
        self.base_url = base_url or ""
        self.comment_cap = comment_cap
        self.adf_validator = adf_validator
        self.with_issue_in_comment_webhooks = True
        self.history: list[Event] = []
        self.section: Section | None = None
        super().__init__(self.clock, self._tell)
        self.limits = Limits()
        self.faults = Faults()
        self.requests: list[Request] = []
        self.refused_tokens: list[str] = []
        self.link = AppLink(self.clock, self.app_account, lambda: self.base_url)
        self.forge = ForgeLink(self)
        self.forge_pages: Deployed | None = None
        self._by_connect = Courier(self.link.sign_request_token, retry_delays)
        self.webhooks = self.forge.triggers if door == "forge" else self._by_connect
        self.switches = switchboard(self)
        tracker.seed(self.tracker, self.directory)
        self._inner = Starlette(
            routes=[*routes(self), *pages.routes(self)], lifespan=self._lifespan
        )
        self._door = FaultyDoor(self._inner, self.faults, self.requests)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and not self.base_url:
            self.base_url = scope.get("extensions", {})[serving.EXTENSION]["url"]
        await self._door(scope, receive, send)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[Self]:
        """Serve the site on a thread until the block ends."""
        with serving.serve(self.asgi, port):
            yield self

    def show(self, section: Section) -> None:
        """Let the pages show a section more; before the site is served."""
        self.section = section
        self._inner.router.routes.extend(section.routes(Shell(self)))

    @property
    def app_account(self) -> User:
        return self.directory.person("app")

    def install(self, app_url: str) -> Installation:
        """Install the app whose descriptor stands at ``app_url``.

        Raises:
            InstallRefused: the descriptor or an answer of the app is not as it must be.
        """
        if self.link.current is None:
            for project in self.directory.projects:
                self.permissions.grant(self.app_account, project, *seeds.WORKER)
        return self.link.install(app_url)

    def install_forge(self, app_url: str, **more: Any) -> None:
        """Install the app through Forge, with its remote at ``app_url``; see ``ForgeLink``."""
        for project in self.directory.projects:
            self.permissions.grant(self.app_account, project, *seeds.MANAGER)
        self.forge.install(app_url, **more)

    def reinstall(self) -> Installation:
        """Install again, with a new secret; also what a rotation of secrets looks like."""
        return self.install(self.link.installed.descriptor.base_url)

    def uninstall(self) -> None:
        """By whichever door the app came."""
        if self.forge.app_url is not None:
            self.forge.uninstall()
        if self.link.current is not None:
            self.link.uninstall()

    def disable(self) -> None:
        self.link.disable()

    def enable(self) -> None:
        self.link.enable()

    def rename(self, display_url: str) -> Installation:
        """Give the site another name: the app is told by a further ``installed``."""
        self.link.display_url = display_url
        return self.reinstall()

    def webhook_body(self, event: str, comment: Comment | str, by: str | None = None) -> JSON:
        """What Jira would send of a comment now, for a test that sends it by itself."""
        found = self.find_comment(comment)
        actor = self.directory.person(by or found.author.account_id)
        issue = self.tracker.issue(found.issue_id)
        told = Event(event, self.clock.now(), actor, issue, found)
        return events.body(self.base_url, told, with_issue=self.with_issue_in_comment_webhooks)

    def context_token(self, name: str, issue: str | None = None, **claims: object) -> str:
        """What ``AP.context.getToken`` gives to a frame that somebody looks at."""
        found = self.issue(issue) if issue else None
        return self.link.context_token(self.directory.person(name), found, **claims)

    def panel_url(self, issue: str, name: str) -> str:
        """The signed address of the app's panel below an issue."""
        module = self.link.installed.descriptor.panel()
        if module is None:
            raise InstallRefused("the descriptor has no panel for issues")
        found = self.issue(issue)
        variables = {
            "issue.id": found.id,
            "issue.key": found.key,
            "project.id": found.project.id,
            "project.key": found.project.key,
        }
        return self.link.frame_url(module, self.directory.person(name), variables)

    def admin_url(self, name: str = "adam") -> str:
        """The signed address of the app's admin page."""
        module = self.link.installed.descriptor.admin_page()
        if module is None:
            raise InstallRefused("the descriptor has no admin page")
        return self.link.frame_url(module, self.directory.person(name), {})

    def _tell(self, event: Event) -> None:
        self.history.append(event)
        self.forge.tell(event)
        installation = self.link.current
        if installation is None or not installation.enabled:
            return
        urls = installation.descriptor.webhooks(event.name)
        told = events.body(self.base_url, event, with_issue=self.with_issue_in_comment_webhooks)
        body = json.dumps(told, ensure_ascii=False).encode()
        for url in urls:
            self._by_connect.send(event.name, url, body)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._by_connect.start()
        await self.forge.triggers.start()
        yield
        await self._by_connect.stop()
        await self.forge.triggers.stop()
