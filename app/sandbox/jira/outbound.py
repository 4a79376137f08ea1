"""How the site calls the app: no proxy of the machine's, no redirects."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


def client(seconds: float = 10.0) -> httpx2.Client:
    return httpx2.Client(timeout=seconds, trust_env=False, verify=_trusted())


def async_client(timeout: httpx2.Timeout, at_once: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=at_once)
    return httpx2.AsyncClient(timeout=timeout, limits=limits, trust_env=False, verify=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    """Read once: reading the machine's certificates takes longer than a whole request."""
    return ssl.create_default_context()
