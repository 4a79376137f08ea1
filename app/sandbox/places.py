"""Where the simulated site's templates and static files are: at the top of a checkout, or
inside the package in an installed wheel.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "_resources"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

TEMPLATES = _ROOT / "templates" / "sandbox"
STATIC = _ROOT / "static" / "sandbox"
