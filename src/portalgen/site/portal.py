"""The view of a client's own page: what is now, the papers, the plan, what was agreed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.problems import Finding
from portalgen.content.records.client import Client, Contact
from portalgen.content.records.offer import Agreement, Policy
from portalgen.rules.agreements import accepted, fill, variables
from portalgen.rules.facts import Account, InvoiceFacts
from portalgen.rules.followup import (
    cancel_until,
    cancellation_policy,
    next_session,
    promised_by,
    rebooking,
    session_minutes,
)
from portalgen.rules.money import ZERO, Money
from portalgen.rules.persons import Excerpt
from portalgen.rules.retainer import retained
from portalgen.site.bill import Addresses, invoice_row
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.practice import booking_address, mailto
from portalgen.site.public import policy_order
from portalgen.site.views import (
    AgreementRow,
    AgreementView,
    AppointmentsView,
    AppointmentView,
    AssignedGuide,
    BillingView,
    DueView,
    EndedView,
    InvoiceRow,
    MoneyView,
    PageLink,
    PortalView,
    RebookView,
    RhythmView,
)

_TOGETHER = re.compile(r"[&+,/]|\s(?:and|und|et|y|e|ed|en|og|och|agus)\s", re.IGNORECASE)
"""What stands between the names of two people in the languages that portalgen speaks, and their neighbours."""


class PortalWriter:
    """Makes the pages of clients of one practice for one day; `findings` are problems in their texts."""

    def __init__(self, shared: Shared, offer: Offer, writer: Writer, today: dt.date) -> None:
        self.shared, self.offer, self.writer, self.today = shared, offer, writer, today
        self.home = shared.site.practice.language
        self._discreet = shared.site.privacy.discreet
        self.findings: list[Finding] = []

    def portal(
        self,
        folder: ClientFolder,
        account: Account,
        addresses: Addresses,
        agreements: tuple[AgreementRow, ...],
        money: MoneyView,
        reader: Contact | None = None,
    ) -> PortalView:
        """The client's page; `agreements` and `money` are what else opens from it.

        `reader` is another person who sees all that the client sees; one who pays is asked to.
        """
        client, plan, address = folder.client, folder.plan, addresses.portal
        rows = {facts.invoice.id: invoice_row(facts, addresses) for facts in account.published}
        name = client.name.display
        others = ("parent", "guardian", "payer")
        payer = next((c for c in client.contacts if c.id == client.payer and c.role in others), None)
        payer = None if payer == reader else payer
        hello = greeting_of(reader) if reader else greeting(client)
        return PortalView(
            greeting=hello,
            name=name,
            about=name if reader else "",
            called=self._called(hello),
            due=() if payer else self._due(folder, account, rows),
            pending=_pending(account),
            payer=payer.name if payer else "",
            appointment=self._appointment(folder),
            rebook=self._rebook(folder),
            plan=self.render(plan.body, plan.path, address, plan.body_line, level=3) if plan else Markup(""),
            plan_title=(plan.title or "") if plan else "",
            goals=tuple((goal.text, bool(goal.done)) for goal in (*client.goals, *client.milestones) if goal.share),
            rhythm=_rhythm(client),
            invoices=tuple(rows.values()),
            credit=self._free_credit(folder, account),
            guides=self._guides(folder),
            preferences=tuple(preference.text for preference in client.preferences if preference.share),
            agreements=agreements,
            policies=tuple(
                self._policy_link(policy, address)
                for policy in sorted(self.shared.policies.values(), key=policy_order)
                if policy.show_in_portal
            ),
            ended=self._ended(folder),
            paused=client.status == "paused",
            money=money,
        )

    def billing(
        self, folder: ClientFolder, reader: Contact, part: Excerpt, addresses: Addresses, money: MoneyView
    ) -> BillingView:
        """The page of a person who sees what is billed to them and nothing of the work; `part` is what is theirs."""
        rows = {facts.invoice.id: invoice_row(facts, addresses) for facts in part.account.published}
        terms = self.shared.terms.get(folder.client.terms or "")
        return BillingView(
            greeting=greeting_of(reader),
            name=folder.client.name.display,
            called=self._called(greeting_of(reader)),
            ended=_ended_on(folder, self.today),
            due=self._due(folder, part.account, rows),
            pending=_pending(part.account),
            invoices=tuple(rows.values()),
            credit=self._free_credit(part.folder, part.account),
            money=money,
            terms=PageLink(title=terms.title or terms.id, address=f"terms/{terms.id}/") if terms else None,
        )

    def appointments(self, folder: ClientFolder, reader: Contact, addresses: Addresses) -> AppointmentsView:
        """The page of a person who arranges the meetings. Why we meet, and the way into a video room, is not on it."""
        ended, rhythm, meeting = _ended_on(folder, self.today), _rhythm(folder.client), self._appointment(folder)
        rule = self._cancellation(folder)
        return AppointmentsView(
            greeting=greeting_of(reader),
            name=folder.client.name.display,
            called=self._called(greeting_of(reader)),
            ended=ended,
            paused=folder.client.status == "paused",
            appointment=msgspec.structs.replace(meeting, video_url="") if meeting else None,
            rebook=None if ended else self._booking(folder),
            rhythm=msgspec.structs.replace(rhythm, reason="") if rhythm else None,
            rule=self._policy_link(rule, addresses.portal) if rule else None,
        )

    def private_policies(self, folder: ClientFolder, reader: Contact | None) -> tuple[Policy, ...]:
        """The policies that stand behind a link of this client because they have no public page."""
        if reader is None or reader.scope == "all":
            shown = [policy for policy in self.shared.policies.values() if policy.show_in_portal]
        else:
            rule = self._cancellation(folder) if reader.scope == "appointments" else None
            shown = [rule] if rule else []
        return tuple(policy for policy in shown if not policy.public)

    def _called(self, name: str) -> str:
        """What the title of a page may call its reader: nothing where the practice is discreet (domain X6)."""
        return "" if self._discreet else name

    def _policy_link(self, policy: Policy, address: str) -> PageLink:
        return PageLink(
            title=policy.title,
            address=f"policies/{policy.id}/" if policy.public else f"{address}policies/{policy.id}/",
            summary=policy.summary or "",
            language=policy.language or self.home,
        )

    def _cancellation(self, folder: ClientFolder) -> Policy | None:
        """The rule for cancelling the next appointment, else the practice's, where a client may read it."""
        session = next_session(self.shared, folder, self.today)
        policies = [policy for policy in self.shared.policies.values() if policy.kind == "cancellation"]
        rule = cancellation_policy(self.shared, session) if session else next(iter(policies), None)
        return rule if rule and (rule.public or rule.show_in_portal) else None

    def _booking(self, folder: ClientFolder) -> RebookView | None:
        """How to book, about when where something says so."""
        prompt, practice, client = self._rebook(folder), self.shared.site.practice, folder.client
        if prompt:
            return msgspec.structs.replace(prompt, why="")
        href = booking_address(practice) or mailto(practice.email)
        open_ = client.status in ("lead", "active") and not client.do_not_contact
        return RebookView(around=None, why="", href=href) if open_ else None

    def _due(self, folder: ClientFolder, account: Account, rows: Mapping[str, InvoiceRow]) -> tuple[DueView, ...]:
        """What is due by today as one sum per currency, what is promised or due later by its day."""
        groups: dict[tuple[dt.date, str, dt.date | None], list[tuple[InvoiceFacts, Decimal, dt.date]]] = {}
        for facts in account.published:
            by, left = facts.status.due_now_by, facts.status.due_now - facts.entries.pending
            if by and left > 0:
                promised = promised_by(self.shared, folder, facts.invoice.id, self.today)
                day = promised or by
                key = (day if day > self.today else dt.date.min, facts.currency, promised)  # now before any later day
                groups.setdefault(key, []).append((facts, left, by))
        views = []
        for (_, currency, promised), members in sorted(groups.items(), key=lambda item: item[0][:2]):
            views.append(
                DueView(
                    amount=Money(sum((left for _, left, _ in members), ZERO), currency),
                    by=min(by for _, _, by in members),
                    past_due=not promised and any(facts.status.timing == "overdue" for facts, _, _ in members),
                    invoices=tuple(rows[facts.invoice.id] for facts, _, _ in members),
                    promised_by=promised,
                )
            )
        return tuple(views)

    def _free_credit(self, folder: ClientFolder, account: Account) -> tuple[Money, ...]:
        """What is held for the client and for no retainer, one sum per currency."""
        bound = retained(folder, account, self.today)
        free = {currency: amount - bound.get(currency, ZERO) for currency, amount in account.credit.items()}
        return tuple(Money(amount, currency) for currency, amount in free.items() if amount > 0)

    def render(self, text: str, source: str, page: str, line: int, level: int = 2) -> Markup:
        """A text of the client's pages as HTML."""
        rendered = self.writer.render(text, source=source, page=page, line=line, level=level)
        self.findings += rendered.findings
        return rendered.html

    def _appointment(self, folder: ClientFolder) -> AppointmentView | None:
        session = next_session(self.shared, folder, self.today)
        if session is None:
            return None
        home = self.shared.site.practice.timezone
        zone = folder.client.timezone or home
        service = self.shared.services[session.service]
        form = session.format or (service.format if isinstance(service.format, str) else "")
        until = cancel_until(self.shared, session)
        return AppointmentView(
            start=session.start.astimezone(ZoneInfo(zone)),
            minutes=session_minutes(self.shared, session),
            service=service.name,
            format=form or "",
            place=session.place or "",
            video_url=session.video_url or "",
            zone=zone if zone != home else "",
            cancel_until=until.astimezone(ZoneInfo(zone)) if until else None,
        )

    def _rebook(self, folder: ClientFolder) -> RebookView | None:
        prompt = rebooking(self.shared, folder, self.today)
        if prompt is None:
            return None
        practice = self.shared.site.practice
        return RebookView(
            around=prompt.around, why=prompt.why, href=booking_address(practice) or mailto(practice.email)
        )

    def _guides(self, folder: ClientFolder) -> tuple[AssignedGuide, ...]:
        given = [
            g for g in folder.client.guides if g.since <= self.today and (g.until is None or self.today <= g.until)
        ]
        return tuple(
            AssignedGuide(
                title=self.shared.guides[g.guide].title,
                language=self.shared.guides[g.guide].language or self.home,
                address=f"guides/{g.guide}/",
                summary=self.shared.guides[g.guide].summary,
                since=g.since,
                note=g.note or "",
            )
            for g in sorted(given, key=lambda g: (g.since, g.guide), reverse=True)
        )

    def _ended(self, folder: ClientFolder) -> EndedView | None:
        ended = folder.client.ended
        if ended is None or not _ended_on(folder, self.today):
            return None
        referrals = () if ended.referrals == "none" else ended.referrals
        return EndedView(
            date=ended.date,
            reason=ended.reason_public or "",
            records=ended.records or "",
            referrals=tuple(self.offer.referral(self.shared.referrals[key]) for key in referrals),
        )

    def agreement(
        self, agreement: Agreement, folder: ClientFolder, row: AgreementRow, portal: str, place: str
    ) -> AgreementView:
        """The text of an agreement for this client, on the page at `place`."""
        text, missing = fill(agreement.body, variables(self.shared, folder))
        for name in missing:
            self.findings.append(
                Finding(
                    path=agreement.path,
                    code="missing-variable",
                    message=f"'{name}' has no value for {folder.id}",
                    hint="add it to client.yaml or site.yaml, or take the variable out",
                    text=name,
                    line=agreement.body_line,
                )
            )
        return AgreementView(
            title=agreement.title,
            language=row.language,
            body=self.render(text, agreement.path, place, agreement.body_line),
            version=agreement.version,
            effective=agreement.effective,
            row=row,
            portal=portal,
            accept_href=mailto(self.shared.site.practice.email, f"{agreement.title} ({agreement.version})")
            if row.state != "accepted" and "email" in agreement.acceptance
            else "",
            signers=agreement.signers,
        )


