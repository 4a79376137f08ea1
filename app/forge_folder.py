"""The folder that ``forge deploy`` takes: the manifest, and the pages that Atlassian serves for us.

The pages' scripts and styles are bundled beforehand by ``make forge``; their HTML is made here,
from the templates that Connect's pages are made from.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from app import forge_manifest, i18n, resources
from app.errors import SettingsError
from app.forge_manifest import ForgeApp
from app.web import pages

BUNDLES = "dist/pages"
PAGES = {"panel": "panel", "admin": ""}
"""Each resource, and what its page's ``main`` looks like."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the folder and its size in bytes."""

    name: str
    size: int


def bundles() -> Path | None:
    """Where the bundled scripts and styles are; None: they were not made, or not all."""
    folder = resources.root() / BUNDLES
    whole = all((folder / f"{name}.{kind}").is_file() for name in PAGES for kind in ("js", "css"))
    return folder if whole else None


def write(app: ForgeApp, folder: Path) -> list[Written]:
    """Write the folder; what an earlier run wrote there is replaced, anything else left alone.

    Raises:
        SettingsError: the bundles are missing, or the folder cannot be written.
    """
    made = bundles()
    if made is None:
        raise SettingsError(
            "the pages for Forge are not bundled yet: run `make forge` in the checkout first"
        )
    try:
        files = {forge_manifest.FILE: forge_manifest.render(app).encode()}
        for name in PAGES:
            shutil.rmtree(folder / name, ignore_errors=True)
            files |= {f"{name}/{file}": text for file, text in _page(app, name, made).items()}
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
    except OSError as error:
        raise SettingsError(f"--out: {folder} cannot be written: {error.strerror}") from None
    return [Written(name, len(content)) for name, content in sorted(files.items())]


def _page(app: ForgeApp, name: str, made: Path) -> dict[str, bytes]:
    languages = {
        f"i18n/{language}.json": json.dumps(dict(i18n.catalogue(language)), ensure_ascii=False)
        for language in i18n.LANGUAGES
        if language != i18n.ENGLISH
    }
    return {
        "index.html": _html(app, name).encode(),
        f"{name}.js": (made / f"{name}.js").read_bytes(),
        f"{name}.css": (made / f"{name}.css").read_bytes(),
        "icon.svg": (resources.root() / "static" / "icon.svg").read_bytes(),
        **{file: text.encode() for file, text in languages.items()},
    }


def _html(app: ForgeApp, name: str) -> str:
    template = pages.environment().get_template(f"{name}.html")
    return template.render(
        layout=pages.FORGE,
        name=name,
        look=PAGES[name],
        app=app,
        regions=json.dumps(dict(app.regions)),
        refusals=pages.REFUSALS,
        no_script=pages.NO_SCRIPT,
    )
