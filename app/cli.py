"""The entry: the settings are judged before anything else is read.

Libraries read the environment as they are imported, openai-chatkit ``LOG_LEVEL`` among it: a bad
value has to end in our one line, not in their trace.
"""

from __future__ import annotations

import sys

from app import settings
from app.errors import SettingsError


def run() -> None:
    """A bad setting is one line on standard error, and exit code 2."""
    try:
        settings.load()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    from app import commands  # noqa: PLC0415  (see above)

    commands.run()


if __name__ == "__main__":
    run()
