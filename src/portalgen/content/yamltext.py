"""YAML as plain text, with no types, aliases, tags or duplicate keys (domain §2).

What most files look like is read by lines (`yamlquick`), all others by a parser (`yamlstrict`), whose library is
imported once there is such a file.
"""

from __future__ import annotations

from portalgen.content.slips import Parsed, Slip
from portalgen.content.yamlquick import UNREAD, quick

__all__ = ["Parsed", "Slip", "parse"]


def parse(text: str) -> Parsed:
    """Read one document. Every scalar is a string; an empty plain one (`key:`) is None."""
    data = quick(text)
    if data is not UNREAD:
        return Parsed(data, ())
    from portalgen.content.yamlstrict import parse_strictly

    return parse_strictly(text)
