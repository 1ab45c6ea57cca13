"""Files of the theme as they are published: named by their content, and the style that refers to them."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping

ASSET_TYPES = (".woff2", ".woff", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_URL = re.compile(r"""url\(\s*(["']?)([^"')]+)\1\s*\)""")


def hashed(name: str, content: bytes) -> str:
    """Where a file is published: `assets/theme.0123456789.css`."""
    stem, suffix = posixpath.splitext(posixpath.basename(name))
    return f"assets/{stem}.{hashlib.sha256(content).hexdigest()[:10]}{suffix}"


def squeezed(css: str) -> str:
    """The style without comments, indentation and empty lines."""
    lines = (line.strip() for line in _COMMENT.sub("", css).splitlines())
    return "\n".join(line for line in lines if line)


def published_css(css: str, files: Mapping[str, bytes]) -> tuple[str, dict[str, str], list[tuple[int, str]]]:
    """The style as it is published; where each file it refers to is published; and (line, message) of what is wrong.

    References to other sites are wrong too: no page may ask anybody else for anything.
    """
    published: dict[str, str] = {}
    broken: list[tuple[int, str]] = []
    css = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), css)

    def replace(found: re.Match[str]) -> str:
        target = found[2].strip()
        if target.startswith(("data:", "#")):
            return found[0]
        name = posixpath.normpath(target)
        line = css.count("\n", 0, found.start()) + 1
        if re.match(r"(?i)[a-z]+:|//", target):
            broken.append((line, f"'{target}' lies on another site: put the file into templates/ and name it here"))
        elif name not in files or not name.endswith(ASSET_TYPES):
            broken.append((line, f"there is no picture or font '{target}' in templates/"))
        else:
            published[name] = hashed(name, files[name])
            return f"url({posixpath.basename(published[name])})"
        return found[0]

    return squeezed(_URL.sub(replace, css)), published, broken
