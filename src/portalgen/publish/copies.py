"""Files that are handed on as they were given, on their way from the site's folder: looked at, and cleaned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from portalgen.content.problems import Finding
from portalgen.site.attachments import flaw, published
from portalgen.site.pages import File


class Copied(msgspec.Struct, frozen=True):
    """What is published of a file, and what is wrong with it."""

    content: bytes
    findings: tuple[Finding, ...] = ()


Copy = Callable[[File], Copied]


def copier(root: Path, *, public: bool = False) -> Copy:
    """Copies files of the site in `root`. `public`: those of `static/`, and not a client's."""

    def copy(file: File) -> Copied:
        data = (root / file.source).read_bytes()
        wrong = flaw(file.source, data, public=public)
        if wrong:
            finding = Finding(path=file.source, code=wrong.code, message=wrong.message, hint=wrong.hint)
            return Copied(b"", (finding,))
        return Copied(published(file.source, data))

    return copy
