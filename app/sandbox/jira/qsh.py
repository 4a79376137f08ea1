"""The query string hash of Atlassian Connect, as Atlassian's documents describe it.

https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/
#creating-a-query-string-hash. Checked against Atlassian's own 79 published cases.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote_plus, urlsplit

SAFE = "-._~"


def query_string_hash(method: str, url: str, base_url: str = "") -> str:
    """SHA-256, in hexadecimal, of the canonical request."""
    return hashlib.sha256(canonical_request(method, url, base_url).encode()).hexdigest()


def canonical_request(method: str, url: str, base_url: str = "") -> str:
    """``METHOD&path&query``: what the two sides of a signed request agree on.

    Args:
        method: the HTTP method, in any case.
        url: absolute or relative, with its raw query.
        base_url: what the path is relative to; its own path is taken away.
    """
    parts = urlsplit(url)
    path = _relative_path(parts.path, urlsplit(base_url).path)
    return f"{method.upper()}&{path}&{_canonical_query(parts.query)}"


def _relative_path(path: str, context: str) -> str:
    context = context.rstrip("/")
    if context and (path == context or path.startswith(f"{context}/")):
        path = path[len(context) :]
    path = path.removesuffix("/") or "/"
    return path.replace("&", "%26")


def _canonical_query(query: str) -> str:
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        name = unquote_plus(name)
        if name != "jwt":
            values.setdefault(name, []).append(unquote_plus(value))
    joined = {
        _encode(name): ",".join(map(_encode, sorted(many, key=_utf16)))
        for name, many in values.items()
    }
    return "&".join(f"{name}={joined[name]}" for name in sorted(joined))


def _encode(text: str) -> str:
    return quote(text, safe=SAFE)


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")
