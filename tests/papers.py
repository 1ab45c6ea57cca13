"""Documents set on paper, without a build: a site's theme and stationery, sheets of documents, and what a PDF says."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from portalgen.content.loader import load
from portalgen.content.model import Shared, Site
from portalgen.content.problems import Finding
from portalgen.rules.document import Document
from portalgen.site import theme as themes
from portalgen.site.bill import bill_of
from portalgen.site.formats import country_names
from portalgen.site.offer import Offer
from portalgen.site.practice import practice_view
from portalgen.site.sheet import Sheet
from portalgen.site.sheet_words import Words
from portalgen.site.sheets_bill import Stationery, sheet_of_document
from portalgen.site.views import PracticeView
from tests.support import minimal_site

TODAY = dt.date(2026, 11, 21)


@dataclass
class Paper:
    """What sets the documents of a site."""

    root: Path

    @cached_property
    def site(self) -> Site:
        """What the files say."""
        loaded = load(self.root)
        assert loaded.site, loaded.problems
        return loaded.site

    @property
    def shared(self) -> Shared:
        """What all clients of the site have alike."""
        return self.site.shared

    @cached_property
    def loaded(self) -> tuple[themes.Theme | None, tuple[Finding, ...]]:
        """The theme, and what is wrong with it."""
        return themes.load(self.root, self.shared.site)

    @property
    def theme(self) -> themes.Theme:
        """The theme of a site that has no error in it."""
        theme, findings = self.loaded
        assert theme, findings
        return theme

    @cached_property
    def practice(self) -> PracticeView:
        """What every page may show of the practice."""
        return practice_view(self.shared.site, TODAY, country_names(self.shared.site.practice.language))

    @cached_property
    def stationery(self) -> Stationery:
        """What all sheets of the site have alike."""
        return Stationery.of(self.shared.site, self.practice)

    def words(self, language: str) -> Words:
        """What templates say in a language."""
        return Words(self.theme.environment(language), language)

    def sheet(self, document: Document, notes: str = "") -> Sheet:
        """A document on paper; `notes` is HTML."""
        countries = country_names(document.language)
        offer = Offer(self.shared, TODAY, countries)
        bill = bill_of(document, Markup(notes), self.shared.site.practice.country)
        terms = offer.terms(document.terms) if document.terms else None
        return sheet_of_document(document, bill, terms, self.words(document.language), self.stationery)

    def pdf(self, document: Document, notes: str = "") -> bytes:
        """A document as PDF, all of whose letters are there."""
        printed = self.theme.press.pdf(self.sheet(document, notes))
        assert printed.missing == ""
        return printed.pdf


def paper(root: Path, files: Mapping[str, str | bytes | None] | None = None) -> Paper:
    """The paper of a minimal site with these files."""
    return Paper(minimal_site(root, files))


def said(pdf: bytes, *options: str) -> str:
    """The text of a PDF, line by line as it stands."""
    done = subprocess.run(["pdftotext", "-layout", *options, "-", "-"], input=pdf, capture_output=True, check=True)
    return plain(done.stdout.decode("utf-8"))


def plain(text: str) -> str:
    """A text without the marks that turn directions or divide words."""
    return text.translate(dict.fromkeys((0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    return said(pdf).split("\f")[:-1]


def amounts(totals: Any) -> list[Decimal]:
    """Every amount that a document's totals are made of."""
    return [*totals.amounts, totals.line_total, *(group.tax for group in totals.groups), totals.total]
