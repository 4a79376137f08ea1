"""The query string hash: what binds a Connect token to one method, path and query (pure).

Source: "Understanding JWT" in Atlassian's documents, and Atlassian's 79 published cases. The
body is not bound by it.
"""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

TOKEN_PARAMETER = "jwt"  # noqa: S105  (the parameter's name)


def query_string_hash(method: str, path: str, query: str | bytes, *, base_path: str = "") -> str:
    """64 hexadecimal digits: SHA-256 of :func:`canonical_request`."""
    canonical = canonical_request(method, path, query, base_path=base_path)
    return sha256(canonical.encode()).hexdigest()


def canonical_request(method: str, path: str, query: str | bytes, *, base_path: str = "") -> str:
    """``METHOD&path&query``, one text for all requests that mean the same.

    Args:
        method: in any case.
        path: as it stands in the request, still percent-encoded.
        query: as it stands in the request, without the question mark.
        base_path: the path of the app's own base URL, which Jira leaves out.
    """
    return f"{method.upper()}&{_canonical_path(path, base_path)}&{_canonical_query(query)}"


def parameters(query: str | bytes) -> list[tuple[str, str]]:
    """Names and values, decoded, in the order of the query; a bare name has an empty value.

    Bytes that are not UTF-8 survive as lone surrogates, so that no two queries look alike.
    """
    raw = query.encode() if isinstance(query, str) else query
    pairs = (part.partition(b"=") for part in raw.split(b"&") if part)
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def _canonical_path(path: str, base_path: str) -> str:
    base = base_path.rstrip("/")
    if base and (path == base or path.startswith(base + "/")):
        path = path[len(base) :]
    path = path.replace("&", "%26")
    if not path.startswith("/"):
        path = "/" + path
    return path[:-1] if path.endswith("/") and path != "/" else path


def _canonical_query(query: str | bytes) -> str:
    values: dict[str, list[str]] = {}
    for name, value in parameters(query):
        if name != TOKEN_PARAMETER:
            values.setdefault(name, []).append(value)
    return "&".join(
        f"{_encode(name)}={','.join(_encode(value) for value in sorted(values[name], key=_utf16))}"
        for name in sorted(values, key=_utf16)
    )


def _decode(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


def _encode(text: str) -> str:
    """RFC 3986: everything but letters, digits and ``-._~``."""
    return quote(text, safe="", errors="surrogateescape")


def _utf16(text: str) -> bytes:
    """Atlassian sorts as Java and JavaScript do: by UTF-16 code units, before encoding."""
    return text.encode("utf-16-be", "surrogatepass")
