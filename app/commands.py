"""The commands of ``jira-chatkit``: serve, worker, migrate, check, keys, forge, demo."""

from __future__ import annotations

import asyncio
import gc
import signal
from functools import partial
from typing import Annotated

import structlog
import typer
import uvicorn

from app import checking, demonstration, logs, main, serving
from app import settings as settings_module
from app.clock import SystemClock
from app.errors import SealBroken, SettingsError
from app.forge_commands import forge
from app.settings import Settings
from app.store import tenants, upgrades
from app.store.database import Database
from app.store.secrets import Vault

log = structlog.get_logger(__name__)

app = typer.Typer(
    help="A ChatKit assistant that answers in Jira Cloud.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="The keys that seal what the database keeps secret.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(forge, name="forge")

GRACE = 5
"""Seconds that open requests have on shutdown."""


def run() -> None:
    """Run the command that was typed. What it refuses is one line, and exit code 2."""
    try:
        app()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from None
    finally:
        gc.freeze()  # else Python takes a second to look through what ends with the process anyway


def _settings() -> Settings:
    settings = settings_module.with_secret_keys(settings_module.load())
    logs.configure(settings.log_format, settings.log_level)
    return settings


@app.command()
def serve(
    *,
    worker: Annotated[bool, typer.Option(help="Also work on threads in this process.")] = True,
) -> None:
    """Run the app."""
    settings = _settings()
    if settings.is_sqlite and not worker:
        raise SettingsError(
            "--no-worker needs PostgreSQL: SQLite is one process, which is web and worker in one."
            " Set DATABASE_URL, or leave --no-worker out."
        )
    database = _opened(settings, serving=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops in order, then raises the signal again for whoever handled it before:
        # that is us, and an orderly stop is exit code 0.
        signal.signal(number, lambda *_: None)
    web = main.create_app(settings, worker=worker)
    config = uvicorn.Config(
        web,
        host=settings.host,
        port=settings.port,
        http=serving.Protocol,
        loop=serving.LOOP,
        proxy_headers=False,  # whose address it is, and by which scheme, nobody here asks
        log_config=None,
        access_log=False,  # its lines would hold query strings, and those hold tokens
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )
    gc.collect()
    gc.freeze()  # what the program itself is made of is not looked through while it serves
    serving.run(config, partial(main.end_streams, web), lambda: main.why_to_end(web) is not None)
    database.close()
    if (why := main.why_to_end(web)) is not None:
        raise SettingsError(why)


def _opened(settings: Settings, *, serving: bool = False) -> Database:
    database = Database.open(settings)
    if serving and not database.hold_process_lock():
        raise SettingsError(
            "DATABASE_URL: another process serves this SQLite file already. Stop it first, or use"
            " PostgreSQL for more than one."
        )
    if settings.is_sqlite:
        database.migrate()
    else:
        database.require_schema()
    return database


@app.command()
def worker() -> None:
    """Run the worker alone, beside web processes, on PostgreSQL."""
    settings = _settings()
    if settings.is_sqlite:
        raise SettingsError(
            "worker needs PostgreSQL: SQLite is one process, and `serve` works in it already."
            " Set DATABASE_URL to run workers of their own."
        )
    _opened(settings).close()
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with main.assemble(settings) as parts, main.working(parts):
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({stopping, parts.outdated}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
    if not parts.outdated.cancelled():
        raise SettingsError(parts.outdated.result())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema. Programs of before then end by themselves."""
    database = Database.open(_settings())
    try:
        if database.migrate():
            asyncio.run(_hand_on(database))
        typer.echo(f"schema {database.revision()}")
    finally:
        database.close()


async def _hand_on(database: Database) -> None:
    await database.write(upgrades.hand_on, SystemClock().now())


@app.command()
def check(
    tenant: Annotated[
        str | None, typer.Option(help="clientKey, installationId or host; all where left out.")
    ] = None,
    issue: Annotated[str | None, typer.Option(help="An issue's key, for a round trip.")] = None,
    message: Annotated[str | None, typer.Option(help="What to ask there.")] = None,
    *,
    post: Annotated[
        bool, typer.Option("--post", help="Post the answer on the issue, too.")
    ] = False,
) -> None:
    """Find out what is wrong with an install. Exit code 0 only if all is well."""
    if bool(issue) != bool(message):
        raise SettingsError("--issue and --message go together: name both, or neither")
    if post and not issue:
        raise SettingsError("--post needs --issue and --message: they make the answer to post")
    settings = settings_module.with_secret_keys(settings_module.load())
    logs.configure(settings.log_format, "error")
    trip = checking.Trip(issue, message, post) if issue and message else None
    well = asyncio.run(checking.check(settings, tenant, trip, typer.echo))
    raise typer.Exit(0 if well else 1)


@keys.command("rotate")
def rotate() -> None:
    """Seal every secret anew under the newest key of SECRET_KEYS."""
    settings = _settings()
    database = _opened(settings)
    try:
        count = asyncio.run(_rotate(database, Vault(settings.secret_keys)))
        typer.echo(f"{count} secrets sealed anew")
    except SealBroken:
        raise SettingsError(
            "SECRET_KEYS opens not every secret, so none was changed. Put the key that sealed the"
            " others back, behind the newest."
        ) from None
    finally:
        database.close()


async def _rotate(database: Database, vault: Vault) -> int:
    return await database.write(tenants.rotate, vault)


@app.command()
def demo(
    app_port: Annotated[int, typer.Option(help="Where the app listens.")] = 8080,
    jira_port: Annotated[int, typer.Option(help="Where the simulated Jira listens.")] = 8081,
    openai_port: Annotated[int, typer.Option(help="Where the simulated OpenAI listens.")] = 8082,
    forge_port: Annotated[int, typer.Option(help="Where a site with Forge listens.")] = 8083,
    pages_port: Annotated[int, typer.Option(help="Where Forge serves the pages from.")] = 8084,
) -> None:
    """Run the whole system here: no account and no key needed."""
    settings = settings_module.load()
    logs.configure("console", "warning")
    ports = demonstration.Ports(
        app_port, jira_port, openai_port, forge=forge_port, pages=pages_port
    )
    raise typer.Exit(demonstration.run(settings, ports, typer.echo))
