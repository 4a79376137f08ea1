"""What each variable of the environment takes, and what an operator reads where it does not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SettingsError
from app.settings import (
    CONNECT_KEY_HOSTS,
    FORGE_JWKS,
    Settings,
    _generate,
    load,
    with_secret_keys,
)

KEY = "k" * 32
OTHER_KEY = "o" * 40


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """The line that an operator reads for a bad value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert refused.value.__suppress_context__, "the cause would show the value"
    return str(refused.value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert load().model_dump() == {
        "app_base_url": "http://localhost:8080",
        "host": "127.0.0.1",
        "port": 8080,
        "secret_keys": (),
        "database_url": "sqlite:///var/jira-chatkit.db",
        "connect_install_keys_url": None,
        "forge_app_id": None,
        "forge_environments": (),
        "forge_jwks_url": FORGE_JWKS,
        "tenant_hosts": ("*.atlassian.net", "*.jira.com", "api.atlassian.com"),
        "outbound_hosts": ("api.openai.com",),
        "openai_api_key": None,
        "openai_base_url": "https://api.openai.com/v1",
        "openai_model": "gpt-5.4-mini",
        "openai_chatkit_workflow_id": None,
        "default_reply_mode": "off",
        "default_daily_tokens": 2_000_000,
        "log_format": "console",
        "log_level": "info",
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("APP_BASE_URL", "https://assistant.example.com/", "https://assistant.example.com"),
        ("APP_BASE_URL", " https://example.com/assistant ", "https://example.com/assistant"),
        ("HOST", "0.0.0.0", "0.0.0.0"),
        ("PORT", "0", 0),
        ("PORT", "65535", 65535),
        ("SECRET_KEYS", f"{KEY}, {OTHER_KEY}\n", (KEY, OTHER_KEY)),
        ("DATABASE_URL", "sqlite:////srv/chat.db", "sqlite:////srv/chat.db"),
        ("DATABASE_URL", "postgresql://a:b@db:5432/chat", "postgresql://a:b@db:5432/chat"),
        ("DATABASE_URL", "postgresql:///chat", "postgresql:///chat"),
        ("CONNECT_INSTALL_KEYS_URL", "http://127.0.0.1:8081/keys", "http://127.0.0.1:8081/keys"),
        ("FORGE_APP_ID", "ari:cloud:ecosystem::app/1-2", "ari:cloud:ecosystem::app/1-2"),
        ("FORGE_ENVIRONMENTS", "production,Staging", ("PRODUCTION", "STAGING")),
        ("FORGE_JWKS_URL", "http://[::1]:8081/jwks", "http://[::1]:8081/jwks"),
        ("TENANT_HOSTS", "jira.example.com", ("jira.example.com",)),
        (
            "TENANT_HOSTS",
            "*.example.com,http://127.0.0.1:8081",
            ("*.example.com", "http://127.0.0.1:8081"),
        ),
        (
            "OUTBOUND_HOSTS",
            "api.openai.com, llm.example.com",
            ("api.openai.com", "llm.example.com"),
        ),
        ("OPENAI_API_KEY", "sk-1\n", "sk-1"),
        ("OPENAI_BASE_URL", "http://localhost:8082/v1/", "http://localhost:8082/v1"),
        ("OPENAI_MODEL", "gpt-6", "gpt-6"),
        ("OPENAI_CHATKIT_WORKFLOW_ID", "wf_1", "wf_1"),
        ("DEFAULT_REPLY_MODE", "draft", "draft"),
        ("DEFAULT_DAILY_TOKENS", "0", 0),
        ("DEFAULT_DAILY_TOKENS", "none", None),
        ("LOG_FORMAT", "json", "json"),
        ("LOG_LEVEL", "debug", "debug"),
    ],
)
def test_a_variable_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load(), name.lower()) == value


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert load() == Settings()


