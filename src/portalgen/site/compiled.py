"""Compiled templates: kept for every build of this process, those of the theme also beside Python's own compiled files.

What is compiled from a site's templates is never kept on disk, and what lies in a site's folder is never run. The
theme's is trusted as far as the program's own files beside which it lies, like every `.pyc` there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType

from jinja2 import Environment
from jinja2 import __version__ as jinja_version
from jinja2.bccache import Bucket, BytecodeCache

from portalgen.site.direct import DirectEnvironment
from portalgen.site.templating import Sources

_COMPILED: dict[tuple[str, str, str, str], CodeType] = {}


class Compiled(BytecodeCache):
    """What Jinja asks for compiled templates. Each kind of environment compiles the same source to other code.

    In a `DirectEnvironment` the code of a template depends on others too, so on all of the theme.
    """

    def __init__(self, kind: type[Environment], sources: Sources) -> None:
        self._kind = kind.__name__
        self._theme = sources.digest if issubclass(kind, DirectEnvironment) else ""

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled from this very source before."""
        known = self._kind, self._theme, bucket.key, bucket.checksum
        if known not in _COMPILED and (code := self._stored(bucket)):
            _COMPILED[known] = code
        bucket.code = _COMPILED.get(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember what was compiled."""
        if bucket.code is None:
            return
        _COMPILED[self._kind, self._theme, bucket.key, bucket.checksum] = bucket.code
        if bucket.code.co_filename.startswith("<") and not sys.dont_write_bytecode:
            with suppress(OSError):
                self._store(bucket)

    def _stored(self, bucket: Bucket) -> CodeType | None:
        head = self._head(bucket)
        with suppress(OSError, ValueError, EOFError, TypeError):
            data = self._place(bucket).read_bytes()
            if data.startswith(head):
                code = marshal.loads(data[len(head) :])
                return code if isinstance(code, CodeType) else None
        return None

    def _store(self, bucket: Bucket) -> None:
        place = self._place(bucket)
        place.parent.mkdir(exist_ok=True)
        temporary = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            temporary.write_bytes(self._head(bucket) + marshal.dumps(bucket.code))
            temporary.replace(place)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _place(self, bucket: Bucket) -> Path:
        module = f"template-{self._kind[0].lower()}-{bucket.key}.py"
        return Path(importlib.util.cache_from_source(str(Path(__file__).with_name(module))))

    def _head(self, bucket: Bucket) -> bytes:
        """What a file has to begin with to be of use: the source it came from, and what compiled it."""
        return hashlib.sha256(_compiler() + f"{self._theme} {bucket.checksum}".encode()).digest()


@cache
def _compiler() -> bytes:
    """What makes code of a template: this Python, Jinja, and what we add to it."""
    own = [
        Path(__file__).with_name(name).read_bytes()
        for name in ("catalogue.py", "direct.py", "flat.py", "known.py", "putout.py", "spliced.py", "theme.py")
    ]
    return hashlib.sha256(importlib.util.MAGIC_NUMBER + jinja_version.encode() + b"".join(own)).digest()
