"""The words of the templates in the reader's language. A message without a translation stays English."""

from __future__ import annotations

import difflib
import gettext
import io
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, nodes, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.runtime import Context
from markupsafe import Markup, escape

from portalgen.content.problems import Finding
from portalgen.content.records.practice import SiteFile

FOLDER = Path(__file__).parent / "locale"
TEMPLATE = FOLDER / "portalgen.pot"
_NAMES = re.compile(r"%\((\w+)\)")


class Trans(InternationalizationExtension):
    """`{% trans %}` by filters. Jinja's own way calls functions with a context of its own for each message, which is
    a third of the time that a page takes. What is extracted from templates is the same."""

    def _make_node(
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,
        num_called_num: bool,
    ) -> nodes.Output:
        args: list[nodes.Expr] = []
        values = [nodes.Keyword(name, value) for name, value in variables.items()]
        kind = "trans_line"
        if plural is not None and plural_expr is not None:
            kind, args = "trans_count", [nodes.Const(plural), plural_expr]
        elif values:
            kind = "trans_filled"
        if context is not None:
            values.append(nodes.Keyword("_context", nodes.Const(context)))
        return nodes.Output([nodes.Filter(nodes.Const(singular), kind, args, values, None, None)])


class Catalogue:
    """The messages of one language, a site's own words before the catalogue's. Translations may hold markup; a site's
    own words are text, so they are escaped here, once.

    Filters that take the context are never computed while a template is compiled, so that all languages can share it.
    """

    def __init__(self, translations: gettext.NullTranslations, own: Mapping[str, str]) -> None:
        self._translations = translations
        self._own = {message: str(escape(text)) for message, text in own.items()}
        self._lines: dict[tuple[str, str], Markup] = {}

    @pass_context
    def trans_line(self, _: Context, message: str, *, _context: str = "") -> Markup:
        """A message without variables."""
        line = self._lines.get((message, _context))
        if line is None:
            text = self.pgettext(_context, message) if _context else self.gettext(message)
            line = self._lines[message, _context] = Markup(text % ())
        return line

    @pass_context
    def trans_filled(self, _: Context, message: str, *, _context: str = "", **values: object) -> Markup:
        """A message with variables, each escaped unless it is markup."""
        text = self.pgettext(_context, message) if _context else self.gettext(message)
        return Markup(text % {name: escape(value) for name, value in values.items()})

    @pass_context
    def trans_count(
        self, _: Context, message: str, plural: str, number: int, *, _context: str = "", **values: object
    ) -> Markup:
        """A message in the form that the number needs."""
        text = self.npgettext(_context, message, plural, number) if _context else self.ngettext(message, plural, number)
        values.setdefault("num", number)
        return Markup(text % {name: escape(value) for name, value in values.items()})

    @classmethod
    def of(cls, language: str, own: Mapping[str, str]) -> Catalogue:
        """The catalogue of a BCP 47 language: `pt-BR` before `pt`."""
        return cls(_translations(language), own)

    def gettext(self, message: str) -> str:
        """The message in this language."""
        return self._own.get(message) or self._translations.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The message in the form that this number needs."""
        own = self._own.get(singular if number == 1 else plural)
        return own or self._translations.ngettext(singular, plural, number)

    def pgettext(self, context: str, message: str) -> str:
        """The message as it reads in this context."""
        return self._own.get(message) or self._translations.pgettext(context, message)

    def npgettext(self, context: str, singular: str, plural: str, number: int) -> str:
        """The message in this context, in the form that this number needs."""
        own = self._own.get(singular if number == 1 else plural)
        return own or self._translations.npgettext(context, singular, plural, number)

    def install(self, environment: Environment) -> None:
        """Make these words those of an environment."""
        environment.filters.update(
            trans_line=self.trans_line, trans_filled=self.trans_filled, trans_count=self.trans_count
        )
        install = environment.install_gettext_callables  # type: ignore[attr-defined]
        install(self.gettext, self.ngettext, newstyle=True, pgettext=self.pgettext, npgettext=self.npgettext)


@cache
def _translations(language: str) -> gettext.NullTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    name = language.replace("-", "_")
    for candidate in (name, name.partition("_")[0]):
        path = FOLDER / candidate / "LC_MESSAGES" / "portalgen.po"
        if path.is_file():
            compiled = io.BytesIO()
            with path.open("rb") as file:
                write_mo(compiled, read_po(file, locale=candidate))
            compiled.seek(0)
            return gettext.GNUTranslations(compiled)
    return gettext.NullTranslations()


@cache
def known_messages() -> frozenset[str]:
    """Every message the templates use, singular and plural forms alike."""
    from babel.messages.pofile import read_po

    with TEMPLATE.open("rb") as file:
        catalogue = read_po(file)
    found: set[str] = set()
    for message in catalogue:
        found.update([message.id] if isinstance(message.id, str) else message.id)
    return frozenset(found - {""})


def override_findings(site: SiteFile) -> Iterator[Finding]:
    """What is wrong with the words that a site puts in place of the theme's."""
    for message, text in site.locale_overrides.items():
        at = ("locale_overrides", message)
        if message not in known_messages():
            near = difflib.get_close_matches(message, known_messages(), 1, 0.75)
            hint = f"did you mean '{near[0]}'?" if near else "copy the text from the page as it stands in English"
            yield Finding(
                path=site.path,
                code="unknown-message",
                severity="warning",
                message=f"no page says '{message}'",
                hint=hint,
                at=at,
                on_key=True,
            )
        elif _stray_percent(message, text):
            names = " and ".join(f"%({name})s" for name in dict.fromkeys(_NAMES.findall(message))) or "no placeholder"
            yield Finding(
                path=site.path,
                code="bad-value",
                message="this text does not fit the message it replaces",
                hint=f"it may use {names}; write a percent sign as %%",
                at=at,
            )


def _stray_percent(message: str, text: str) -> bool:
    """Whether a text has a percent sign that is neither doubled nor the beginning of one of the message's variables."""
    plain = text.replace("%%", "")
    for name in _NAMES.findall(message):
        plain = plain.replace(f"%({name})s", "")
    return "%" in plain
