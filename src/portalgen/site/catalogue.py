"""The words of pages and documents in the reader's language. A message without a translation stays English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.core import Locale
from jinja2 import Environment, nodes, pass_context
from jinja2.ext import InternationalizationExtension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup, escape

from portalgen.site.formats import locale_of
from portalgen.site.po import Messages, Plural, key, messages, parse

FOLDER = Path(__file__).parent / "locale"
TEMPLATE = FOLDER / "portalgen.pot"
_COUNTS = 1000
"""Numbers of which it is remembered what form of a message they need."""
_VARIABLE = re.compile(r"%%|%\(\w+\)s")
_NAME = re.compile(r"%\((\w+)\)s")


class Trans(InternationalizationExtension):
    """`{% trans %}` by filters. Jinja's own way calls functions with a context of its own for each message, which is
    a third of the time that a page takes. What is extracted from templates is the same."""

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        made = super().parse(parser)
        if isinstance(made, nodes.Node):
            return made
        kept, said = made  # a call, kept for the form of a count; without one it may stand where it is used
        assert isinstance(kept, nodes.Assign)
        assert isinstance(kept.node, nodes.Expr)
        message = next(said.find_all(nodes.Filter))
        if message.name != "trans_filled":
            return made
        for word in message.kwargs:
            if isinstance(word.value, nodes.Name) and word.value.name == "_trans":
                word.value = kept.node
        return said

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


class Words:
    """The messages of one language; earlier `layers` go before later ones. `own` are a site's words, whole messages.

    Counts may be broken: 1.5 sessions.
    """

    def __init__(self, locale: Locale, own: Mapping[str, str], layers: Sequence[Messages]) -> None:
        self._locale = locale
        self._own = own
        self._texts: dict[str, str] = {}
        self._forms: dict[str, tuple[tuple[str, ...], Plural]] = {}
        for layer in reversed(layers):
            self._texts.update(layer.texts)
            self._forms.update({message: (forms, layer.plural) for message, forms in layer.forms.items()})

    def gettext(self, message: str) -> str:
        """The message in this language."""
        return self._own.get(message) or self._texts.get(message, message)

    def ngettext(self, singular: str, plural: str, number: int | Decimal) -> str:
        """The message in the form that this number needs."""
        return self.npgettext("", singular, plural, number)

    def pgettext(self, context: str, message: str) -> str:
        """The message as it reads in this context."""
        return self._own.get(message) or self._texts.get(key(context, message), message)

    def npgettext(self, context: str, singular: str, plural: str, number: int | Decimal) -> str:
        """The message in this context, in the form that this number needs."""
        english = singular if number == 1 else plural
        if own := self._own.get(english):
            return own
        found = self._forms.get(key(context, singular))
        if found is None:
            return english
        forms, index = found
        return forms[min(index(self._whole(number)), len(forms) - 1)]

    def _whole(self, number: int | Decimal) -> int:
        """The whole number whose form a number takes: 1.5 goes with 0 in German, with 1 in French (CLDR)."""
        whole = abs(int(number))
        if whole == abs(number):
            return whole
        form = self._locale.plural_form
        category = form(number)
        return next((other for other in range(101) if form(other) == category), 100)


class Catalogue(Words):
    """The messages of one language, for templates and for documents made in Python.

    Translations that come with portalgen may hold markup where a template asks for it. A site's own words are text:
    templates get them escaped. Filters that take the context are never computed while a template is compiled, so that
    all languages can share it.
    """

    def __init__(
        self, locale: Locale, own: Mapping[str, str], site: Sequence[Messages], builtin: Sequence[Messages]
    ) -> None:
        super().__init__(locale, own, (*site, *builtin))
        escaped = {message: str(escape(text)) for message, text in own.items()}
        self._safe = Words(locale, escaped, (*map(_escaped, site), *builtin))
        self._lines: dict[tuple[str, str], Markup] = {}
        self._fitted = _isolated if locale.character_order == "right-to-left" else escape

    @classmethod
    def of(
        cls,
        language: str,
        own: Mapping[str, str],
        country: str = "",
        site: Mapping[str, Messages] | None = None,
    ) -> Catalogue:
        """The catalogue of a BCP 47 language as that country speaks it: `pt_BR` before `pt`.

        `own` are a site's words for whole messages, `site` its catalogues by the name of their locale.
        """
        locale, theirs = locale_of(language, country), site or {}
        names = locale_names(locale)
        ours = (_builtin(name) for name in names)
        return cls(locale, own, [theirs[name] for name in names if name in theirs], [found for found in ours if found])

    @pass_context
    def trans_line(self, _: Context, message: str, *, _context: str = "") -> Markup:
        """A message without variables."""
        line = self._lines.get((message, _context))
        if line is None:
            line = self._lines[message, _context] = Markup(self._safe.pgettext(_context, message) % ())
        return line

    @pass_context
    def trans_filled(self, _: Context, message: str, *, _context: str = "", **values: object) -> Markup:
        """A message with variables, each escaped unless it is markup."""
        text = self._safe.pgettext(_context, message)
        return Markup(text % {name: self._fitted(value) for name, value in values.items()})

    @pass_context
    def trans_count(
        self, _: Context, message: str, plural: str, number: int, *, _context: str = "", **values: object
    ) -> Markup:
        """A message in the form that the number needs."""
        text = self._safe.npgettext(_context, message, plural, number)
        values.setdefault("num", number)
        return Markup(text % {name: self._fitted(value) for name, value in values.items()})

    def trans_filling(self, message: str, context: str, names: Sequence[str]) -> Callable[..., str]:
        """What fills texts, escaped and in the order of their names, into a message: as `trans_filled`, prepared."""
        return self._filling(self._safe.pgettext(context, message), names)

    def trans_counting(self, message: str, plural: str, context: str, names: Sequence[str]) -> Callable[..., str]:
        """As `trans_filling`, of `trans_count`: what takes the number first."""
        forms: dict[str, Callable[..., str]] = {}
        known: dict[str, Callable[..., str]] = {}

        def said(number: int | Decimal, *texts: str) -> str:
            digits = str(number)
            fill = known.get(digits)
            if fill is None:
                text = self._safe.npgettext(context, message, plural, number)
                if len(known) >= _COUNTS:
                    known.clear()
                if text not in forms:
                    forms[text] = self._filling(text, names)
                fill = known[digits] = forms[text]
            return fill(*texts)

        return said

    def _filling(self, text: str, names: Sequence[str]) -> Callable[..., str]:
        pattern = self._pattern(text)
        order = [names.index(name) for name in _NAME.findall(pattern.replace("%%", ""))]
        places = _VARIABLE.sub(lambda found: "%%" if found[0] == "%%" else "%s", pattern)
        if order == [0] and len(names) == 1 and "%%" not in places:  # most
            before, after = places.split("%s")
            return lambda text: f"{before}{text}{after}"
        if order == [*range(len(names))]:
            return lambda *texts: places % texts
        return lambda *texts: places % tuple([texts[index] for index in order])

    def _pattern(self, text: str) -> str:
        return _VARIABLE.sub(self._place, text) if self._fitted is _isolated else text

    @staticmethod
    def _place(found: re.Match[str]) -> str:
        return found[0] if found[0] == "%%" else f"\u2068{found[0]}\u2069"

    def install(self, environment: Environment) -> None:
        """Make these words those of an environment."""
        environment.filters.update(
            trans_line=self.trans_line,
            trans_filled=self.trans_filled,
            trans_count=self.trans_count,
            trans_filling=self.trans_filling,
            trans_counting=self.trans_counting,
        )
        install: Callable[..., None] = environment.install_gettext_callables  # type: ignore[attr-defined]
        safe = self._safe
        install(safe.gettext, safe.ngettext, newstyle=True, pgettext=safe.pgettext, npgettext=safe.npgettext)


def locale_names(locale: Locale) -> tuple[str, ...]:
    """The catalogues that serve a locale, the nearest first: `zh_Hant_TW`, `zh_TW`, `zh_Hant`, `zh`."""
    language, script, territory = locale.language, locale.script, locale.territory
    names = ((language, script, territory), (language, territory), (language, script), (language,))
    return tuple(dict.fromkeys("_".join(part for part in name if part) for name in names))


def languages() -> tuple[str, ...]:
    """The locales that portalgen has words for, besides English."""
    return tuple(sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/portalgen.po")))


@cache
def _builtin(name: str) -> Messages | None:
    path = FOLDER / name / "LC_MESSAGES" / "portalgen.po"
    return messages(parse(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _isolated(value: object) -> str:
    """The value escaped, its direction apart from the line's (UAX #9): 2026-0042 would read 0042-2026 in Arabic."""
    return f"\u2068{escape(value)}\u2069"


def _escaped(layer: Messages) -> Messages:
    return Messages(
        {message: str(escape(text)) for message, text in layer.texts.items()},
        {message: tuple(str(escape(text)) for text in forms) for message, forms in layer.forms.items()},
        layer.plural,
    )
