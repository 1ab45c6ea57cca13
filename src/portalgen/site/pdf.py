"""PDF by typst: PDF/A-3a with tags (PDF/UA-1), every font embedded, the same bytes for the same sheet anywhere.

A site's `templates/document.typ` takes the place of the built-in one, which it may import as `theme/document.typ`; it
sees its own files below `templates/`, the theme's, and nothing else of this machine.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from portalgen.content.problems import Finding
from portalgen.site.sheet import Logo, Sheet, canonical, digest

if TYPE_CHECKING:
    from typst import Compiler, TypstError

TEMPLATE = "document.typ"
FONT_TYPES = (".ttf", ".otf", ".ttc", ".otc")
PICTURE_TYPES = (".svg", ".png", ".jpg", ".jpeg", ".webp")
VERSION = b"1"
"""Changes with what this module makes of the same sheet."""
_MAIN = "main.typ"
_PLACE = re.compile(r"┌─ (.+):(\d+):\d+$", re.MULTILINE)
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
_COUNT = re.compile(rb"/Type ?/Pages ?/Count (\d+)")
_PACKAGE = re.compile(r"""["']@[\w-]+/""")
_REPLACEMENT = "\ufffd"


class Printed(msgspec.Struct, frozen=True):
    """A PDF, and the letters that no font has: each stands as a replacement character."""

    pdf: bytes
    missing: str


class DocumentProblem(Exception):
    """A site's own document template does not work."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Press:
    """Sets sheets. It reads fonts when the first sheet comes; any number of threads may use it, each a compiler."""

    def __init__(
        self, builtin: Mapping[str, bytes], own: Mapping[str, bytes], theme_folder: Path, own_folder: Path | None = None
    ) -> None:
        """Files of the theme and of the site by their paths below `templates/`, and these folders themselves.

        Of the site's folder only fonts are read. What typst looks for elsewhere it looks for in the theme's, which
        holds nothing but what everybody has.
        """
        self._own = {name: text for name, text in own.items() if name.endswith(".typ")}
        files = {f"theme/{name}": content for name, content in builtin.items() if name.endswith(".typ")}
        files |= {name: content for name, content in own.items() if name.endswith((".typ", *PICTURE_TYPES))}
        self._files = {**files, _MAIN: own.get(TEMPLATE) or builtin[TEMPLATE]}
        self._folder = theme_folder
        folders = [folder / "fonts" for folder in (theme_folder, own_folder) if folder]
        self._fonts = [folder for folder in folders if folder.is_dir()]
        self._faces = {**_faces(builtin), **{f"own/{name}": face for name, face in _faces(own).items()}}
        self._threads = threading.local()

    @cached_property
    def _print(self) -> bytes:
        """What a PDF depends on next to its sheet."""
        from importlib.metadata import version

        parts = [VERSION, version("typst").encode()]
        for name, content in sorted({**self._files, **self._faces}.items()):
            parts += [name.encode(), content]
        return digest(*parts).encode()

    def uses(self, name: str) -> bool:
        """Whether documents need this file of the site: a font, or what one of its document templates names."""
        if name == TEMPLATE or (name.startswith("fonts/") and name.endswith(FONT_TYPES)):
            return True
        return any(name.rpartition("/")[2].encode() in text for other, text in self._own.items() if other != name)

    def key(self, sheet: Sheet) -> str:
        """A name for the PDF's bytes: the same for the same sheet, templates, fonts and version of typst."""
        return digest(self._print, canonical(sheet))

    def pdf(self, sheet: Sheet) -> Printed:
        """The sheet as PDF. Raises `DocumentProblem` when a template of the site fails."""
        from typst import TypstError

        try:
            return Printed(self._fitted(sheet), "")
        except TypstError as error:
            missing = "".join(dict.fromkeys("".join(map(_unescaped, _MISSING.findall(error.diagnostic)))))
            if not missing:
                raise self._problem(error, sheet) from error
        text = canonical(sheet).decode()
        patched = msgspec.json.decode(text.translate(dict.fromkeys(map(ord, missing), _REPLACEMENT)), type=Sheet)
        try:
            return Printed(self._fitted(patched), missing)
        except TypstError as error:
            raise self._problem(error, sheet) from error

    def check(self) -> tuple[Finding, ...]:
        """What is wrong with the site's own document templates before any document is set."""
        found = []
        for name, content in sorted(self._own.items()):
            try:
                lines = content.decode("utf-8").splitlines()
            except UnicodeDecodeError as error:
                found.append(_finding(name, 1, f"this file is not UTF-8 (byte {error.start})"))
                continue
            for number, line in enumerate(lines, 1):
                if _PACKAGE.search(line):
                    hint = "a build asks nobody for anything: put the file into templates/ and import it from there"
                    found.append(_finding(name, number, "a template cannot load packages", hint))
        return tuple(found)

    def _fitted(self, sheet: Sheet) -> bytes:
        """On one page, or set a little closer on one page, or on as many as it needs."""
        once = self._compile(sheet, "once")
        if (pages := _pages(once)) == 1:
            return once
        if pages == 2 and _pages(close := self._compile(sheet, "close")) == 1:
            return close
        return self._compile(sheet, "")

    def _compile(self, sheet: Sheet, fitting: str) -> bytes:
        compiler, families = self._compiler()
        files = dict(self._files)
        if sheet.logo:
            files[sheet.logo.name] = sheet.logo.content
            sheet = msgspec.structs.replace(sheet, logo=msgspec.structs.replace(sheet.logo, content=b""))
        inputs = {
            "sheet": canonical(sheet).decode(),
            "fonts": msgspec.json.encode(families).decode(),
            "fitting": fitting,
        }
        made = compiler.compile(  # type: ignore[type-var]  # it takes files by name, which its types do not say
            files, format="pdf", sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], timestamp=0
        )
        if not isinstance(made, bytes):
            raise TypeError(f"typst made {type(made).__name__} of a PDF")
        return made

    def _compiler(self) -> tuple[Compiler, list[str]]:
        """This thread's compiler, and the families of the fonts by name."""
        if not hasattr(self._threads, "compiler"):
            # Documents are set side by side already; threads within each cost a fifth more of the processor.
            os.environ.setdefault("RAYON_NUM_THREADS", "1")
            from typst import Compiler, Fonts

            fonts = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(self._fonts))
            self._threads.compiler = Compiler(
                b"",
                root=self._folder,
                font_paths=fonts,
                package_path=self._folder,
                package_cache_path=self._folder,
            )
            self._threads.families = sorted(fonts.families())
        return self._threads.compiler, self._threads.families

    def _problem(self, error: TypstError, sheet: Sheet) -> Exception:
        """The problem in a template or in the logo of the site; typst's own words when none of them took part."""
        places = _PLACE.findall(error.diagnostic)
        if TEMPLATE in self._own and not places:
            places = [(f"/{_MAIN}", 1)]
        for path, line in places:
            # Typst names a file below the folder where it looks for those that it was not given.
            found = max((name for name in self._files if path.endswith(f"/{name}")), key=len, default="")
            name = TEMPLATE if found == _MAIN else found
            if name in self._own:
                message, _, _ = error.message.partition("(searched at")
                return DocumentProblem(_finding(name, int(line), message.strip(), "".join(error.hints[:1])))
        if sheet.logo and ("sheet.logo" in error.diagnostic or sheet.logo.name in error.diagnostic):
            return DocumentProblem(_bad_logo(sheet.logo, error.message))
        return RuntimeError(error.diagnostic)