URL_LINE = "takes an http or https URL without user name, query and fragment"
HOSTS_LINE = "takes host names such as api.openai.com, by commas"
TENANT_LINE = (
    "takes host names such as *.atlassian.net, and whole URLs such as http://127.0.0.1:8081,"
    " by commas"
)
DATABASE_LINE = "takes sqlite:///path or postgresql://user:password@host/name"
TOKENS_LINE = "takes a whole number of tokens, 0 or more, or the word none"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("APP_BASE_URL", "canary.example.com", URL_LINE),
        ("APP_BASE_URL", "ftp://canary.example.com", URL_LINE),
        ("APP_BASE_URL", "https://", URL_LINE),
        ("APP_BASE_URL", "https://canary.example.com:port", URL_LINE),
        ("APP_BASE_URL", "https://canary.example.com:99999", URL_LINE),
        ("APP_BASE_URL", "https://canary.example.com?x=1", URL_LINE),
        ("APP_BASE_URL", "https://canary.example.com#x", URL_LINE),
        ("APP_BASE_URL", "https://canary example.com", URL_LINE),
        ("APP_BASE_URL", "https://[::canary", URL_LINE),
        ("APP_BASE_URL", "https://canary℀.example.com", URL_LINE),
        ("PORT", "canary", "takes a port from 0 to 65535"),
        ("PORT", "-1", "takes a port from 0 to 65535"),
        ("PORT", "65536", "takes a port from 0 to 65535"),
        ("PORT", "80.5", "takes a port from 0 to 65535"),
        ("SECRET_KEYS", "canary", "takes texts of at least 32 characters each, by commas"),
        ("SECRET_KEYS", f"{KEY},canary", "takes texts of at least 32 characters each, by commas"),
        ("DATABASE_URL", "mysql://canary", DATABASE_LINE),
        ("DATABASE_URL", "sqlite:///", DATABASE_LINE),
        ("DATABASE_URL", "sqlite:///:memory:", DATABASE_LINE),
        ("DATABASE_URL", "sqlite://canary.db", DATABASE_LINE),
        ("DATABASE_URL", "postgresql://user:canary@db:port/chat", DATABASE_LINE),
        ("CONNECT_INSTALL_KEYS_URL", "https://user:canary@example.com", URL_LINE),
        ("FORGE_APP_ID", "canary", "takes the app's whole ARI, ari:cloud:ecosystem::app/…"),
        (
            "FORGE_APP_ID",
            "ari:cloud:ecosystem::app/",
            "takes the app's whole ARI, ari:cloud:ecosystem::app/…",
        ),
        (
            "FORGE_ENVIRONMENTS",
            "production,canary",
            "takes any of development, staging and production, by commas",
        ),
        ("FORGE_JWKS_URL", "canary", URL_LINE),
        ("TENANT_HOSTS", "*", TENANT_LINE),
        ("TENANT_HOSTS", "*.net/canary", TENANT_LINE),
        ("TENANT_HOSTS", "jira.*.example.com", TENANT_LINE),
        ("TENANT_HOSTS", "https://*.example.com:canary", TENANT_LINE),
        ("TENANT_HOSTS", "canary.example.com:8081", TENANT_LINE),
        ("OUTBOUND_HOSTS", "https://canary.example.com", HOSTS_LINE),
        ("OUTBOUND_HOSTS", "localhost", HOSTS_LINE),
        ("OPENAI_BASE_URL", "canary", URL_LINE),
        ("OPENAI_CHATKIT_WORKFLOW_ID", "canary", "takes the id of a hosted workflow, wf_…"),
        ("OPENAI_CHATKIT_WORKFLOW_ID", "wf_", "takes the id of a hosted workflow, wf_…"),
        ("DEFAULT_REPLY_MODE", "canary", "takes 'off', 'draft' or 'auto'"),
        ("DEFAULT_DAILY_TOKENS", "canary", TOKENS_LINE),
        ("DEFAULT_DAILY_TOKENS", "-5", TOKENS_LINE),
        ("LOG_FORMAT", "canary", "takes 'console' or 'json'"),
        ("LOG_LEVEL", "canary", "takes 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_bad_value_is_told_in_one_line_that_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    said = refusal(monkeypatch, name, value)
    assert said == f"{name} {line}"
    assert "canary" not in said


def test_what_is_printed_of_the_settings_holds_no_secret() -> None:
    settings = load(
        secret_keys=(KEY,), openai_api_key="sk-canary", database_url="postgresql://a:canary@db/c"
    )
    assert "canary" not in repr(settings)
    assert KEY not in repr(settings)
    assert "canary" not in str(settings)


entries = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs", "Cc"]))


@given(st.lists(entries.map(lambda text: f" {text}{KEY} "), min_size=1, max_size=4))
def test_keys_are_divided_at_commas_and_nowhere_else(keys: list[str]) -> None:
    expected = tuple(key.strip() for key in keys)
    assert load(secret_keys=" , ".join(keys)).secret_keys == expected
    assert load(secret_keys=",".join([*keys, ""])).secret_keys == expected


def read(**override: str) -> Settings | str:
    """The settings, or the line that refuses them."""
    try:
        return load(**override)
    except SettingsError as refused:
        return str(refused)


@given(st.text())
def test_any_text_is_a_list_of_hosts_or_is_refused_in_one_line(text: str) -> None:
    settings = read(outbound_hosts=text)
    if isinstance(settings, str):
        assert settings == f"OUTBOUND_HOSTS {HOSTS_LINE}"
    else:
        assert all(host == host.strip() and "." in host for host in settings.outbound_hosts)


@given(st.text() | st.text("htps:/@[].1?#% ").map("http://".__add__))
def test_any_text_is_a_base_url_or_is_refused_in_one_line(text: str) -> None:
    settings = read(app_base_url=text)
    if isinstance(settings, str):
        assert settings == f"APP_BASE_URL {URL_LINE}"
    else:
        assert settings.app_base_url.startswith(("http://", "https://"))
        assert not settings.app_base_url.endswith("/")
        assert not any(mark in settings.app_base_url for mark in "@?# ")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("https://assistant.example.com", False),
        ("http://localhost.example.com", False),
        ("http://192.168.1.2", False),
    ],
)
def test_a_base_url_is_local_where_no_other_machine_can_reach_it(url: str, local: bool) -> None:  # noqa: FBT001  (a parameter of the table)
    assert load(app_base_url=url).is_local is local


