"""``make hosts``: the demonstration as several processes on a PostgreSQL, as on several hosts.

    make hosts
    DATABASE_URL=postgresql://user:password@host/empty make hosts

Two web processes behind one address, two workers, the simulated Jira and the simulated OpenAI.
Without ``DATABASE_URL`` a PostgreSQL server is started for it, and removed afterwards.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack

from app import demonstration, logs
from app import settings as settings_module
from app.demonstration import Ports
from app.errors import SettingsError
from tests.support import postgresql

MISSING = f"{postgresql.MISSING}, or name an empty database: DATABASE_URL=postgresql://… make hosts"


def main() -> int:
    """Run until Ctrl-C; return the exit code."""
    ports = _ports()
    try:
        settings = settings_module.load()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure("console", "warning")
    with ExitStack() as stack:
        url = settings.database_url
        if settings.is_sqlite:
            folder = postgresql.binaries()
            if folder is None:
                sys.stderr.write(f"{MISSING}\n")
                return 2
            url = stack.enter_context(postgresql.running(folder)).url()
        return demonstration.run(settings, ports, lambda text: print(text, flush=True), url)  # noqa: T201


def _ports() -> Ports:
    parser = argparse.ArgumentParser(prog="make hosts", description=__doc__)
    parser.add_argument("--ports", nargs=5, type=int, default=[8080, 8081, 8082, 8083, 8084])
    app, jira, openai, *webs = parser.parse_args().ports
    return Ports(app, jira, openai, tuple(webs))


if __name__ == "__main__":
    sys.exit(main())
