"""``atlassian-connect.json``, the app as Jira is told about it; the base URL is its only hole."""

from __future__ import annotations

import json
from functools import cache

from app import resources

FILE = "atlassian-connect.json"
HOLE = "{{ base_url }}"


@cache
def render(base_url: str) -> bytes:
    """The descriptor of the app at ``base_url`` (without a trailing slash), as JSON."""
    return _source().replace(HOLE, json.dumps(base_url)[1:-1]).encode()


@cache
def app_key() -> str:
    """The app's key: what ``key`` in a lifecycle body has to name."""
    return str(json.loads(_source())["key"])


@cache
def _source() -> str:
    return (resources.root() / FILE).read_text(encoding="utf-8")