def test_install_keys_come_from_atlassian_unless_a_place_is_named() -> None:
    assert load().connect_key_hosts == CONNECT_KEY_HOSTS
    named = load(connect_install_keys_url="http://127.0.0.1:8081/keys/")
    assert named.connect_key_hosts == ("http://127.0.0.1:8081/keys",)


class TestSecretKeys:
    @pytest.fixture
    def local(self, tmp_path: Path) -> Settings:
        return load(database_url=f"sqlite:///{tmp_path}/var/chat.db")

    @pytest.fixture
    def key_file(self, tmp_path: Path) -> Path:
        return tmp_path / "var" / "chat.db.key"

    def test_keys_that_are_set_are_used_and_none_is_generated(
        self, local: Settings, key_file: Path
    ) -> None:
        settings = local.model_copy(update={"secret_keys": (KEY, OTHER_KEY)})
        assert with_secret_keys(settings).secret_keys == (KEY, OTHER_KEY)
        assert not key_file.exists()

    @pytest.mark.parametrize(
        "elsewhere",
        [
            {"database_url": "postgresql://a:b@localhost/chat"},
            {"app_base_url": "https://assistant.example.com"},
        ],
    )
    def test_off_this_machine_they_have_to_be_set(
        self, local: Settings, key_file: Path, elsewhere: dict[str, str]
    ) -> None:
        with pytest.raises(SettingsError, match=r"^SECRET_KEYS is missing: set one or more") as no:
            with_secret_keys(local.model_copy(update=elsewhere))
        assert "\n" not in str(no.value)
        assert not key_file.exists()

    def test_on_this_machine_one_is_generated_for_its_owner_alone(
        self, local: Settings, key_file: Path
    ) -> None:
        settings = with_secret_keys(local)
        assert settings.secret_keys == (key_file.read_text(),)
        assert len(settings.secret_keys[0]) >= 32
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert list(key_file.parent.iterdir()) == [key_file], "something was left lying about"

    def test_the_generated_key_stays(self, local: Settings) -> None:
        assert with_secret_keys(local) == with_secret_keys(local)

    def test_two_who_start_at_once_get_the_same_key(self, local: Settings, key_file: Path) -> None:
        _generate(key_file)
        first = key_file.read_text()
        _generate(key_file)  # the other one looked before the first had written
        assert with_secret_keys(local).secret_keys == (first,)
        assert list(key_file.parent.iterdir()) == [key_file]

    def test_a_damaged_key_is_not_replaced(self, local: Settings, key_file: Path) -> None:
        key_file.parent.mkdir()
        key_file.write_text("canary")
        with pytest.raises(SettingsError, match=r"^SECRET_KEYS is not set, .*is damaged$") as no:
            with_secret_keys(local)
        assert "canary" not in str(no.value)
        assert key_file.read_text() == "canary"

    def test_a_key_that_cannot_be_read_is_told_in_one_line(
        self, local: Settings, key_file: Path
    ) -> None:
        key_file.mkdir(parents=True)
        with pytest.raises(SettingsError, match=r"^SECRET_KEYS .* cannot be made or read$"):
            with_secret_keys(local)
