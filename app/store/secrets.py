"""Secrets at rest, and the keys that sessions and identifiers are signed with.

A sealed text reads ``v1.<key id>.<base64url of nonce and ciphertext>``, ASCII throughout.
It opens only for the tenant and the field that it was sealed for, so a row copied into
another tenant's gives nothing away. Every use has a key of its own, derived from the texts
in ``SECRET_KEYS`` with HKDF-SHA256 (RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import SealBroken

VERSION = "v1"
NONCE_BYTES = 12
KEY_BYTES = 32


class Vault:
    """Seals and opens secrets under the keys of ``SECRET_KEYS``.

    Args:
        keys: texts, newest first. The newest seals and signs; all of them open and verify.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a vault needs at least one key")
        self._keys = tuple(keys)
        self._ciphers = {
            _key_id(key): AESGCM(_derived(key, "seal")) for key in reversed(self._keys)
        }
        self._newest = _key_id(self._keys[0])

    def __repr__(self) -> str:
        return f"<Vault with {len(self._keys)} keys>"

    def seal(self, plain: str, *, tenant: str, field: str) -> str:
        """``plain`` in a form that opens again only with the same tenant and field."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _framed(VERSION, self._newest, tenant, field)
        ciphertext = self._ciphers[self._newest].encrypt(nonce, _bytes(plain), bound)
        return f"{VERSION}.{self._newest}.{_text(nonce + ciphertext)}"

    def open(self, sealed: str, *, tenant: str, field: str) -> str:
        """The text that was sealed.

        Raises:
            SealBroken: changed, sealed for another tenant or field, or by a key that is gone.
        """
        key_id, body = _parts(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken("its key is not in SECRET_KEYS")
        try:
            plain = cipher.decrypt(
                body[:NONCE_BYTES], body[NONCE_BYTES:], _framed(VERSION, key_id, tenant, field)
            )
        except InvalidTag:
            raise SealBroken("it was changed, or sealed for another place") from None
        return plain.decode("utf-8", "surrogatepass")

    def needs_rotation(self, sealed: str) -> bool:
        """Whether it is not sealed under the newest key; true also for what is no seal at all."""
        return not sealed.startswith(f"{VERSION}.{self._newest}.")

    def signing_key(self, purpose: str) -> bytes:
        """32 bytes for HMAC, from the newest key, of use for this purpose alone."""
        return _derived(self._keys[0], f"sign:{purpose}")

    def verification_keys(self, purpose: str) -> tuple[bytes, ...]:
        """The signing keys of all keys, newest first."""
        return tuple(_derived(key, f"sign:{purpose}") for key in self._keys)

    def digest(self, text: str, purpose: str) -> str:
        """A keyed hash of an identifier: 64 hex digits, under the newest key.

        It tells nothing of the text to whoever lacks the key, and changes when a newer key comes.
        """
        key = _derived(self._keys[0], f"digest:{purpose}")
        return hmac.new(key, _bytes(text), hashlib.sha256).hexdigest()


def _derived(key: str, purpose: str, length: int = KEY_BYTES) -> bytes:
    info = b"jira-chatkit:" + _bytes(purpose)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(_bytes(key))


def _key_id(key: str) -> str:
    """Eight hex digits that name a key and say nothing of it."""
    return _derived(key, "id", 4).hex()


def _framed(*parts: str) -> bytes:
    """The parts, each behind its length, so that no two lists read alike."""
    encoded = [_bytes(part) for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _parts(sealed: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    key_id, _, text = rest.partition(".")
    if version != VERSION:
        raise SealBroken("it is no seal of this version")
    try:
        body = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, UnicodeEncodeError):
        raise SealBroken("it is damaged") from None
    # Only one spelling counts: base64 leaves bits unused at its end.
    if _text(body) != text or len(body) < NONCE_BYTES:
        raise SealBroken("it is damaged")
    return key_id, body


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    # JSON may carry half of a surrogate pair; it must come back as it went in.
    return text.encode("utf-8", "surrogatepass")
