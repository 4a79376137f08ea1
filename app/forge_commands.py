"""``jira-chatkit forge``: what an operator deploys to Atlassian."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from app import forge_folder, forge_manifest

forge = typer.Typer(help="What is deployed to Atlassian's Forge.", no_args_is_help=True)

OUT = Path("dist/forge")


@forge.callback()
def _group() -> None:
    """Keep `render` a command of its own, however many there are."""


@forge.command()
def render(
    *,
    app_id: Annotated[str, typer.Option(help="ari:cloud:ecosystem::app/…, of `forge register`.")],
    base_url: Annotated[str, typer.Option(help="Where this app is served: its APP_BASE_URL.")],
    region: Annotated[
        list[str] | None,
        typer.Option(help="EU=https://… for each server that keeps a region's data."),
    ] = None,
    connect_key: Annotated[
        str | None, typer.Option(help="Take over the installs of this Connect app.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = OUT,
) -> None:
    """Write the folder that `forge deploy` takes: the manifest, and the pages bundled."""
    app = forge_manifest.judged(app_id, base_url, region or (), connect_key)
    for written in forge_folder.write(app, out):
        typer.echo(f"{written.size:>9,}  {out / written.name}")
    typer.echo(f"Next: cd {shlex.quote(str(out))} && forge lint && forge deploy -e production")
