"""Tokens that call Jira as a person: sealed for that person, and gone in time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.errors import SealBroken
from app.store import tenants, user_tokens
from app.store.secrets import Vault
from app.store.tables import UserToken
from app.turns.housekeeping import tidy
from tests.support.clock import START
from tests.support.rows import add_tenant, opened

VAULT = Vault(["a-key-for-tests-that-is-long-enough-0"])
NEWER = Vault(["a-newer-key-for-tests-0123456789abcdef", "a-key-for-tests-that-is-long-enough-0"])
HOUR = timedelta(hours=1)


def keep(db: Session, account_id: str, token: str, hours: int, tenant_id: str = "acme") -> None:
    sealed = user_tokens.sealed_token(token, tenant_id, account_id, VAULT)
    user_tokens.keep(db, tenant_id, account_id, sealed, START + hours * HOUR)


def token_of(db: Session, account_id: str, tenant_id: str = "acme", vault: Vault = VAULT) -> str:
    kept = user_tokens.of(db, tenant_id, account_id)
    assert kept is not None
    return user_tokens.opened(kept, vault)


def who(db: Session) -> list[str]:
    return sorted(db.exec(select(UserToken.account_id)).all())


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Where the database does not matter."""
    path = tmp_path / "app.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


async def test_the_one_that_lasts_longest_is_kept(database_url: str) -> None:
    def told(db: Session) -> tuple[str, str]:
        add_tenant(db)
        for token, hours in (("first", 2), ("sooner", 1), ("longest", 3)):
            keep(db, "rita", token, hours)
        keep(db, "agnes", "hers", 1)
        return token_of(db, "rita"), token_of(db, "agnes")

    with opened(database_url) as database:
        assert await database.write(told) == ("longest", "hers")


async def test_one_opens_for_its_person_and_tenant_alone(sqlite_url: str) -> None:
    def moved(db: Session) -> None:
        add_tenant(db)
        add_tenant(db, "umbrella")
        sealed = user_tokens.sealed_token("raw", "acme", "rita", VAULT)
        for tenant_id, account_id in (("acme", "agnes"), ("umbrella", "rita")):
            user_tokens.keep(db, tenant_id, account_id, sealed, START)
            with pytest.raises(SealBroken):
                token_of(db, account_id, tenant_id)

    with opened(sqlite_url) as database:
        await database.write(moved)


async def test_housekeeping_forgets_what_has_ended(sqlite_url: str) -> None:
    def kept(db: Session) -> list[str]:
        add_tenant(db)
        keep(db, "rita", "ended", 1)
        keep(db, "agnes", "lasting", 2)
        tidy(db, START + HOUR)
        return who(db)

    with opened(sqlite_url) as database:
        assert await database.write(kept) == ["agnes"]


async def test_whoever_leaves_takes_them_along(sqlite_url: str) -> None:
    def left(db: Session) -> list[str]:
        add_tenant(db)
        add_tenant(db, "umbrella")
        keep(db, "rita", "ours", 1)
        keep(db, "wim", "theirs", 1, "umbrella")
        tenants.leave(db, tenants.hold(db, "acme"), lambda *_: None, START)
        return who(db)

    with opened(sqlite_url) as database:
        assert await database.write(left) == ["wim"]


async def test_rotation_seals_them_anew(sqlite_url: str) -> None:
    def rotated(db: Session) -> tuple[int, int, str]:
        add_tenant(db)
        keep(db, "rita", "raw", 1)
        first, second = tenants.rotate(db, NEWER), tenants.rotate(db, NEWER)
        alone = Vault(["a-newer-key-for-tests-0123456789abcdef"])
        return first, second, token_of(db, "rita", vault=alone)

    with opened(sqlite_url) as database:
        assert await database.write(rotated) == (1, 0, "raw")
