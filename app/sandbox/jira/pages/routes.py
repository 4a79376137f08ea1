"""The pages' addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.sandbox import places
from app.sandbox.jira.pages.browsing import Browsing
from app.sandbox.jira.pages.faults import FaultPages
from app.sandbox.jira.pages.forms import Forms
from app.sandbox.jira.pages.frames import Frames
from app.sandbox.jira.pages.shell import Shell

if TYPE_CHECKING:
    from app.sandbox.jira.site import JiraSite


def routes(site: JiraSite) -> list[BaseRoute]:
    shell = Shell(site)
    shown, taken = shell.shown, shell.taken
    faults = FaultPages(site, shell)
    pages, forms, frames = Browsing(site, shell), Forms(site, shell), Frames(site, shell)
    return [
        Route("/", shown(pages.start)),
        Route("/browse/{key}", shown(pages.issue)),
        Route("/browse/{key}/revision", shown(pages.revision)),
        Route("/app/admin", shown(pages.admin)),
        Route("/faults", shown(faults.show)),
        Route("/faults", taken(faults.turn), methods=["POST"]),
        Route("/avatars/{name}.svg", shown(pages.avatar)),
        Route("/who", taken(forms.who), methods=["POST"]),
        Route("/app/install", taken(forms.install), methods=["POST"]),
        Route("/app/uninstall", taken(forms.uninstall), methods=["POST"]),
        Route("/create", taken(forms.create), methods=["POST"]),
        Route("/browse/{key}/comment", taken(forms.comment), methods=["POST"]),
        Route("/browse/{key}/assign", taken(forms.assign), methods=["POST"]),
        Route("/browse/{key}/status", taken(forms.status), methods=["POST"]),
        Route("/browse/{key}/change", taken(forms.change), methods=["POST"]),
        Route("/browse/{key}/comment/{comment}", shown(forms.editing)),
        Route("/browse/{key}/comment/{comment}", taken(forms.edit_comment), methods=["POST"]),
        Route(
            "/browse/{key}/comment/{comment}/delete",
            taken(forms.delete_comment),
            methods=["POST"],
        ),
        Route("/look", taken(frames.look), methods=["POST"]),
        Route("/frames/token", taken(frames.token), methods=["POST"]),
        Route("/frames/forge", taken(frames.invoke), methods=["POST"]),
        Route("/atlassian-connect/all.js", frames.script),
        Mount("/static", StaticFiles(directory=places.STATIC)),
    ]
