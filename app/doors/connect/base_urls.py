"""Which addresses a tenant's base URL may name (pure).

Whoever may say where a tenant's Jira stands decides where our requests, and our credentials,
go. So the address is compared with ``TENANT_HOSTS`` in its strictest reading, and whatever
two URL parsers could read differently is refused before it is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from app.errors import BadRequest

_PLAIN = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?",
    re.ASCII | re.IGNORECASE,  # without ASCII, ignoring case would let look-alikes in
)
_LABEL = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def allowed_base_url(url: str, patterns: Iterable[str]) -> str:
    """``url`` in lower case without a trailing slash, if one of ``patterns`` lets it in.

    Args:
        url: what the tenant names as its base URL.
        patterns: ``TENANT_HOSTS``. ``jira.example.com`` and ``*.example.com`` (at least one
            label more) mean https at the default port and no path; an entry with a scheme is
            allowed exactly, with its port and its path.

    Raises:
        BadRequest: for anything else. User names, queries, fragments, IP addresses outside
            exact entries, non-ASCII and ``xn--`` names are never let in.
    """
    parts = _PLAIN.fullmatch(url)
    if parts is None:
        raise BadRequest("baseUrl is not a plain address")
    scheme, host = parts["scheme"].lower(), parts["host"].lower()
    port = "" if parts["port"] in {None, _DEFAULT_PORTS[scheme]} else f":{parts['port']}"
    normal = f"{scheme}://{host}{port}{parts['path']}"
    plain_name = scheme == "https" and not parts["port"] and not parts["path"] and _is_name(host)
    for pattern in patterns:
        if "://" in pattern:
            if normal == _exact(pattern):
                return normal
        elif plain_name and _host_matches(host, pattern.lower()):
            return normal
    raise BadRequest("baseUrl names a host that TENANT_HOSTS does not allow")


def _exact(pattern: str) -> str:
    """An entry with a scheme, as a base URL is normalised."""
    parts = urlsplit(pattern)
    host, _, port = parts.netloc.lower().partition(":")
    if port == _DEFAULT_PORTS.get(parts.scheme):
        port = ""
    return f"{parts.scheme}://{host}{':' if port else ''}{port}{parts.path.rstrip('/')}"


def _is_name(host: str) -> bool:
    """A name with a dot whose last label is a word: no IP address, no dot at the end."""
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and labels[-1].isalpha()
    )


def _host_matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
