"""What Jinja needs of us: where templates come from, what is compiled, what is missing, and links from a page."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import Environment, StrictUndefined, TemplateNotFound
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.loaders import BaseLoader

from portalgen.site.views import View

ORIGINAL = "theme/"
"""How an override names the built-in template that it replaces."""

COMPILED = 1
"""Raised when the same source compiles to something else."""


class Missing(StrictUndefined):
    """What a template asks for and its page does not have; says which name is near."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name = str(self._undefined_name)
        if isinstance(self._undefined_obj, View):
            owner = f"{type(self._undefined_obj).__name__} has no '{name}'"
            near = difflib.get_close_matches(name, type(self._undefined_obj).__struct_fields__, 1)
            return f"{owner}; did you mean '{near[0]}'?" if near else owner
        return f"'{name}' is not defined"


class Sources(BaseLoader):
    """The site's templates before the built-in ones, all read once."""

    def __init__(self, builtin: Mapping[str, str], own: Mapping[str, str], folder: str) -> None:
        self.builtin, self.own, self.folder = builtin, own, folder

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source and a name for it; only names of the site's own templates stand below `templates/`."""
        if template in self.own:
            return self.own[template], f"{self.folder}/{template}", lambda: True
        plain = template.removeprefix(ORIGINAL)
        if plain in self.builtin:
            return self.builtin[plain], f"<{plain}>", lambda: True
        raise TemplateNotFound(template)


_COMPILED: dict[tuple[bool, str, str], CodeType] = {}


class Compiled(BytecodeCache):
    """Compiled templates: kept in memory for every build of this process, and in `folder` between processes.

    The sandbox compiles the same source to other code.
    """

    def __init__(self, folder: Path | None, sandboxed: bool) -> None:
        self._sandboxed = sandboxed
        kind = "sandboxed" if sandboxed else "plain"
        self._folder = folder and folder / f"templates-{COMPILED}-{jinja2.__version__}-{kind}"

    def _file(self, bucket: Bucket) -> Path | None:
        return self._folder and self._folder / f"{bucket.key}-{bucket.checksum}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """From memory, or from the folder if it was compiled there from this very source by this Python."""
        bucket.code = _COMPILED.get((self._sandboxed, bucket.key, bucket.checksum))
        file = self._file(bucket)
        if bucket.code is None and file is not None and file.is_file():
            with file.open("rb") as stream:
                bucket.load_bytecode(stream)
            self._remember(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Into memory and the folder; a folder that cannot be written costs time and nothing else."""
        self._remember(bucket)
        if (file := self._file(bucket)) is not None:
            with contextlib.suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_name(f"{file.name}.{os.getpid()}")
                part.write_bytes(bucket.bytecode_to_string())
                part.replace(file)

    def _remember(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            _COMPILED[self._sandboxed, bucket.key, bucket.checksum] = bucket.code


class Links:
    """Relative links from one page. They end in a file's name, so that they also work from a folder on disk."""

    __slots__ = ("_assets", "_here")

    def __init__(self, address: str, assets: Mapping[str, str]) -> None:
        self._here = address.split("/")[:-1]
        self._assets = assets

    def _relative(self, path: str) -> str:
        there = path.split("/")
        common = 0
        for mine, its in zip(self._here, there[:-1], strict=False):
            if mine != its:
                break
            common += 1
        return "../" * (len(self._here) - common) + "/".join(there[common:])

    def url(self, address: str, anchor: str = "") -> str:
        """The link to a page; what follows a `#` in the address stays."""
        path, mark, fragment = address.partition("#")
        if not path or path.endswith("/"):
            path += "index.html"
        return f"{self._relative(path)}{mark}{fragment}" if not anchor else f"{self._relative(path)}#{anchor}"

    def beside(self, address: str) -> str:
        """The link to something that stands beside this page or in it."""
        return f"{address}index.html" if address.endswith("/") else address

    def static(self, path: str) -> str:
        """The link to a file below the root."""
        return self._relative(path)

    def asset(self, name: str) -> str:
        """The link to a file of the theme."""
        return self._relative(self._assets[name])
