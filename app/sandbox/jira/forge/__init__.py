"""The Forge side of the simulated site: what its platform says to an app, and takes from it.

Written from Atlassian's documents: "Forge Remote essentials", "Jira events", "Life cycle events".
"""

from app.sandbox.jira.forge.link import APP_ID, ForgeLink, RemoteAnswer

__all__ = ["APP_ID", "ForgeLink", "RemoteAnswer"]
