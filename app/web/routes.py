"""Every URL, on one screen."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from app import resources
from app.web import (
    admin,
    admin_api,
    chat,
    chatkit,
    connect,
    drafts,
    events,
    forge,
    health,
    panel,
    texts,
    webhooks,
)

THREAD = "/api/threads/{thread_id}"
DRAFT = f"{THREAD}/drafts/{{item_id}}"
ADMIN = "/api/admin"


def routes(base_path: str = "", *, forge: bool = True) -> list[BaseRoute]:
    """What the app answers; anything else is 404.

    Args:
        base_path: the public URL's, for a proxy that keeps it; one that strips it works as well.
        forge: whether the Forge door is open.
    """
    shown = [*(_forge() if forge else []), *_routes()]
    kept = Router(shown, redirect_slashes=False)
    return [*([Mount(base_path, kept)] if base_path else []), *shown]


def _forge() -> list[BaseRoute]:
    return [
        Route("/forge/events", forge.receive, methods=["POST"]),
        Route("/forge/pre-uninstall", forge.pre_uninstall, methods=["POST"]),
        Route("/forge/schedule", forge.run_schedule, methods=["POST"]),
    ]


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
        Route("/api/sessions", chat.open_session, methods=["POST"]),
        Route(THREAD, chat.show_thread, methods=["GET"]),
        Route(f"{THREAD}/events", events.follow, methods=["GET"]),
        Route(f"{THREAD}/items", chat.show_items, methods=["GET"]),
        Route(f"{THREAD}/items/{{item_id}}/feedback", chat.judge, methods=["POST"]),
        Route(f"{THREAD}/panel", panel.describe, methods=["GET"]),
        Route(f"{THREAD}/people", chat.show_people, methods=["GET"]),
        Route(f"{THREAD}/messages", chat.say, methods=["POST"]),
        Route(f"{THREAD}/stop", chat.stop, methods=["POST"]),
        Route(f"{THREAD}/turns/{{turn_id}}/retry", chat.retry, methods=["POST"]),
        Route(f"{DRAFT}/approve", drafts.approve, methods=["POST"]),
        Route(f"{DRAFT}/edit", drafts.edit, methods=["POST"]),
        Route(f"{DRAFT}/reject", drafts.reject, methods=["POST"]),
        Route(f"{DRAFT}/regenerate", drafts.regenerate, methods=["POST"]),
        Route(f"{THREAD}/pause", chat.pause, methods=["POST"]),
        Route(f"{THREAD}/resume", chat.resume, methods=["POST"]),
        Route("/chatkit", chatkit.serve, methods=["POST"]),
        Route("/i18n/{language}.json", texts.show, methods=["GET"]),
        Route(f"{ADMIN}/sessions", admin_api.open_session, methods=["POST"]),
        Route(f"{ADMIN}/overview", admin_api.overview, methods=["GET"]),
        Route(f"{ADMIN}/key", admin_api.set_key, methods=["PUT"]),
        Route(f"{ADMIN}/key", admin_api.remove_key, methods=["DELETE"]),
        Route(f"{ADMIN}/workflow", admin_api.show_workflow, methods=["GET"]),
        Route(f"{ADMIN}/workflow", admin_api.save_workflow, methods=["PUT"]),
        Route(f"{ADMIN}/workflow/publish", admin_api.publish_workflow, methods=["POST"]),
        Route(f"{ADMIN}/projects", admin_api.find_projects, methods=["GET"]),
        Route(f"{ADMIN}/projects/{{project_id}}", admin_api.set_project, methods=["PUT"]),
        Route(f"{ADMIN}/limits", admin_api.set_limits, methods=["PUT"]),
        Route(f"{ADMIN}/playground", admin_api.try_out, methods=["POST"]),
        Route(f"{ADMIN}/doctor", admin_api.examine, methods=["GET"]),
        Route(f"{ADMIN}/turns", admin_api.recent_turns, methods=["GET"]),
        Route("/healthz", health.healthz, methods=["GET"]),
        Route("/readyz", health.readyz, methods=["GET"]),
        Route("/metrics", health.metrics, methods=["GET"]),
        Mount("/static", StaticFiles(directory=resources.root() / "static")),
    ]
