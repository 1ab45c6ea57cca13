"""What Jinja needs of us: where templates come from, what is missing, and links from a page."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import msgspec
from jinja2 import Environment, StrictUndefined, Template, TemplateNotFound
from jinja2.environment import TemplateModule
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context

from portalgen.site.links import Inside, between, file_of, folders, inside
from portalgen.site.views import View

ORIGINAL = "theme/"
"""How an override names the built-in template that it replaces."""


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


class SharedTemplate(Template):
    """A template whose macros others import, the same for all of them: every template here has the same globals."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class Sources(BaseLoader):
    """The site's templates before the built-in ones, all read once."""

    def __init__(self, builtin: Mapping[str, str], own: Mapping[str, str], folder: str) -> None:
        self.builtin, self.own, self.folder = builtin, own, folder

    @cached_property
    def digest(self) -> str:
        """What tells these built-in templates from any others."""
        parts = (part.encode() for pair in sorted(self.builtin.items()) for part in pair)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source and a name for it; only names of the site's own templates stand below `templates/`."""
        if template in self.own:
            return self.own[template], f"{self.folder}/{template}", lambda: True
        plain = template.removeprefix(ORIGINAL)
        if plain in self.builtin:
            return self.builtin[plain], f"<{plain}>", lambda: True
        raise TemplateNotFound(template)


@lru_cache(maxsize=4096)
def _from_below(depth: int, file: str) -> str:
    """The link to a file from a page in so many folders, the root with them, of which it is in the root alone."""
    return "../" * (depth - 1) + between(("",), file)


class Links:
    """Relative links from one page. They end in a file's name, so that they also work from a folder on disk.

    A link to what is sealed carries the key of its file; the page that unlocks knows what `#KEY/receipts/r-1` is.
    """

    __slots__ = ("_assets", "_here", "_inside", "_top")

    def __init__(self, address: str, assets: Mapping[str, str]) -> None:
        self._inside = inside(address) if "#" in address else None
        self._here = folders(file_of(address))
        self._top = self._here[-2] if len(self._here) > 1 else ""
        self._assets = assets

    def _to(self, file: str) -> str:
        """The link to a file below the root: from all pages so deep the same, where it is in none of their folders."""
        if self._top and not file.startswith(self._top):
            return _from_below(len(self._here), file)
        return between(self._here, file)

    def url(self, address: str, anchor: str = "") -> str:
        """The link to a page; what follows a `#` in the address stays."""
        if "#" not in address:
            link = self._to(file_of(address))
            return f"{link}#{anchor}" if anchor else link
        if sealed := inside(address):
            return self._sealed(sealed, anchor)
        path, mark, fragment = address.partition("#")
        link = between(self._here, file_of(path))
        return f"{link}#{anchor}" if anchor else f"{link}{mark}{fragment}"

    def beside(self, address: str) -> str:
        """The link to something that stands beside this page or in it."""
        if not self._inside:
            return between(("",), file_of(address))
        path = self._inside.path + address
        if not path.endswith("/"):
            return between(("",), path)
        return self._sealed(msgspec.structs.replace(self._inside, path=path), "")

    def static(self, path: str) -> str:
        """The link to a file below the root."""
        return self._to(path)

    def asset(self, name: str) -> str:
        """The link to a file of the theme."""
        return self._to(self._assets[name])

    def _sealed(self, target: Inside, anchor: str) -> str:
        own = self._inside is not None and self._inside.file == target.file
        parts = (target.fragment, target.path.rstrip("/"), anchor)
        return ("" if own else between(self._here, target.file)) + "#" + "/".join(part for part in parts if part)
