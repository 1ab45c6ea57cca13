"""The theme: templates, styles and fonts, the site's own in place of the built-in ones, and what renders a page.

A site's `templates/NAME` replaces the built-in one everywhere; it may extend or include `theme/NAME` for the original.
Templates of a site run in Jinja's sandbox, and what is wrong with them becomes a `Finding`, never a traceback.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from portalgen.content.problems import Finding
from portalgen.content.records.practice import SiteFile
from portalgen.site.catalogue import Trans
from portalgen.site.colours import chosen_colours
from portalgen.site.compiled import Compiled
from portalgen.site.direct import DirectEnvironment
from portalgen.site.formats import formats
from portalgen.site.ownwords import OwnWords, is_catalogue, own_words
from portalgen.site.pdf import Press
from portalgen.site.sheet import Logo
from portalgen.site.stylesheet import ASSET_TYPES, hashed, loaded_by, published_css, squeezed
from portalgen.site.templating import ORIGINAL, Links, Missing, SharedTemplate, Sources
from portalgen.site.tongue import Tongue
from portalgen.site.views import PracticeView, View

STYLES = ("theme.css", "plain.css")
SEALED = "sealed.css"
SCRIPTS = ("unlock.js", "repair.js")
"""Our own scripts. A site cannot replace them: what runs on a private page could read its key."""
_TEMPLATE_TYPES = (".html", ".txt", ".xml")
_ASSET_CALL = re.compile(r"""\basset\(\s*["']([^"']+)["']""")


class Frame(View, frozen=True, kw_only=True):
    """Where a page stands and what its head says. `address` as in views; a file's own name (`404.html`) is one too."""

    address: str
    title: str
    description: str = ""
    canonical: str = ""
    private: bool = False
    language: str = "en"


class NavItem(View, frozen=True, kw_only=True):
    """A link of the navigation; templates translate the keys they know and show the title of the others."""

    key: str
    title: str
    address: str
    current: bool = False


class TemplateProblem(Exception):
    """A site's own template does not work."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Theme:
    """What renders pages. Everything it needs has been read; it is the same for all pages of a site."""

    def __init__(
        self,
        sources: Sources,
        plain_style: str,
        assets: Mapping[str, tuple[str, bytes]],
        site: SiteFile,
        words: OwnWords,
        press: Press,
        logo: Logo | None = None,
        *,
        sealed_style: str = "",
        scripts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.assets: Mapping[str, bytes] = dict(assets.values())
        self.press = press
        self.logo = logo
        self.plain_style, self.sealed_style = plain_style, sealed_style
        self.scripts = scripts
        self._sources = sources
        self._country, self._language = site.practice.country, site.practice.language
        self.words = words
        self._names = {name: path for name, (path, _) in assets.items()}
        self._environments: dict[tuple[str, bool], Environment] = {}

    @cached_property
    def own(self) -> Mapping[str, str]:
        """The texts of the site's own templates by their paths below the site."""
        return {f"{self._sources.folder}/{name}": text for name, text in sorted(self._sources.own.items())}

    def published(self, name: str) -> str:
        """Where a file of the theme is published: `assets/theme.0123456789.css`."""
        return self._names[name]

    def environment(self, language: str, *, direct: bool = True) -> Environment:
        """The environment of one language, made once: where nothing is the site's own, the direct one if wanted."""
        wanted = language, direct and not self._sources.own
        environment = self._environments.get(wanted)
        if environment is None:
            environment = self._environments[wanted] = self._make(*wanted)
        return environment

    def _make(self, language: str, direct: bool) -> Environment:
        kind = ImmutableSandboxedEnvironment if self._sources.own else DirectEnvironment if direct else Environment
        environment = kind(
            loader=self._sources,
            undefined=Missing,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Trans],
            auto_reload=False,
            cache_size=-1,
            optimized=False,  # constants in filters differ by language, compiled templates are shared by all
            bytecode_cache=Compiled(kind, self._sources),
        )
        environment.template_class = SharedTemplate
        environment.policies["ext.i18n.trimmed"] = True
        writes = formats(language, self._country)
        self.words.catalogue(language).install(environment)
        environment.filters.update(writes.filters())
        environment.filters["csp_hash"] = _csp_hash
        environment.filters["tongue"] = Tongue(language, self._language)
        constants = {
            "direction": writes.direction,
            "home_country": self._country,
            "home_language": self._language,
            "plain_style": Markup(self.plain_style),
        }
        environment.globals.update(constants)
        if isinstance(environment, DirectEnvironment):
            environment.settle(constants)
        return environment

    def render(
        self,
        template: str,
        *,
        frame: Frame,
        practice: PracticeView,
        nav: tuple[NavItem, ...],
        footer: tuple[NavItem, ...],
        view: View,
    ) -> str:
        """The page. Raises `TemplateProblem` when a template of the site fails."""
        links = Links(frame.address, self._names)
        environment = self.environment(frame.language)
        values = {
            **environment.globals,
            "page": frame,
            "practice": practice,
            "nav": nav,
            "footer": footer,
            "view": view,
            "url": links.url,
            "beside": links.beside,
            "static": links.static,
            "asset": links.asset,
        }
        if isinstance(environment, DirectEnvironment):
            try:
                return _rendered(environment, template, values)
            except Exception:  # of any kind: Jinja meets it again, and knows the line of the template
                environment = self.environment(frame.language, direct=False)
        with self.guarded():
            try:
                return _rendered(environment, template, values)
            except Exception:  # of any kind: Jinja gives it the lines of the templates
                environment.handle_exception()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """What a template of the site raises becomes `TemplateProblem`."""
        try:
            yield
        except Exception as error:
            finding = self._finding(error)
            if finding is None:
                raise
            raise TemplateProblem(finding) from error

    def _finding(self, error: Exception) -> Finding | None:
        """The problem in a template of the site; None when none of them took part."""
        if isinstance(error, TemplateSyntaxError) and error.filename:
            ours = error.name not in self._sources.own
            return None if ours else _problem(error.filename, error.lineno, error.message or "")
        place: tuple[str, int] | None = None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self.own:
                place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
            trace = trace.tb_next
        if place is None:
            return None
        if isinstance(error, TemplateNotFound):
            return _problem(*place, f"there is no template '{error.name}'", _near(str(error.name), self._known()))
        if isinstance(error, RecursionError):
            hint = f"to extend the built-in template of the same name, write '{ORIGINAL}{place[0].split('/', 1)[1]}'"
            return _problem(*place, "this template includes itself without end", hint)
        return _problem(*place, str(error) or type(error).__name__)

    def _known(self) -> set[str]:
        return {*self._sources.builtin, *self._sources.own, *(ORIGINAL + name for name in self._sources.builtin)}

    def check(self) -> tuple[Finding, ...]:
        """What is wrong with the site's templates before any page is rendered, and which of them nothing uses."""
        environment, known = self.environment("en"), self._known()
        found: list[Finding] = []
        used = set(self._sources.builtin)
        for name, source in sorted(self._sources.own.items()):
            path = f"{self._sources.folder}/{name}"
            try:
                tree = environment.parse(source, name, path)
                environment.compile(source, name, path)
            except TemplateSyntaxError as error:
                found.append(_problem(path, error.lineno, error.message or ""))
                continue
            for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
                wanted = getattr(getattr(node, "template", None), "value", None)
                if isinstance(wanted, str) and not getattr(node, "ignore_missing", False) and wanted not in known:
                    message = f"there is no template '{wanted}'"
                    found.append(_problem(path, node.lineno, message, _near(wanted, known)))
            used.update(other for other in meta.find_referenced_templates(tree) if other and other != name)
            for asset in _ASSET_CALL.findall(source):
                if asset not in self._names:
                    message = f"there is no file '{asset}'"
                    found.append(_problem(path, 1, message, _near(asset, self._names), text=asset))
        for name in sorted(set(self._sources.own) - used):
            hint = _near(name, self._sources.builtin) or "take it away, or include it from another template"
            found.append(_unused(f"{self._sources.folder}/{name}", "no page uses this template", hint))
        return tuple(found)


