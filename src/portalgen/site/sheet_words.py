"""The words of the templates as plain text: paper says what the page says, also where a site has words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from html import unescape
from typing import Any

import msgspec
from jinja2 import Environment
from markupsafe import Markup

from portalgen.rules.money import Money
from portalgen.site.formats import formats
from portalgen.site.sheet import Carried, Direction, PartyBlock, fitted
from portalgen.site.views import PartyView, ReductionView

WORDS, MONEY, TERMS, LABEL, SHEET, LETTER = (
    f"parts/{name}.html" for name in ("words", "money", "terms", "label", "sheet", "letter")
)

UNSEEN = dict.fromkeys((0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Marks that turn directions or divide words on paper; `str.translate` takes them off a text that is copied."""
_ISOLATES = (('<bdi dir="ltr">', "\u2066"), ("<bdi>", "\u2068"), ("</bdi>", "\u2069"))


class Words:
    """What templates say in one language. A template of the site that fails raises what Jinja raises."""

    def __init__(self, environment: Environment, language: str) -> None:
        self.language = language
        self.writes = formats(language, str(environment.globals["home_country"]))
        self.direction: Direction = "rtl" if self.writes.direction == "rtl" else "ltr"
        self._environment = environment
        self._modules: dict[str, Any] = {}

    def say(self, template: str, macro: str, *values: object) -> str:
        """What a macro says, on one line."""
        said = str(getattr(self._module(template), macro)(*values))
        if self.direction == "rtl":
            for tag, mark in _ISOLATES:
                said = said.replace(tag, mark)
        return " ".join(Markup(said).striptags().split())

    def sheet(self, macro: str, *values: object) -> str:
        """What a macro of `parts/sheet.html` says."""
        return self.say(SHEET, macro, *values)

    def table(self, name: str, template: str = WORDS) -> Mapping[str, str]:
        """A table of words."""
        table: Mapping[str, str] = getattr(self._module(template), name)
        return table

    def word(self, table: str, code: str) -> str:
        """The word for a code; the code itself where there is none."""
        return unescape(str(self.table(table).get(code, code)))

    def label(self, name: str, template: str = SHEET) -> str:
        """A word of `parts/sheet.html`, or of another template."""
        return unescape(str(self.table("labels", template)[name]))

    @property
    def tax(self) -> str:
        """What tax is called in the practice's country."""
        return unescape(str(self._module(WORDS).tax))

    @property
    def carried(self) -> Carried:
        """What sums so far are called."""
        return Carried(carried=self.label("carried_over"), brought=self.label("brought_forward"))

    def money(self, money: Money) -> str:
        """The amount, with signs that keep its parts in order in any line."""
        return self.fit(self.writes.money(money))

    def minus(self, money: Money) -> str:
        """The amount taken away."""
        return self.fit(self.writes.minus(money))

    def quantity(self, unit: str, count: Decimal) -> str:
        """`2 sessions`."""
        return self.say(WORDS, "quantity", unit, count)

    def less(self, discount: ReductionView) -> str:
        """What a discount is, and why."""
        return self.say(MONEY, "less", msgspec.structs.replace(discount, reason=self.fit(discount.reason)))

    def fit(self, text: str) -> str:
        """A text from a file, ready to be set."""
        return fitted(text, self.direction)

    def fits(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Texts from a file, ready to be set."""
        return tuple(self.fit(text) for text in texts)

    def party(self, heading: str, party: PartyView) -> PartyBlock:
        """A party as `party` of `parts/money.html` shows it."""
        also = (self.sheet("for_person", self.fit(party.care_of)),) if party.care_of else ()
        details = tuple(f"{self.word('details', code)}: {self.fit(value)}" for code, value in party.details)
        reach = tuple(self.fit(text) for text in (party.email, party.phone) if text)
        return PartyBlock(
            heading=self.label(heading),
            lines=(self.fit(party.name), *also, *self.fits(party.address)),
            small=(*details, *reach),
        )

    def _module(self, template: str) -> Any:
        if template not in self._modules:
            self._modules[template] = self._environment.get_template(template).module
        return self._modules[template]
