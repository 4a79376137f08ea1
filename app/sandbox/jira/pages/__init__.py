"""The pages of the simulated site, for people who look at the demo."""

from app.sandbox.jira.pages.routes import routes

__all__ = ["routes"]
