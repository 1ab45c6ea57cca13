"""The words that a site puts in place of the theme's: `locale_overrides`, and catalogues in `templates/locale/`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec
from babel.core import Locale, UnknownLocaleError

from portalgen.content.problems import Finding
from portalgen.content.records.practice import SiteFile
from portalgen.site.catalogue import TEMPLATE, Catalogue
from portalgen.site.po import Entry, Messages, NotPo, Po, messages, parse

_FILE = re.compile(r"locale/([^/]+)\.po")
_NAMES = re.compile(r"%\((\w+)\)")


class OwnWords(msgspec.Struct, frozen=True):
    """A site's own words. `overrides` hold in `language` alone, `catalogues` each in the locale it is named after."""

    language: str
    country: str
    overrides: Mapping[str, str]
    catalogues: Mapping[str, Messages]

    def catalogue(self, language: str) -> Catalogue:
        """The words for a reader of this language."""
        same = language.partition("-")[0] == self.language.partition("-")[0]
        return Catalogue.of(language, self.overrides if same else {}, self.country, self.catalogues)


def is_catalogue(name: str) -> bool:
    """Whether a file of the theme holds words."""
    return bool(_FILE.fullmatch(name))


def own_words(
    site: SiteFile, files: Mapping[str, str], templates: Mapping[str, str]
) -> tuple[OwnWords, tuple[Finding, ...]]:
    """The site's words from the catalogues among its theme's `files` (path below the theme → text), and what is wrong.

    `templates` are the site's own by name: what they say is translated as well.
    """
    findings: list[Finding] = []
    catalogues: dict[str, Messages] = {}
    wanted = {name: text for name, text in sorted(files.items()) if is_catalogue(name)}
    known = _known(templates) if wanted or site.locale_overrides else {}
    findings += _override_findings(site, known)
    for name, text in wanted.items():
        found = _FILE.fullmatch(name)
        path, locale = f"templates/{name}", found[1] if found else ""
        try:
            Locale.parse(locale)
        except (ValueError, UnknownLocaleError):
            hint = "name it after a language and perhaps a region: de.po, pt_BR.po"
            findings.append(_problem(path, 1, f"'{locale}' is not a language", hint))
            continue
        try:
            po = parse(text)
        except NotPo as error:
            findings.append(_problem(path, error.line, str(error), "the format is that of GNU gettext"))
            continue
        findings += _catalogue_findings(path, po, known)
        catalogues[locale] = messages(po)
    practice = site.practice
    return OwnWords(practice.language, practice.country, site.locale_overrides, catalogues), tuple(findings)


@cache
def _entries() -> tuple[Entry, ...]:
    return parse(TEMPLATE.read_text(encoding="utf-8")).entries


def known_messages() -> frozenset[str]:
    """Every message that pages and documents use, singular and plural forms alike."""
    return frozenset(text for entry in _entries() for text in (entry.message, entry.plural) if text)


def _known(templates: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """(context, message) → plural of every message, those of the site's own templates with them."""
    known = {(entry.context, entry.message): entry.plural for entry in _entries()}
    if templates:
        from jinja2 import Environment, TemplateError
        from jinja2.ext import InternationalizationExtension, extract_from_ast

        plain = Environment(extensions=[InternationalizationExtension], trim_blocks=True, lstrip_blocks=True)
        plain.policies["ext.i18n.trimmed"] = True
        for source in templates.values():
            try:
                extracted = list(extract_from_ast(plain.parse(source)))
            except TemplateError:
                continue  # said elsewhere
            for _, function, said in extracted:
                texts = [text for text in (said if isinstance(said, tuple) else (said,)) if isinstance(text, str)]
                context = texts.pop(0) if "pgettext" in function and texts else ""
                if texts:
                    known.setdefault((context, texts[0]), texts[1] if len(texts) > 1 else "")
    return known


def _override_findings(site: SiteFile, known: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    said = {text for (_, message), plural in known.items() for text in (message, plural) if text}
    for message, text in site.locale_overrides.items():
        at = ("locale_overrides", message)
        if message not in said:
            yield Finding(
                path=site.path,
                code="unknown-message",
                severity="warning",
                message=f"no page says '{message}'",
                hint=_near(message, said),
                at=at,
                on_key=True,
            )
        elif _stray_percent((message,), text):
            yield Finding(
                path=site.path,
                code="bad-value",
                message="this text does not fit the message it replaces",
                hint=_allowed((message,)),
                at=at,
            )


def _catalogue_findings(path: str, po: Po, known: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    for entry in po.entries:
        plural = known.get((entry.context, entry.message))
        if plural is None:
            yield Finding(
                path=path,
                line=entry.line,
                code="unknown-message",
                severity="warning",
                message=f"no page says '{entry.message}'",
                hint=_near(entry.message, {message for _, message in known}),
            )
        elif plural != entry.plural:
            right = f'msgid_plural "{plural}"' if plural else "take msgid_plural away"
            yield _problem(path, entry.line, f"'{entry.message}' counts in another way", right)
        elif plural and any(entry.forms) and len(entry.forms) != po.nplurals:
            right = f"it needs {po.nplurals} forms: msgstr[0] to msgstr[{po.nplurals - 1}]"
            yield _problem(path, entry.line, f"'{entry.message}' has {len(entry.forms)} forms", right)
        elif any(_stray_percent((entry.message, plural), text) for text in entry.forms):
            message = "this text does not fit the message it translates"
            yield _problem(path, entry.line, message, _allowed((entry.message, plural)))


def _stray_percent(originals: tuple[str, ...], text: str) -> bool:
    """Whether a text has a percent sign that is neither doubled nor the beginning of one of the message's variables."""
    plain = text.replace("%%", "")
    for name in _names(originals):
        plain = plain.replace(f"%({name})s", "")
    return "%" in plain


def _names(originals: tuple[str, ...]) -> dict[str, None]:
    return dict.fromkeys(name for original in originals for name in _NAMES.findall(original))


def _allowed(originals: tuple[str, ...]) -> str:
    names = " and ".join(f"%({name})s" for name in _names(originals)) or "no placeholder"
    return f"it may use {names}; write a percent sign as %%"


def _near(message: str, known: set[str]) -> str:
    near = difflib.get_close_matches(message, known, 1, 0.75)
    return f"did you mean '{near[0]}'?" if near else "copy the text from the page as it stands in English"


def _problem(path: str, line: int, message: str, hint: str) -> Finding:
    return Finding(path=path, line=line, code="words", message=message, hint=hint)
