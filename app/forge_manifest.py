"""What Forge is told about the app: ``forge/manifest.yml``, with an operator's values in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import resources
from app.errors import SettingsError

FOLDER = "forge"
FILE = "manifest.yml"
REGIONS = ("AU", "CA", "CH", "DE", "EU", "GB", "IN", "JP", "KR", "SG", "US")
"""Where Atlassian keeps a site's data, as it names them in a remote's ``baseUrl``."""

_APP_ID = re.compile(
    r"ari:cloud:ecosystem::app/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.ASCII,
)
_URL = re.compile(
    r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[\w.~-]+)*", re.ASCII
)
_CONNECT_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ForgeApp:
    """One operator's app.

    Attributes:
        id: ``ari:cloud:ecosystem::app/…``, which ``forge register`` gives.
        base_url: where our server is, without a trailing slash.
        regions: our servers for sites whose data is kept there, by :data:`REGIONS`.
        connect_key: of the Connect app that it takes over from; None where there is none.
    """

    id: str
    base_url: str
    regions: tuple[tuple[str, str], ...] = ()
    connect_key: str | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """What the pages call, each once."""
        urls = (self.base_url, *(url for _, url in self.regions))
        return tuple(dict.fromkeys(origin_of(url) for url in urls))

    @property
    def further_origins(self) -> tuple[str, ...]:
        """Those that no base URL is: a path in it would narrow what the pages may call."""
        urls = {self.base_url, *(url for _, url in self.regions)}
        return tuple(origin for origin in self.origins if origin not in urls)


def judged(
    app_id: str, base_url: str, regions: Iterable[str] = (), connect_key: str | None = None
) -> ForgeApp:
    """What an operator typed.

    Args:
        app_id: the whole ARI.
        base_url: https, as ``APP_BASE_URL`` has it.
        regions: each ``REGION=URL``.
        connect_key: ``key`` of the Connect descriptor.

    Raises:
        SettingsError: names the option and what it takes.
    """
    if not _APP_ID.fullmatch(app_id):
        raise SettingsError(
            "--app-id takes the whole id that `forge register` wrote into its manifest:"
            " ari:cloud:ecosystem::app/ and a UUID"
        )
    if connect_key is not None and not _CONNECT_KEY.fullmatch(connect_key):
        raise SettingsError(
            "--connect-key takes the key of the Connect descriptor: at most 64 letters, digits,"
            " dots, hyphens and underscores"
        )
    return ForgeApp(
        app_id, _url("--base-url", base_url), tuple(sorted(_by_region(regions))), connect_key
    )


def render(app: ForgeApp) -> str:
    """The manifest, as YAML."""
    environment = Environment(  # noqa: S701  (YAML: every value is judged and written as JSON)
        loader=FileSystemLoader(resources.root() / FOLDER),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(FILE).render(app=app)


def origin_of(url: str) -> str:
    """A URL's scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _by_region(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen = set()
    for entry in given:
        region, _, url = entry.partition("=")
        if region not in REGIONS or region in seen:
            raise SettingsError(
                f"--region takes REGION=URL, each region once: {', '.join(REGIONS)}"
            )
        seen.add(region)
        yield region, _url(f"--region {region}", url)


def _url(option: str, url: str) -> str:
    bare = url.rstrip("/")
    if not _URL.fullmatch(bare) or len(bare) > 200:
        raise SettingsError(
            f"{option} takes an https URL in lower case, such as https://assistant.example.com;"
            " Forge calls nothing else"
        )
    return bare
