"""A world behind the Forge door whose pages are served and framed as Forge does it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import forge_folder
from app.forge_manifest import ForgeApp
from app.sandbox.jira.forge import APP_ID
from app.sandbox.jira.forge_pages import Deployed
from app.sandbox.serving import serve
from tests.support.world import World, world

MISSING = "no pages for Forge: bundle them by `sh .ci/forge`, which needs npm or fetches it"


def missing() -> str | None:
    """What would be lacking here and how to make it, or None."""
    return None if forge_folder.bundles() else MISSING


@contextmanager
def forge_world(database_url: str) -> Iterator[World]:
    """See the module; the pages are those that ``jira-chatkit forge render`` writes."""
    with tempfile.TemporaryDirectory() as folder:
        deployed = Deployed(Path(folder))
        with serve(deployed.asgi), world(database_url, also=deployed, door="forge") as made:
            forge_folder.write(ForgeApp(APP_ID, made.url), Path(folder))
            deployed.show_on(made.jira, [made.url])
            yield made
