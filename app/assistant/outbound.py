"""Where a tenant may send our requests: ``OUTBOUND_HOSTS``, over https, to public addresses.

Whoever names a base URL decides where this machine connects to. So the name is judged before it
is stored and again at every request; its addresses are looked up here, all of them must be
public, and the connection goes to one that was looked at: an answer of the DNS that changes
between the look and the connection changes nothing. No redirect is followed, no proxy used.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

import httpx2
from typing_extensions import override

if TYPE_CHECKING:
    from app.assistant.models import ModelAccess

RESOLVE_SECONDS = 10.0
HTTPS = 443

_PLAIN = re.compile(
    r"https://(?P<host>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})(?P<path>(?:/[A-Za-z0-9._~-]+)*)/?",
    re.ASCII | re.IGNORECASE,  # without ASCII, ignoring case would let look-alikes in
)
_WORD = re.compile(r"[a-z][a-z0-9-]*")
_UNICAST = IPv6Network("2000::/3")  # the only part of IPv6 that is given out, RFC 4291
_EMBEDS_IPV4 = IPv6Network("64:ff9b::/96")  # NAT64, RFC 6052

Resolve = Callable[[str], Awaitable[list[str]]]
"""From a host's name to its addresses, as text."""


class OutboundRefused(httpx2.ConnectError):
    """The host is not allowed, or leads to an address that is not public. Nothing was sent."""


def allowed_url(url: str, hosts: Iterable[str]) -> str | None:
    """``url`` without a trailing slash, if a tenant may name it; else None. Looks nothing up.

    Only https at the default port, a name and a plain path: no IP address, user name, query or
    fragment, and nothing that two readers could read differently.

    Args:
        url: as it was typed.
        hosts: ``OUTBOUND_HOSTS``: ``api.example.com``, or ``*.example.com`` for at least one
            label more.
    """
    parts = _PLAIN.fullmatch(url)
    if parts is None or any(segment in {".", ".."} for segment in parts["path"].split("/")):
        return None
    host = parts["host"].lower()
    return f"https://{host}{parts['path']}" if allowed_host(host, hosts) else None


def allowed_host(host: str, hosts: Iterable[str]) -> bool:
    """Whether one of ``hosts`` lets this name in."""
    labels = host.split(".")
    if len(labels) < 2 or not _WORD.fullmatch(labels[-1]):
        return False  # one label, or what may be read as an IP address
    return any(_matches(host, pattern.lower()) for pattern in hosts)


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also where it holds another one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(one) for one in _held(found))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _held(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address that counts: an IPv4 one that it stands for, else itself."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _EMBEDS_IPV4:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


async def look_up(host: str) -> list[str]:
    """All addresses of a host.

    Raises:
        httpx2.ConnectError: it has none, or nobody answered.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(host, HTTPS, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpx2.ConnectTimeout("the host was not looked up in time") from None
    except (OSError, UnicodeError):
        raise httpx2.ConnectError("the host has no address") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Carries requests to allowed hosts, each over a connection to an address it has looked at.

    Args:
        hosts: ``OUTBOUND_HOSTS``.
        resolve: looks a host up.
        below: carries the request once the host in its URL is an address.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        resolve: Resolve = look_up,
        below: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._hosts = tuple(hosts)
        self._resolve = resolve
        self._below = below or httpx2.AsyncHTTPTransport(trust_env=False)

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url.scheme != "https" or url.port is not None or url.userinfo:
            raise OutboundRefused("only https at its default port is let out")
        addresses = await self._checked(url.host)
        for address in addresses[:-1]:
            try:
                return await self._send(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue  # nothing was sent; another address may be reached
        return await self._send(request, addresses[-1])

    async def _checked(self, host: str) -> list[str]:
        if not allowed_host(host, self._hosts):
            raise OutboundRefused("OUTBOUND_HOSTS does not allow the host")
        addresses = await self._resolve(host)
        if not addresses or not all(is_public(address) for address in addresses):
            raise OutboundRefused("the host leads to an address that is not public")
        return addresses

    async def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        """To that address; ``Host`` and the certificate's name stay the host's."""
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._below.handle_async_request(pinned)

    @override
    async def aclose(self) -> None:
        await self._below.aclose()


class Carriers:
    """Makes what carries a model client's requests; for ``ModelClients``."""

    def __init__(self, hosts: Iterable[str], *, resolve: Resolve = look_up) -> None:
        self._hosts = tuple(hosts)
        self._resolve = resolve

    def __call__(self, access: ModelAccess) -> httpx2.AsyncClient | None:
        """None for the operator's own base URL, which is the operator's to choose."""
        if not access.guarded:
            return None
        return httpx2.AsyncClient(
            transport=PinnedTransport(self._hosts, resolve=self._resolve),
            follow_redirects=False,
            trust_env=False,
        )
