"""What is sealed opens for its own tenant and field, and for nothing else."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SealBroken
from app.store.secrets import Vault

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
vault = Vault([NEW, OLD])
any_text = st.text(st.characters())


@given(plain=any_text, tenant=any_text, field=any_text)
def test_any_text_comes_back_as_it_went_in(plain: str, tenant: str, field: str) -> None:
    sealed = vault.seal(plain, tenant=tenant, field=field)
    assert sealed.isascii()
    assert sealed.startswith("v1.")
    assert vault.open(sealed, tenant=tenant, field=field) == plain


def test_the_same_text_is_never_sealed_alike_twice() -> None:
    assert len({vault.seal("same", tenant="t", field="f") for _ in range(50)}) == 50


@given(st.tuples(any_text, any_text), st.tuples(any_text, any_text))
def test_a_seal_moved_to_another_place_does_not_open(
    here: tuple[str, str], there: tuple[str, str]
) -> None:
    sealed = vault.seal("secret", tenant=here[0], field=here[1])
    if here == there:
        assert vault.open(sealed, tenant=there[0], field=there[1]) == "secret"
    else:
        with pytest.raises(SealBroken):
            vault.open(sealed, tenant=there[0], field=there[1])


def test_tenant_and_field_do_not_run_into_each_other() -> None:
    sealed = vault.seal("secret", tenant="ab", field="c")
    for tenant, field in (("a", "bc"), ("abc", ""), ("", "abc"), ("c", "ab")):
        with pytest.raises(SealBroken):
            vault.open(sealed, tenant=tenant, field=field)


@given(data=st.data(), plain=st.text(max_size=40))
def test_any_changed_character_breaks_the_seal(data: st.DataObject, plain: str) -> None:
    sealed = vault.seal(plain, tenant="t", field="f")
    at = data.draw(st.integers(0, len(sealed) - 1))
    flip = data.draw(st.integers(1, 127))
    changed = sealed[:at] + chr(ord(sealed[at]) ^ flip) + sealed[at + 1 :]
    with pytest.raises(SealBroken):
        vault.open(changed, tenant="t", field="f")


def test_every_bit_of_a_seal_counts() -> None:
    sealed = vault.seal("abc", tenant="t", field="f")
    for at in range(len(sealed)):
        for bit in range(7):
            changed = sealed[:at] + chr(ord(sealed[at]) ^ (1 << bit)) + sealed[at + 1 :]
            with pytest.raises(SealBroken):
                vault.open(changed, tenant="t", field="f")


@given(any_text)
def test_what_is_no_seal_is_refused_calmly(text: str) -> None:
    for sealed in (text, f"v1.{text}", f"v1.{'0' * 8}.{text}", f"v2.{text}"):
        assert vault.needs_rotation(sealed)
        with pytest.raises(SealBroken):
            vault.open(sealed, tenant="t", field="f")


@pytest.mark.parametrize("end", ["=", "==", "A", " ", "\n", "\u00e9"])
def test_nothing_may_be_added_to_a_seal(end: str) -> None:
    sealed = vault.seal("abc", tenant="t", field="f")
    with pytest.raises(SealBroken):
        vault.open(sealed + end, tenant="t", field="f")


def test_an_older_key_still_opens_and_asks_for_rotation() -> None:
    sealed = Vault([OLD]).seal("secret", tenant="t", field="f")
    assert vault.open(sealed, tenant="t", field="f") == "secret"
    assert vault.needs_rotation(sealed)
    assert not Vault([OLD, NEW]).needs_rotation(sealed)
    renewed = vault.seal("secret", tenant="t", field="f")
    assert not vault.needs_rotation(renewed)
    assert Vault([NEW]).open(renewed, tenant="t", field="f") == "secret"


def test_a_key_that_is_gone_opens_nothing_and_says_so() -> None:
    sealed = Vault([OTHER]).seal("secret", tenant="t", field="f")
    with pytest.raises(SealBroken, match="SECRET_KEYS"):
        vault.open(sealed, tenant="t", field="f")


def test_a_seal_renamed_to_another_key_does_not_open() -> None:
    old = Vault([OLD]).seal("secret", tenant="t", field="f")
    new_id = vault.seal("x", tenant="t", field="f").split(".")[1]
    with pytest.raises(SealBroken):
        vault.open(f"v1.{new_id}.{old.split('.')[2]}", tenant="t", field="f")


def test_each_purpose_and_each_key_has_signing_keys_of_its_own() -> None:
    keys = [*vault.verification_keys("panel"), *vault.verification_keys("visitor")]
    assert [len(key) for key in keys] == [32] * 4
    assert len(set(keys)) == 4
    assert vault.signing_key("panel") == vault.verification_keys("panel")[0]
    assert vault.verification_keys("panel")[1] == Vault([OLD]).signing_key("panel")


def test_a_digest_depends_on_text_purpose_and_key() -> None:
    digests = {
        vault.digest("a", "user"),
        vault.digest("b", "user"),
        vault.digest("a", "visitor"),
        Vault([OLD]).digest("a", "user"),
    }
    assert len(digests) == 4
    assert vault.digest("a", "user") == Vault([NEW]).digest("a", "user")
    assert {len(digest) for digest in digests} == {64}


def test_no_key_shows_in_a_vault_or_its_errors() -> None:
    assert NEW not in repr(vault)
    assert OLD not in str(vault)
    sealed = vault.seal("plain words", tenant="t", field="f")
    try:
        vault.open(sealed, tenant="u", field="f")
    except SealBroken:
        said = traceback.format_exc()
        assert NEW not in said
        assert "plain words" not in said
    else:
        pytest.fail("it opened")


def test_a_vault_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Vault([])
