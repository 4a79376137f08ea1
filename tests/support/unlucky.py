"""The app as a program, whose first turn breaks with somebody's words in the error.

python -m tests.support.unlucky
"""

from __future__ import annotations

import uvicorn

from app import logs
from app import settings as settings_module
from app.main import create_app

WORDS = "CANARY-EXCEPTION"

_known = {"a": "b"}


async def at_step(step: str) -> None:
    if step == "generated" and _known:
        _known.clear()
        try:
            _known[WORDS]
        except KeyError as cause:
            raise LookupError(WORDS) from cause


def main() -> None:
    settings = settings_module.with_secret_keys(settings_module.load())
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings, at_step=at_step)
    uvicorn.run(app, port=settings.port, log_config=None, access_log=False, ws="none")


if __name__ == "__main__":
    main()
