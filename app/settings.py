"""Every variable of the environment, read once, at start. No other module reads it.

A bad value stops the start with one line that names the variable and what it takes.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import SettingsError

CONNECT_KEY_HOSTS = (
    "https://asap-distribution.us-west-2.prod.atl-asap.net",
    "https://connect-install-keys.atlassian.com",
)
FORGE_JWKS = "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET = 32
WHOLE_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
HOST_NAME = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)
LISTEN_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?", re.ASCII)
FORGE_ENVIRONMENTS = frozenset({"DEVELOPMENT", "STAGING", "PRODUCTION"})

CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator may set; names in upper case are the variables of the environment."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        str_strip_whitespace=True,  # a secret read from a file ends with a line break
    )

    app_base_url: str = "http://localhost:8080"
    host: str = "127.0.0.1"
    port: int = 8080
    secret_keys: CommaList = Field(default=(), repr=False)
    database_url: str = Field(default="sqlite:///var/jira-chatkit.db", repr=False)
    connect_install_keys_url: str | None = None
    forge_app_id: str | None = None
    forge_environments: CommaList = ()
    forge_jwks_url: str = FORGE_JWKS
    tenant_hosts: CommaList = ("*.atlassian.net", "*.jira.com", "api.atlassian.com")
    outbound_hosts: CommaList = ("api.openai.com",)
    openai_api_key: str | None = Field(default=None, repr=False)
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
    def _a_cap(cls, value: object) -> object:
        if value in {None, "none"}:
            return None
        if WHOLE_NUMBER.fullmatch(str(value).strip()) is None:
            raise ValueError("takes a whole number of tokens, 0 or more, or the word none")
        return value

    @field_validator("log_format", "log_level", "default_reply_mode", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("host")
    @classmethod
    def _a_host(cls, value: str) -> str:
        if not LISTEN_HOST.fullmatch(value):
            raise ValueError("takes a host name or an address to listen on, such as 127.0.0.1")
        return value

    @field_validator("port", mode="before")
    @classmethod
    def _a_port(cls, value: object) -> object:
        text = str(value).strip()
        if WHOLE_NUMBER.fullmatch(text) is None or int(text) > 65_535:
            raise ValueError("takes a port from 0 to 65535")
        return value

    @field_validator(
        "app_base_url", "openai_base_url", "connect_install_keys_url", "forge_jwks_url"
    )
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is not None and not _is_http_url(value):
            raise ValueError("takes an http or https URL without user name, query and fragment")
        return value.rstrip("/") if value else value

    @field_validator("tenant_hosts")
    @classmethod
    def _hosts_or_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not (_is_origin(entry) if "://" in entry else HOST_NAME.fullmatch(entry)):
                raise ValueError(
                    "takes host names such as *.atlassian.net, and whole URLs such as"
                    " http://127.0.0.1:8081, by commas"
                )
        return value

    @field_validator("outbound_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(HOST_NAME.fullmatch(entry) for entry in value):
            raise ValueError("takes host names such as api.openai.com, by commas")
        return value

    @field_validator("forge_environments")
    @classmethod
    def _environments(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(entry.upper() for entry in value)
        if not FORGE_ENVIRONMENTS.issuperset(names):
            raise ValueError("takes any of development, staging and production, by commas")
        return names

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < MIN_SECRET for key in value):
            raise ValueError(f"takes texts of at least {MIN_SECRET} characters each, by commas")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        path = value.removeprefix("sqlite:///")
        if path != value and path and not path.startswith((":", "file:")) and "?" not in path:
            return value
        if value.startswith(("postgresql://", "postgres://")) and _can_be_split(value):
            return value
        raise ValueError("takes sqlite:///path or postgresql://user:password@host/name")

    @field_validator("forge_app_id")
    @classmethod
    def _an_ari(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"ari:cloud:ecosystem::app/[\w-]+", value):
            raise ValueError("takes the app's whole ARI, ari:cloud:ecosystem::app/…")
        return value

    @field_validator("openai_chatkit_workflow_id")
    @classmethod
    def _a_workflow(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"wf_\w+", value):
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
        SettingsError: one line that names the variable and what it takes, never what it held.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # what is wrong, pydantic tells
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = str(first["loc"][0]).upper()
        takes = first["msg"].removeprefix("Value error, ").replace("Input should be", "takes")
        raise SettingsError(f"{name} {takes}") from None


def with_secret_keys(settings: Settings) -> Settings:
    """The settings with keys to seal secrets with.

    On SQLite at a local base URL a key is generated once, beside the database, readable by its
    owner alone. Anywhere else its absence is refused: a key that each host makes for itself
    would open nothing on the next one.

    Raises:
        SettingsError: one line that says what to set, or which file is at fault.
    """
    if settings.secret_keys:
        return settings
    if not (settings.is_sqlite and settings.is_local):
        raise SettingsError(
            f"SECRET_KEYS is missing: set one or more texts of at least {MIN_SECRET} characters,"
            " newest first, by commas. Only SQLite at a local APP_BASE_URL goes without."
        )
    path = settings.sqlite_path.with_name(settings.sqlite_path.name + ".key")
    try:
        if not path.exists():
            _generate(path)
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"SECRET_KEYS is not set, and its generated key {path} cannot be made or read"
        ) from None
    if len(key) < MIN_SECRET:
        raise SettingsError(f"SECRET_KEYS is not set, and its generated key {path} is damaged")
    return settings.model_copy(update={"secret_keys": (key,)})


def _generate(path: Path) -> None:
    """Write a new key, whole or not at all: another process may be looking for it just now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(part, "x", opener=_private) as file:
        file.write(secrets.token_urlsafe(48))
    try:
        path.hardlink_to(part)
    except FileExistsError:
        pass  # the other process was first: its key is the one
    finally:
        part.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_http_url(text: str) -> bool:
    """Whether ``text`` is an address that can be called, and that holds nothing secret."""
    plain = text.isprintable() and not any(mark in text for mark in " @?#")
    return plain and re.match(r"https?://[^/:]", text) is not None and _can_be_split(text)


def _is_origin(text: str) -> bool:
    return _is_http_url(text) and urlsplit(text).path in {"", "/"}


def _can_be_split(url: str) -> bool:
    """Whether it is a URL whose port, if any, is one. urlsplit's own words repeat its input."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def environment_with(values: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with ``values`` over it, for a program that it starts."""
    return {**os.environ, **values}  # noqa: TID251  (this is the one module that may)