def _pages(pdf: bytes) -> int:
    """How many pages a PDF of typst has: the count of the root of its tree of pages."""
    return max(int(count) for count in _COUNT.findall(pdf))


def _unescaped(text: str) -> str:
    """A text that typst shows with escapes, such as a mark without its letter."""
    return re.sub(r"\\(?:u\{([0-9a-f]+)\}|(.))", lambda found: found[2] or chr(int(found[1], 16)), text)


def _faces(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("fonts/") and name.endswith(FONT_TYPES)}


def missing_letters(path: str, number: str, letters: str) -> Finding:
    """The warning that a document has letters that no font has."""
    return Finding(
        path=path,
        code="missing-letters",
        severity="warning",
        message=f"the PDF of {number} cannot show {' '.join(letters)}: no font has it",
        hint="put a font that has these letters (.ttf or .otf) into templates/fonts/",
        text=letters[0],
    )


def _bad_logo(logo: Logo, message: str) -> Finding:
    return Finding(
        path=logo.source,
        at=("theme", "logo"),
        code="bad-value",
        message=f"a document cannot show this logo: {message}",
        hint="save it as PNG or as a plain SVG",
    )


def _finding(name: str, line: int, message: str, hint: str = "") -> Finding:
    hint = hint or "mend this line, or take the file away to have the built-in one again"
    return Finding(path=f"templates/{name}", line=max(line, 1), code="template", message=message, hint=hint)
