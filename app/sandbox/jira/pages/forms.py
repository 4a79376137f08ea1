"""The forms that are sent from the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from app.sandbox.jira import adf
from app.sandbox.jira.directory import Missing
from app.sandbox.jira.installation import InstallRefused
from app.sandbox.jira.model import Comment, Document, Issue
from app.sandbox.jira.pages import issue_views, views, writing
from app.sandbox.jira.pages.shell import VIEWER_COOKIE, VIEWERS, Refusal, Shell, Visit

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite


class Forms:
    """Handlers of forms; each does what a person does on the real site."""

    def __init__(self, site: JiraSite, shell: Shell) -> None:
        self._site = site
        self._shell = shell

    def who(self, visit: Visit) -> Response:
        name = visit.form.get("who", "")
        if name not in VIEWERS:
            raise Missing(name)
        answer = RedirectResponse(visit.back, 303)
        answer.set_cookie(VIEWER_COOKIE, name, httponly=True, samesite="lax")
        return answer

    def install(self, visit: Visit) -> Response:
        self._shell.need_admin(visit)
        try:
            self._site.install(visit.form.get("url", "").rstrip("/"))
        except InstallRefused as error:
            raise Refusal(502, "The app was not installed", str(error)) from error
        return visit.to("/")

    def uninstall(self, visit: Visit) -> Response:
        self._shell.need_admin(visit)
        try:
            self._site.uninstall()
        except InstallRefused as error:
            raise Refusal(502, "Uninstalled, but the app did not agree", str(error)) from error
        return visit.to("/")

    def create(self, visit: Visit) -> Response:
        allowed = {one.key for one in views.projects(self._site, visit.viewer) if one.may_create}
        project, summary = visit.form.get("project"), visit.text("summary")
        if project not in allowed or not summary:
            raise Refusal(400, "Not created", "A summary is needed, and the right to create.")
        description, by = visit.text("description"), visit.viewer.name
        made = self._site.create_issue(project, summary, description, by)
        return visit.to(f"/browse/{made.key}")

    def comment(self, visit: Visit) -> Response:
        stored = self._shell.issue(visit, visit.key)
        kind = visit.form.get("kind", "")
        if kind not in {
            one.value for one in issue_views.composer(self._site, visit.viewer, stored)
        }:
            raise Refusal(403, "Not allowed", "You may not comment here in that way.")
        self._site.comment(
            stored.key, self._written(visit), by=visit.viewer.name, internal=kind == "internal"
        )
        return visit.to(f"/browse/{stored.key}")

    def assign(self, visit: Visit) -> Response:
        stored = self._worked(visit)
        self._site.assign(stored.key, visit.viewer.name)
        return visit.to(f"/browse/{stored.key}")

    def status(self, visit: Visit) -> Response:
        stored = self._worked(visit)
        change = self._site.reopen if visit.form.get("to") == "open" else self._site.resolve
        change(stored.key, visit.viewer.name)
        return visit.to(f"/browse/{stored.key}")

    def change(self, visit: Visit) -> Response:
        """What the menu of an issue offers: move, restrict, delete."""
        stored, by = self._shell.issue(visit, visit.key), visit.viewer.name
        chosen = visit.form.get("do", "")
        if chosen not in {
            one.value for one in issue_views.actions(self._site, visit.viewer, stored)
        }:
            raise Refusal(403, "Not allowed", "You may not change the issue in that way.")
        match chosen.split("-"):
            case ["move", project]:
                stored = self._site.move(stored.key, project, by)
            case ["hide"]:
                self._site.set_security_level(stored.key, issue_views.TEAM_ONLY, by=by)
            case ["show"]:
                self._site.set_security_level(stored.key, None, by=by)
            case ["delete"]:
                self._site.delete_issue(stored.key, by)
                return visit.to("/")
        return visit.to(f"/browse/{stored.key}")

    def editing(self, visit: Visit) -> Response:
        """The page where a comment is edited: its words, without what they looked like."""
        stored, comment = self._own(visit, "EDIT")
        author = views.person(comment.author)
        return self._shell.page(
            visit, "edit.html", key=stored.key, author=author, text=comment.text
        )

    def edit_comment(self, visit: Visit) -> Response:
        stored, comment = self._own(visit, "EDIT")
        self._site.edit_comment(comment, self._written(visit), visit.viewer.name)
        return visit.to(f"/browse/{stored.key}")

    def delete_comment(self, visit: Visit) -> Response:
        stored, comment = self._own(visit, "DELETE")
        self._site.delete_comment(comment, visit.viewer.name)
        return visit.to(f"/browse/{stored.key}")

    def _written(self, visit: Visit) -> Document:
        try:
            return writing.document(self._site, visit.text("text"))
        except adf.BadDocument as error:
            raise Refusal(400, "Not added", str(error)) from error

    def _own(self, visit: Visit, what: str) -> tuple[Issue, Comment]:
        """The issue and the comment, for who may ``EDIT`` or ``DELETE`` it."""
        stored = self._shell.issue(visit, visit.key)
        comment = self._site.tracker.comment(visit.request.path_params["comment"], stored)
        if not self._site.permissions.sees_comment(visit.viewer, stored, comment):
            raise Missing(comment.id)
        if not issue_views.may_change(self._site, visit.viewer, stored, comment, what):
            raise Refusal(403, "Not allowed", "Only its author or the team may do that.")
        return stored, comment

    def _worked(self, visit: Visit) -> Issue:
        stored = self._shell.issue(visit, visit.key)
        if not self._site.permissions.works(visit.viewer, stored):
            raise Refusal(403, "Not allowed", "Only who works on the issue may do that.")
        return stored
