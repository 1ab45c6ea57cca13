"""Files of the theme as they are published: named by their content, and the style that refers to them."""

from __future__ import annotations

import hashlib
import posixpath
import re
import sys
from collections.abc import Mapping

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_BLANK = re.compile(r"[\x00-\x20]")
ASSET_TYPES = (".woff2", ".woff", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_URL = re.compile(r"""url\(\s*(?:(["'])(.*?)\1|([^"')]*?))\s*\)""", re.IGNORECASE)
_IMPORT = re.compile(r"""@import\s*(?:url\(\s*)?["']?\s*([^"')\s;]+)""", re.IGNORECASE)
_IMAGE_SET = re.compile(r"image-set\(((?:[^()]|\([^()]*\))*)\)", re.IGNORECASE)
_QUOTED = re.compile(r"""(["'])(.*?)\1""")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)


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
    for found in _IMPORT.finditer(css):
        broken.append((css.count("\n", 0, found.start()) + 1, f"@import '{found[1]}': write those rules in this file"))

    def replace(found: re.Match[str]) -> str:
        target = (found[2] or found[3] or "").strip()
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

    result = squeezed(_URL.sub(replace, css))
    if not broken:
        broken += [(1, f"'{target}' lies on another site") for target in loaded_by(css) if is_foreign(target)]
    return result, published, broken


def loaded_by(css: str) -> list[str]:
    """Everything that a style loads, escapes undone."""
    css = _ESCAPE.sub(_unescaped, _COMMENT.sub(" ", css))
    targets = [(found[2] or found[3] or "").strip() for found in _URL.finditer(css)]
    targets += [found[1] for found in _IMPORT.finditer(css)]
    targets += [quoted[2] for found in _IMAGE_SET.finditer(css) for quoted in _QUOTED.finditer(found[1])]
    return targets


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else 0
    return (chr(code) if 0 < code < sys.maxunicode else "\ufffd") if found[1] else found[2]


def is_foreign(address: str) -> bool:
    """Whether a browser that loads this address asks another site. It reads over blanks, and `\\` as `/`."""
    plain = _BLANK.sub("", address.replace("\\", "/"))
    return bool(_SCHEME.match(plain)) and not plain.lower().startswith(("data:", "about:"))
