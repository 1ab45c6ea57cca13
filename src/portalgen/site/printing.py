"""Which pages have a PDF beside them, and what it says: for invoices and credit notes what was issued, never later."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from portalgen.content.model import Shared
from portalgen.rules.document import Document
from portalgen.rules.request import Request
from portalgen.rules.ways import Way
from portalgen.site.pages import Page, Pdf
from portalgen.site.sheet import Sheet
from portalgen.site.sheet_words import Words
from portalgen.site.sheets_account import sheet_of_receipt, sheet_of_statement, sheet_of_year
from portalgen.site.sheets_bill import Stationery, sheet_of_document
from portalgen.site.sheets_letter import sheet_of_request
from portalgen.site.theme import Theme
from portalgen.site.views import BillView, PracticeView, ReceiptView, StatementView, TermsView, YearView


class Printer:
    """Makes the PDFs of one practice's documents. All raise `TemplateProblem` when a template of the site fails."""

    def __init__(self, shared: Shared, theme: Theme, practice: PracticeView) -> None:
        self._theme = theme
        self._home = shared.site.practice.language
        self._stationery = Stationery.of(shared.site, practice, theme.logo)
        self._words: dict[str, Words] = {}

    def bill(
        self, page: str, view: BillView, document: Document, terms: TermsView | None, source: str, einvoice: bytes
    ) -> Pdf:
        """An invoice or a credit note, with the electronic invoice inside where there is one."""
        name = file_name(document.number)
        sheet = self._sheet(
            document.language, lambda words: sheet_of_document(document, view, terms, words, self._stationery)
        )
        return Pdf(address=page + name, sheet=sheet, source=source, einvoice=einvoice)

    def request(self, request: Request, bill: BillView, terms: TermsView | None, ways: Sequence[Way]) -> Sheet:
        """The letter that requests a payment; it stands on no page."""
        stationery = self._stationery
        return self._sheet(
            request.document.language, lambda words: sheet_of_request(request, bill, terms, ways, words, stationery)
        )

    def paper(self, page: Page) -> Pdf | None:
        """What a page behind a client's link says, on paper; None for a page that is no document."""
        view, stationery = page.view, self._stationery
        if isinstance(view, ReceiptView):
            name, sheet = view.number, self._sheet(page.language, lambda w: sheet_of_receipt(view, w, stationery))
        elif isinstance(view, StatementView):
            name = f"{view.end}-{view.currency}"
            sheet = self._sheet(page.language, lambda w: sheet_of_statement(view, w, stationery))
        elif isinstance(view, YearView):
            name = f"{view.year}-{view.currency}"
            sheet = self._sheet(page.language, lambda w: sheet_of_year(view, w, stationery))
        else:
            return None
        return Pdf(address=page.address + file_name(name), sheet=sheet, source=page.source)

    def _sheet(self, language: str, make: Callable[[Words], Sheet]) -> Sheet:
        language = language or self._home
        with self._theme.guarded():
            words = self._words.get(language)
            if words is None:
                words = self._words[language] = Words(self._theme.environment(language), language)
            return make(words)


def file_name(number: str, ending: str = "pdf") -> str:
    """A document's file name: its number, with nothing in it that a system could trip over."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", number).strip("-") or "document"
    return f"{plain}.{ending}"
