"""Signs that turn the direction of reading: what one text begins may not reach into the next (sealing §8)."""

from __future__ import annotations

import re

_PDF, _PDI = "\u202c", "\u2069"
_TURNS = {**dict.fromkeys("\u202a\u202b\u202d\u202e", _PDF), **dict.fromkeys("\u2066\u2067\u2068", _PDI)}
"""What begins to turn the direction of reading, and what ends that."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def isolated(text: str) -> str:
    """The text with every embedding, override and isolate of its own closed, and none of others (Unicode, UAX #9)."""
    if not _TURNING.search(text):
        return text
    waiting: list[str] = []
    kept = []
    for sign in text:
        if sign in _TURNS:
            waiting.append(_TURNS[sign])
        elif sign == _PDI and _PDI in waiting:
            while waiting.pop() != _PDI:
                pass
        elif sign == _PDF and waiting[-1:] == [_PDF]:
            waiting.pop()
        elif sign in (_PDI, _PDF):
            continue
        kept.append(sign)
    return "".join((*kept, *reversed(waiting)))
