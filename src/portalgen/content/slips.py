"""What reading a YAML text gives: its data, what is wrong with it, and where something stands in it."""

from __future__ import annotations

from typing import Any

import msgspec


class Slip(msgspec.Struct, frozen=True):
    """A problem of the YAML itself; `start` counts the characters of the text before it."""

    start: int
    code: str
    message: str
    hint: str


class Parsed(msgspec.Struct, frozen=True):
    """What a text holds. With slips the data is what could still be read; `broken` says that there is none."""

    data: Any
    slips: tuple[Slip, ...]
    broken: bool = False


class Mark(msgspec.Struct, frozen=True):
    """Where a key and its value begin, as counts of characters; entries of lists have their value's place twice."""

    key: int
    value: int