def greeting(client: Client) -> str:
    """How the page says hello: the first name. Of two people, of a company, and after a title, all that is written."""
    return client.name.display if client.company else _first(client.name.display)


def greeting_of(contact: Contact) -> str:
    """How a page says hello to another person. One who only pays may be an office, and is called what is written."""
    return contact.name if contact.role == "payer" else _first(contact.name)


def _first(name: str) -> str:
    first = name.split()[0]
    return name if _TOGETHER.search(name) or first.endswith(".") else first


def agreement_row(agreement: Agreement, folder: ClientFolder, home: str) -> AgreementRow:
    """An agreement in a list, and whether the client accepted it. `home` is the practice's language."""
    state, entry = accepted(agreement, folder)
    return AgreementRow(
        title=agreement.title,
        language=agreement.language or home,
        address=f"agreements/{agreement.id}/",
        version=agreement.version,
        accepted=entry.date if entry else None,
        by=(entry.by or "") if entry else "",
        method=entry.method if entry else "",
        state=state,
    )


def _rhythm(client: Client) -> RhythmView | None:
    rhythm = client.rhythm if client.status == "active" else None
    return RhythmView(count=rhythm.every.count, unit=rhythm.every.unit, reason=rhythm.reason or "") if rhythm else None


def _ended_on(folder: ClientFolder, today: dt.date) -> dt.date | None:
    ended = folder.client.ended
    return ended.date if ended and ended.date <= today else None


def _pending(account: Account) -> tuple[Money, ...]:
    """Money on its way for what is still open, one sum per currency."""
    sums: dict[str, Decimal] = {}
    for facts in account.published:
        if facts.status.due_now > 0 and facts.entries.pending > 0:
            sums[facts.currency] = sums.get(facts.currency, ZERO) + facts.entries.pending
    return tuple(Money(amount, currency) for currency, amount in sorted(sums.items()))
