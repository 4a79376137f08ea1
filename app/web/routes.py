"""Every URL, on one screen."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app import resources
from app.web import admin, connect, health, panel, webhooks


def routes(base_path: str = "") -> list[BaseRoute]:
    """What the app answers; anything else is 404.

    Args:
        base_path: the public URL's, for a proxy that keeps it; one that strips it works as well.
    """
    below = [Mount(base_path, routes=_routes())] if base_path else []
    return [*below, *_routes()]


def _routes() -> list[BaseRoute]:
    return [
        Route("/atlassian-connect.json", connect.show_descriptor, methods=["GET"]),
        Route("/connect/installed", connect.installed, methods=["POST"]),
        Route("/connect/uninstalled", connect.uninstalled, methods=["POST"]),
        Route("/connect/enabled", connect.enabled, methods=["POST"]),
        Route("/connect/disabled", connect.disabled, methods=["POST"]),
        Route("/connect/webhooks", webhooks.receive, methods=["POST"]),
        Route("/connect/panel", panel.show, methods=["GET"]),
        Route("/connect/admin", admin.show, methods=["GET"]),
        Route("/healthz", health.healthz, methods=["GET"]),
        Route("/readyz", health.readyz, methods=["GET"]),
        Route("/metrics", health.metrics, methods=["GET"]),
        Mount("/static", StaticFiles(directory=resources.root() / "static")),
    ]