def _rendered(environment: Environment, template: str, values: dict[str, object]) -> str:
    """As `Template.render()`, without copying the globals through a chain of mappings for every page."""
    if isinstance(environment, DirectEnvironment):
        return environment.rendered(template, values)
    page = environment.get_template(template)
    return environment.concat(page.root_render_func(page.new_context(values, shared=True)))


def builtin_folder() -> Path:
    """Where the built-in theme lies: inside the package, or at the top of a checkout."""
    here = Path(__file__).resolve()
    packed = here.parent.parent / "_theme"
    return packed if packed.is_dir() else here.parents[3] / "templates"


def load(root: Path, site: SiteFile) -> tuple[Theme | None, tuple[Finding, ...]]:
    """The theme of the site in `root`; None when a template of the site is no template at all."""
    ours, theirs = builtin_folder(), root / "templates"
    files, _ = _files(ours)
    own, links = _files(theirs) if theirs.is_dir() and theirs.resolve() != ours else ({}, ())
    findings = [_link(name, message) for name, message in links]
    texts: dict[str, str] = {}
    for name, content in own.items():
        if name in STYLES or name == SEALED or name.endswith(_TEMPLATE_TYPES) or is_catalogue(name):
            try:
                texts[name] = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                findings.append(_problem(f"templates/{name}", 1, f"this file is not UTF-8 (byte {error.start})"))
    colours, corrected = chosen_colours(site.theme.colours, site.path)
    findings += corrected
    builtin = {name: content.decode() for name, content in files.items() if name.endswith(_TEMPLATE_TYPES)}
    templates = {name: text for name, text in texts.items() if name.endswith(_TEMPLATE_TYPES)}
    sources = Sources(builtin, templates, "templates")
    words, said = own_words(site, texts, templates)
    findings += said
    styles = {name: texts.get(name, files[name].decode()) + colours for name in STYLES}
    every = {**files, **own}
    wanted = {name for source in sources.own.values() for name in _ASSET_CALL.findall(source)} - set(STYLES)
    css, published, broken = published_css(styles["theme.css"], every)
    findings += [_problem("templates/theme.css", line, message) for line, message in broken]
    findings += [
        _problem(f"templates/{name}", 1, f"'{target}': this style stands in a page and loads nothing", text=target)
        for name in ("plain.css", SEALED)
        for target in loaded_by(texts.get(name, ""))
        if not target.startswith(("data:", "#"))
    ]
    published |= {name: hashed(name, every[name]) for name in sorted(wanted & set(every))}
    assets = {name: (path, every[name]) for name, path in published.items()}
    assets["theme.css"] = (hashed("theme.css", css.encode()), css.encode())
    press = Press(files, own, ours, theirs if own else None)
    alone = styles["plain.css"] + (texts.get(SEALED) or files[SEALED].decode())
    theme = Theme(
        sources,
        squeezed(styles["plain.css"]),
        assets,
        site,
        words,
        press,
        _logo(root, site),
        sealed_style=squeezed(alone),
        scripts={name: files[name].decode().strip() for name in SCRIPTS},
    )
    findings += (*theme.check(), *press.check()) if own else ()
    for name in sorted(own):
        if (
            name not in published
            and name not in (*STYLES, SEALED)
            and not is_catalogue(name)
            and not name.endswith(_TEMPLATE_TYPES)
            and not press.uses(name)
        ):
            hint = f"name it in theme.css with url({name}), or take it away"
            what = "nothing uses this file" if name.endswith(ASSET_TYPES) else "a theme has no files of this type"
            findings.append(_unused(f"templates/{name}", what, hint))
    fatal = any(finding.severity == "error" for finding in findings)
    return (None if fatal else theme), tuple(findings)


