"""Views of money before and beside invoices: the retainer, packages, what will be invoiced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.documents import Line
from portalgen.content.records.prepaid import Retainer
from portalgen.rules.facts import Account
from portalgen.rules.lines import LineReader, Source
from portalgen.rules.money import Money
from portalgen.rules.packages import packages_of
from portalgen.rules.receipts import receipt_number
from portalgen.rules.recurring import lines_of, upcoming
from portalgen.rules.retainer import Movement, RetainerState, retainer_of
from portalgen.rules.totals import compute
from portalgen.rules.waiting import waiting
from portalgen.site.bill import Addresses
from portalgen.site.offer import money
from portalgen.site.views import BoughtView, HeldRow, RetainerView, UpcomingView, WaitingView

MONTHS_AHEAD = 13  # so that what returns once a year is seen


class AheadWriter:
    """Makes these views of clients of one practice for one day."""

    def __init__(self, shared: Shared, today: dt.date) -> None:
        self.shared, self.today = shared, today

    def retainer(self, folder: ClientFolder, account: Account, addresses: Addresses) -> RetainerView | None:
        """The retainer that was agreed; one that is over and holds nothing any more is not shown."""
        state = retainer_of(self.shared, folder, account, self.today)
        if state is None or not (state.active or (state.balance and state.balance.amount) or state.refund):
            return None
        retainer = state.retainer
        currency = folder.client.currency or self.shared.site.practice.currency
        return RetainerView(
            kind=retainer.kind,
            amount=money(retainer.amount, currency),
            unit=_unit(folder, retainer),
            balance=state.balance,
            floor=money(retainer.floor, currency) if retainer.floor is not None else None,
            ask=state.ask,
            ask_by=retainer.due if state.ask and not state.movements else None,
            refund=state.refund,
            refundable=retainer.held and retainer.refundable is not False,
            covers=tuple(self.shared.services[key].name for key in retainer.covers),
            start=retainer.from_,
            end=retainer.until,
            rows=self._movements(folder, state, addresses),
        )

    @staticmethod
    def _movements(folder: ClientFolder, state: RetainerState, addresses: Addresses) -> tuple[HeldRow, ...]:
        receipts = {payment.id: receipt_number(payment) for payment in folder.payments}

        def row(change: Movement) -> HeldRow:
            drawn = bool(change.invoice)
            return HeldRow(
                date=change.date,
                kind=change.kind,
                amount=change.amount,
                balance=change.balance,
                number=change.number if drawn else receipts[change.payment],
                address=addresses.invoice(change.invoice) if drawn else addresses.receipt(change.payment),
            )

        return tuple(row(change) for change in state.movements)

    def packages(self, folder: ClientFolder) -> tuple[BoughtView, ...]:
        """The packages with sessions left, and the last one of each service, the latest first."""
        found = packages_of(self.shared, folder, self.today)
        latest = {use.purchase.service: use.index for use in sorted(found, key=lambda use: use.purchase.bought)}
        shown = [use for use in found if use.left or latest[use.purchase.service] == use.index]
        return tuple(
            BoughtView(
                service=self.shared.services[use.purchase.service].name,
                bought=use.purchase.bought,
                sessions=use.purchase.sessions,
                used=len(use.used),
                left=use.left,
                expires=use.expires,
                state=use.state,
            )
            for use in sorted(shown, key=lambda use: use.purchase.bought, reverse=True)
        )

    def upcoming(self, folder: ClientFolder) -> tuple[UpcomingView, ...]:
        """The next invoice of each series that returns. Only that one, so that a page changes when an invoice comes."""
        views = []
        for run in upcoming(folder, self.today, MONTHS_AHEAD):
            texts, amount = self._comes_to(folder, lines_of(self.shared, run), run.date)
            views.append(UpcomingView(date=run.date, descriptions=texts, amount=amount))
        return tuple(views)

    def waiting(self, folder: ClientFolder) -> tuple[WaitingView, ...]:
        """Sessions that were held and charges that are on no invoice yet, the oldest first.

        A fee for a missed session is not here: the practitioner may still let it go.
        """
        views = []
        for proposal in waiting(self.shared, folder, self.today):
            if proposal.outcome in (None, "held"):
                texts, amount = self._comes_to(folder, (proposal.line,), proposal.date)
                views.append(WaitingView(date=proposal.date, description=", ".join(texts), amount=amount))
        return tuple(views)

    def _comes_to(
        self, folder: ClientFolder, lines: Sequence[Line], day: dt.date
    ) -> tuple[tuple[str, ...], Money | None]:
        """The words of lines that are on no invoice, and their sum with tax; None where there is no fixed price."""
        currency = folder.client.currency or self.shared.site.practice.currency
        reader = LineReader(self.shared, folder)
        priced = reader.read(lines, Source("", currency, day))
        texts = tuple(dict.fromkeys(line.description for line in priced.lines))
        if reader.findings:
            return texts, None
        return texts, money(compute(priced.lines, currency, includes_tax=priced.includes_tax).total, currency)


def _unit(folder: ClientFolder, retainer: Retainer) -> Literal["", "month"]:
    """`month` for a fee that an invoice of every month asks for again."""
    monthly = [recurring for recurring in folder.client.recurring if recurring.every == "1m"]
    asked = any(line.unit_price == retainer.amount for recurring in monthly for line in recurring.lines)
    return "month" if asked and not retainer.held else ""
