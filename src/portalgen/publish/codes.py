"""What in public files might be a key or an address of a private page: known by its beginning, however it is written.

No key has to be written in every encoding to look for it: a long run of letters and digits is read once in every way
in which it might be one. Hardly any site has such runs beside the hashes of its own scripts and styles.
"""

from __future__ import annotations

import re
from base64 import b32decode, b64decode
from collections.abc import Callable, Iterable, Iterator

import msgspec

_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_KIND = bytes(97 if sign in _LETTERS else 32 for sign in range(256))
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_SHORTEST = 32
"""Letters of an address; a key has more in any encoding."""
_RUN = b"a" * _SHORTEST
_HEAD = 8
"""Bytes by which a key may be known, and half the letters by which an address may be."""
_MOST = 1 << 16
"""Letters of all runs that are read; a site with more (pictures inside of styles) is searched for every encoding."""


class _Encoding(msgspec.Struct, frozen=True):
    """How bytes are written: `letters` signs for `size` bytes, `runs` of them that are long enough for a key."""

    runs: re.Pattern[bytes]
    letters: int
    size: int
    decode: Callable[[bytes], bytes]


_ENCODINGS = (
    _Encoding(re.compile(rb"[0-9A-Fa-f]{64,}"), 2, 1, lambda run: bytes.fromhex(run.decode())),
    _Encoding(re.compile(rb"[A-Za-z0-9+/_-]{43,}"), 4, 3, lambda run: b64decode(run.translate(_URLSAFE))),
    _Encoding(re.compile(rb"[A-Za-z2-7]{51,}"), 8, 5, lambda run: b32decode(run.upper())),
)
_ADDRESSES = (re.compile(rb"[a-z2-7]{32,}"), re.compile(rb"[A-Z2-7]{32,}"))


class Codes:
    """The beginnings of all keys and addresses that may be written in some texts; of none is it sure that it is one."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        runs = {run for text in texts for run in _runs(text)}
        self._many = sum(map(len, runs)) > _MOST
        read = () if self._many else runs
        self._keys = frozenset(head for run in read for head in _heads(run))
        self._addresses = frozenset(
            found[at : at + 2 * _HEAD].lower()
            for run in read
            for kind in _ADDRESSES
            for found in kind.findall(run)
            for at in range(len(found) - _SHORTEST + 1)
        )

    def may_have_key(self, secret: bytes) -> bool:
        """Whether these 32 bytes may be written somewhere, in hex, base64 or base32; as they are, they are not seen."""
        return self._many or secret[:_HEAD] in self._keys

    def may_have_address(self, address: str) -> bool:
        """Whether the 32 letters of an address (base32) may stand somewhere, small or capital."""
        return self._many or address[: 2 * _HEAD].encode() in self._addresses


def _runs(text: bytes) -> Iterator[bytes]:
    """Every row of 32 or more letters, digits and what else base64 is written with."""
    kinds = text.translate(_KIND)
    at = kinds.find(_RUN)
    while at >= 0:
        end = kinds.find(b" ", at)
        end = len(text) if end < 0 else end
        yield text[at:end]
        at = kinds.find(_RUN, end)


def _heads(run: bytes) -> Iterator[bytes]:
    """What a run would begin with as bytes, wherever in it a key began."""
    for encoding in _ENCODINGS:
        for found in encoding.runs.findall(run):
            for start in range(encoding.letters):
                end = len(found) - (len(found) - start) % encoding.letters
                data = encoding.decode(found[start:end])
                yield from (data[at : at + _HEAD] for at in range(0, len(data) - _HEAD + 1, encoding.size))