def _logo(root: Path, site: SiteFile) -> Logo | None:
    """The practice's mark for its papers; None also where it cannot be read, which the loader tells."""
    if not site.theme.logo:
        return None
    try:
        content = (root / "content" / site.theme.logo).read_bytes()
    except OSError:
        return None
    return Logo(
        name=f"logo{Path(site.theme.logo).suffix}", source=site.path, content=content, alt=site.theme.logo_alt or ""
    )


def _files(folder: Path) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """Every file of a theme by its path below the folder, and (path, what is wrong) of links that are not followed.

    Hidden files and what an editor leaves behind are none of it. A link may lead to a file of the folder only: a theme
    comes from elsewhere, and could have the key or anything else on this machine published.
    """
    files: dict[str, bytes] = {}
    links: list[tuple[str, str]] = []
    home = os.path.realpath(folder) + os.sep

    def walk(place: str, above: str) -> None:
        with os.scandir(place) as entries:
            found = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
        for entry in found:
            name = above + entry.name
            if entry.is_dir(follow_symlinks=False):
                walk(entry.path, f"{name}/")
            elif name.endswith("~"):
                continue
            elif entry.is_symlink() and not os.path.realpath(entry.path).startswith(home):
                links.append((name, "this symbolic link leads out of templates/"))
            elif entry.is_file():
                files[name] = Path(entry.path).read_bytes()
            elif entry.is_symlink():
                links.append((name, "this symbolic link leads to a folder, to nothing, or in a circle"))

    walk(str(folder), "")
    return files, links


def _csp_hash(text: str) -> str:
    """The source expression that allows this inline style (CSP level 3)."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode() + "'"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean '{near[0]}'?" if near else ""


def _problem(path: str, line: int, message: str, hint: str = "", text: str = "") -> Finding:
    hint = hint or "mend this line, or take the file away to have the built-in one again"
    return Finding(path=path, line=max(line, 1), code="template", message=message, hint=hint, text=text)


def _link(name: str, message: str) -> Finding:
    hint = "put the file itself here instead of a link"
    return Finding(path=f"templates/{name}", code="symlink", message=message, hint=hint)


def _unused(path: str, message: str, hint: str) -> Finding:
    return Finding(path=path, code="unused-template", severity="warning", message=message, hint=hint)


__all__ = ["Frame", "NavItem", "TemplateProblem", "Theme", "builtin_folder", "load"]
