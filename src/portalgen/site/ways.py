"""What a page shows of the ways to pay (domain §6)."""

from __future__ import annotations

from markupsafe import Markup

from portalgen.content.model import ClientFolder, Shared
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.ways import Demand, Way, fitting_ways
from portalgen.site.qr import qr_svg
from portalgen.site.views import WayToPay


def ways_to_pay(shared: Shared, folder: ClientFolder, facts: InvoiceFacts) -> tuple[WayToPay, ...]:
    """The ways for the amount due now as a page shows them."""
    return tuple(way_view(way) for way in ways_now(shared, folder, facts))


def ways_now(shared: Shared, folder: ClientFolder, facts: InvoiceFacts) -> tuple[Way, ...]:
    """The ways for the amount due now, the first to be offered first; none when nothing is due."""
    invoice, document = facts.invoice, facts.document
    if document is None or facts.status.document != "issued":
        return ()
    demand = Demand(
        amount=facts.money(facts.status.due_now),
        number=document.number,
        id=document.id,
        language=document.language,
        terms_methods=facts.terms.methods if facts.terms else (),
        pay_links=invoice.pay_links,
        debtor=document.buyer,
    )
    return fitting_ways(shared, folder.client, demand)


def way_view(way: Way) -> WayToPay:
    """A way with its code drawn."""
    return WayToPay(
        kind=way.kind,
        label=way.label,
        href=way.href,
        amount=way.amount,
        rows=way.rows,
        instructions=way.instructions,
        fee_note=way.fee_note,
        settles_in=way.settles_in,
        qr=qr_svg(way.code, way.code_kind) if way.code else Markup(""),
        code=way.code,
    )
