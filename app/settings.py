"""Every variable of the environment, read once, at start. No other module reads it.

A bad value stops the start with one line that names the variable and what it takes.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import SettingsError

CONNECT_KEY_HOSTS = (
    "https://asap-distribution.us-west-2.prod.atl-asap.net",
    "https://connect-install-keys.atlassian.com",
)
FORGE_JWKS = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET = 32

CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator may set; names in upper case are the variables of the environment."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    app_base_url: str = "http://localhost:8080"
    host: str = "127.0.0.1"
    port: int = 8080
    secret_keys: CommaList = ()
    database_url: str = "sqlite:///var/jira-chatkit.db"
    connect_install_keys_url: str | None = None
    forge_app_id: str | None = None
    forge_environments: CommaList = ()
    forge_jwks_url: str = FORGE_JWKS
    tenant_hosts: CommaList = ("*.atlassian.net", "*.jira.com", "api.atlassian.com")
    outbound_hosts: CommaList = ("api.openai.com",)
    openai_api_key: str | None = None
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-5.4-mini"
    openai_chatkit_workflow_id: str | None = None
    default_reply_mode: Literal["off", "draft", "auto"] = "off"
    default_daily_tokens: int | None = 2_000_000
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator(
        "secret_keys", "forge_environments", "tenant_hosts", "outbound_hosts", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("default_daily_tokens", mode="before")
    @classmethod
    def _no_cap(cls, value: object) -> object:
        return None if value == "none" else value

    @field_validator("default_daily_tokens")
    @classmethod
    def _positive(cls, value: int | None) -> int | None:
        if value is not None and value < 0:
            raise ValueError("takes a whole number of tokens, 0 or more, or the word none")
        return value

    @field_validator("port")
    @classmethod
    def _a_port(cls, value: int) -> int:
        if not 0 <= value <= 65_535:
            raise ValueError("takes a port from 0 to 65535")
        return value

    @field_validator("app_base_url", "openai_base_url", "connect_install_keys_url", "forge_jwks_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ValueError("takes an http or https URL without user name")
        if parts.query or parts.fragment:
            raise ValueError("takes a URL without query and fragment")
        return value.rstrip("/")

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < MIN_SECRET for key in value):
            raise ValueError(f"takes texts of at least {MIN_SECRET} characters each, by commas")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value.startswith("sqlite:///") or value.startswith(("postgresql://", "postgres://")):
            return value
        raise ValueError("takes sqlite:///path or postgresql://user:password@host/name")

    @field_validator("forge_app_id")
    @classmethod
    def _an_ari(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("ari:cloud:ecosystem::app/"):
            raise ValueError("takes the app's whole ARI, ari:cloud:ecosystem::app/…")
        return value

    @field_validator("openai_chatkit_workflow_id")
    @classmethod
    def _a_workflow(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("wf_"):
            raise ValueError("takes the id of a hosted workflow, wf_…")
        return value

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def is_local(self) -> bool:
        """Whether the base URL can be reached from this machine alone."""
        return urlsplit(self.app_base_url).hostname in LOCAL_HOSTS

    @cached_property
    def sqlite_path(self) -> Path:
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def connect_key_hosts(self) -> tuple[str, ...]:
        """Where install keys are looked for, in order."""
        if self.connect_install_keys_url:
            return (self.connect_install_keys_url,)
        return CONNECT_KEY_HOSTS


def load(**overrides: object) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: one line that names the variable and what it takes.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{name} {first['msg'].removeprefix('Value error, ')}") from None
    return settings


def with_secret_keys(settings: Settings) -> Settings:
    """The settings with keys to seal secrets with.

    On SQLite at a local base URL a key is generated once, beside the database, readable by its
    owner alone. Anywhere else its absence is refused: a key that each host makes for itself
    would open nothing on the next one.
    """
    if settings.secret_keys:
        return settings
    if not (settings.is_sqlite and settings.is_local):
        raise SettingsError(
            f"SECRET_KEYS is missing: set one or more texts of at least {MIN_SECRET} characters,"
            " newest first, by commas. Only SQLite at a local APP_BASE_URL goes without."
        )
    path = settings.sqlite_path.with_name(settings.sqlite_path.name + ".key")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "x", opener=_private) as file:  # noqa: PTH123  (Path.open has no opener)
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if len(key) < MIN_SECRET:
        raise SettingsError(f"SECRET_KEYS: the generated key file {path.name} is damaged")
    return settings.model_copy(update={"secret_keys": (key,)})


def _private(path: str, flags: int) -> int:
    import os  # noqa: PLC0415  (for this one call; the environment is not read)

    return os.open(path, flags, 0o600)
