"""``keys rotate``: afterwards the newest key alone opens everything."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from app.store.secrets import Vault
from app.store.tables import Tenant
from tests.cli.conftest import Place, place
from tests.cli.program import Programs
from tests.support.world import until

OLD = "a-key-for-tests-that-is-long-enough-0"  # the world's own
NEW = "the-new-key-that-is-long-enough-as-well"
OWN_KEY = "sk-the-tenants-own"


def test_after_it_the_new_key_alone_opens_every_secret(
    database_url: str, jira_chatkit: Programs
) -> None:
    with place(database_url) as here:
        here.world.write(_enter_key)
        shared = here.world.jira.link.installed.shared_secret

        ended = jira_chatkit.run("keys", "rotate", **{**here.values, "SECRET_KEYS": f"{NEW},{OLD}"})

        assert (ended.code, ended.lines[-1]) == (0, "2 secrets sealed anew")
        assert here.world.read(_opened, Vault([NEW])) == (shared, OWN_KEY)
        again = jira_chatkit.run("keys", "rotate", **{**here.values, "SECRET_KEYS": NEW})
        assert (again.code, again.lines[-1]) == (0, "0 secrets sealed anew")


def _enter_key(db: Session) -> None:
    tenant = db.exec(select(Tenant)).one()
    tenant.openai_key = Vault([OLD]).seal(OWN_KEY, tenant=tenant.id, field="openai_key")


def _opened(db: Session, vault: Vault) -> tuple[str, str]:
    tenant = db.exec(select(Tenant)).one()
    assert tenant.shared_secret is not None
    assert tenant.openai_key is not None
    return (
        vault.open(tenant.shared_secret, tenant=tenant.id, field="shared_secret"),
        vault.open(tenant.openai_key, tenant=tenant.id, field="openai_key"),
    )


def test_a_running_serve_goes_on_answering(here: Place, jira_chatkit: Programs) -> None:
    values = {**here.values, "SECRET_KEYS": f"{NEW},{OLD}"}
    server = jira_chatkit.start("serve", **values)
    server.wait_until_it_says("ready")

    assert jira_chatkit.run("keys", "rotate", **values).code == 0
    here.world.jira.comment("OPS-1", "Is it still you?")

    until(lambda: here.world.answers("OPS-1"), "the answer")
    assert server.running


@pytest.mark.parametrize("keys", [NEW, f"{NEW},{NEW}-and-another"])
def test_without_the_key_that_sealed_them_nothing_is_changed(
    here: Place, jira_chatkit: Programs, keys: str
) -> None:
    here.world.write(_enter_key)

    ended = jira_chatkit.run("keys", "rotate", **{**here.values, "SECRET_KEYS": keys})

    assert ended.code == 2
    [line] = ended.lines
    assert line.startswith("SECRET_KEYS")
    assert here.world.read(_opened, Vault([OLD]))[1] == OWN_KEY
