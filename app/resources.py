"""Where templates, static files and the descriptor are: beside ``app/`` in a checkout,
inside the package in an installed wheel.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def root() -> Path:
    """The folder that holds ``templates/``, ``static/`` and ``atlassian-connect.json``."""
    installed = _PACKAGE / "_resources"
    return installed if installed.is_dir() else _PACKAGE.parent
