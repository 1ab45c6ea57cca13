"""Addresses and keys of private pages, derived from one secret (sealing §2). Pure: bytes in, text out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CHECK = b"portalgen/v1/check"
KEY_BYTES = 32


class KeyTextError(ValueError):
    """The 56 characters of a key are wrong or cut."""


def b32(data: bytes) -> str:
    """RFC 4648 base32, lower case, no padding."""
    return base64.b32encode(data).decode("ascii").lower().rstrip("=")


def checked(secret: bytes) -> str:
    """A 32-byte secret with three bytes of checksum: 56 characters."""
    return b32(secret + hashlib.sha256(CHECK + secret).digest()[:3])


def unchecked(text: str) -> bytes:
    """The secret of 56 characters. Spaces and line ends do not count. Raises `KeyTextError`."""
    plain = "".join(text.split()).upper()
    try:
        data = base64.b32decode(plain)
    except binascii.Error:
        data = b""
    secret = data[:KEY_BYTES]
    if len(plain) != 56 or len(data) != KEY_BYTES + 3 or checked(secret).upper() != plain:
        raise KeyTextError
    return secret


class Keyring:
    """What the site's secret M (32 bytes) gives: HKDF of RFC 5869 with SHA-256."""

    def __init__(self, secret: bytes) -> None:
        self._prk = hmac.digest(b"portalgen/v1", secret, "sha256")
        self.key_id = self._derive("key-id", 8).hex()

    def token(self, salt: str, generation: int) -> str:
        """The unlisted page's address: 160 bits in 32 characters. `salt` is hex."""
        return b32(self._derive("unlisted-token", 20, bytes.fromhex(salt), generation.to_bytes(4, "big")))

    def _derive(self, purpose: str, length: int, *context: bytes) -> bytes:
        fields = (purpose.encode("ascii"), *context)
        info = b"".join(len(field).to_bytes(2, "big") + field for field in fields)
        return HKDFExpand(SHA256(), length, info).derive(self._prk)
