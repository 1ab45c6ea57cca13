"""Private pages under a key that only their link carries, by the construction of sealing §2. Pure: bytes in, bytes out.

The primitives are HMAC and AES-256-GCM, that of `cryptography`, which is imported for the first page; HKDF (RFC 5869)
is two lines of HMAC. A page is sealed under a nonce and a key that follow from all of its bytes, so the same page gives
the same file, and another page another nonce.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

CHECK = b"portalgen/v1/check"
KEY_BYTES = 32
LOCATOR_LENGTH = 32
FRAGMENT_LENGTH = 56
PAGE = "page.html"
HTML = "text/html; charset=utf-8"
SMALLEST = 16384
"""The bytes that even the shortest page is padded to."""

_HEAD = b"PGS1" + bytes((1, 1, 0, 0)) + bytes(16)
_SEAL = b"portalgen/seal/v1"


class KeyTextError(ValueError):
    """The 56 characters of a key are wrong or cut."""


class SealError(ValueError):
    """These bytes were not sealed under this secret, or by a newer version."""


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
    if len(plain) != FRAGMENT_LENGTH or len(data) != KEY_BYTES + 3 or checked(secret).upper() != plain:
        raise KeyTextError
    return secret


class Hmac:
    """HMAC-SHA-256 (RFC 2104) under one key of at most 64 bytes, which is mixed in once for all messages."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner, self._outer = (hashlib.sha256(bytes(sign ^ pad for sign in block)) for pad in (0x36, 0x5C))

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Keyring:
    """What the site's secret M (32 bytes) gives. Salts are hex, generations count from 1."""

    def __init__(self, secret: bytes) -> None:
        self._prk = Hmac(hmac.digest(b"portalgen/v1", secret, "sha256"))
        self.key_id = self._derive("key-id", 8).hex()

    def token(self, salt: str, generation: int) -> str:
        """The folder of an unlisted page: 160 bits in 32 characters."""
        return b32(self._derive("unlisted-token", 20, *_context(salt, generation)))

    def locator(self, salt: str, generation: int) -> str:
        """The file of a sealed page: 160 bits in 32 characters."""
        return b32(self._derive("sealed-locator", 20, *_context(salt, generation)))

    def secret(self, salt: str, generation: int) -> bytes:
        """R, the 32 bytes that open a sealed page."""
        return self._derive("sealed-secret", KEY_BYTES, *_context(salt, generation))

    def fragment(self, salt: str, generation: int) -> str:
        """What stands after `#` in the link: R and its checksum."""
        return checked(self.secret(salt, generation))

    def _derive(self, purpose: str, length: int, *context: bytes) -> bytes:
        """At most 32 bytes for a purpose."""
        fields = (purpose.encode("ascii"), *context)
        info = b"".join([len(field).to_bytes(2, "big") + field for field in fields])
        return self._prk.digest(info + b"\1")[:length]  # HKDF-Expand of one block


def _expanded(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 2.3)."""
    made = block = b""
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes((len(made) // 32 + 1,)), "sha256")
        made += block
    return made[:length]


def _context(salt: str, generation: int) -> tuple[bytes, bytes]:
    return bytes.fromhex(salt), generation.to_bytes(4, "big")


class Enclosed(msgspec.Struct, frozen=True):
    """A file inside a sealed page: its name, its media type and its bytes."""

    name: str
    type: str
    content: bytes


class Opened(msgspec.Struct, frozen=True):
    """What a sealed page holds. `expires` is the first second (UTC) in which it no longer opens."""

    files: tuple[Enclosed, ...]
    expires: str | None


def padded(length: int) -> int:
    """The length that a text of `length` bytes is padded to: Padmé, which tells little of it and adds 12 % at most."""
    exponent = length.bit_length() - 1
    free = exponent - exponent.bit_length()
    mask = (1 << max(free, 0)) - 1
    return max(SMALLEST, (length + mask) & ~mask)


def seal(secret: bytes, files: Sequence[Enclosed], expires: dt.datetime | None = None) -> bytes:
    """The files under R (32 bytes), the page first. `expires` is an aware time, from which on it no longer opens."""
    rows, offset = [], 0
    for file in files:
        rows.append({"l": len(file.content), "n": file.name, "o": offset, "t": file.type})
        offset += len(file.content)
    moment = expires.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if expires else None
    manifest = json.dumps(
        {"exp": moment, "files": rows, "v": 1}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    plain = len(manifest).to_bytes(4, "big") + manifest + b"".join(file.content for file in files) + b"\x80"
    plain = plain.ljust(padded(len(plain)), b"\0")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    tag = _synthetic(secret, plain)
    key, nonce = _message_key(secret, tag)
    return _HEAD + tag + AESGCM(key).encrypt(nonce, plain, _HEAD + tag)


def unseal(secret: bytes, sealed: bytes) -> Opened:
    """What was sealed under R. Raises `SealError`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, tag = sealed[:24], sealed[24:56]
    if head != _HEAD or len(sealed) < 56 + 16:
        raise SealError("made by a newer portalgen")
    key, nonce = _message_key(secret, tag)
    try:
        plain = AESGCM(key).decrypt(nonce, sealed[56:], head + tag)
    except InvalidTag:
        raise SealError("sealed under another secret, or damaged") from None
    if not hmac.compare_digest(_synthetic(secret, plain), tag):
        raise SealError("damaged")
    size = int.from_bytes(plain[:4], "big")
    manifest = json.loads(plain[4 : 4 + size])
    body = plain[4 + size :]
    files = tuple(Enclosed(row["n"], row["t"], body[row["o"] : row["o"] + row["l"]]) for row in manifest["files"])
    return Opened(files, manifest["exp"])


def _synthetic(secret: bytes, plain: bytes) -> bytes:
    """S, which follows from every byte of the text."""
    sign = hmac.new(_sealing_key(secret), _HEAD + len(plain).to_bytes(8, "big"), "sha256")
    sign.update(plain)
    return sign.digest()


@lru_cache(maxsize=1)
def _sealing_key(secret: bytes) -> bytes:
    return _expanded(hmac.digest(_SEAL, secret, "sha256"), b"siv", 32)


def _message_key(secret: bytes, tag: bytes) -> tuple[bytes, bytes]:
    made = _expanded(hmac.digest(tag, secret, "sha256"), _SEAL + b"/msg", 44)
    return made[:32], made[32:]


def encodings(secret: bytes) -> Iterable[bytes]:
    """Every way in which 32 secret bytes might be written: for looking whether they were."""
    text = base64.b64encode(secret).rstrip(b"=")
    yield from (secret, secret.hex().encode(), secret.hex().upper().encode())
    yield from (text, base64.urlsafe_b64encode(secret).rstrip(b"="))
    yield from (b32(secret).encode()[:51], b32(secret).upper().encode()[:51])
