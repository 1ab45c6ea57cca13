"""The money in the weekly review: what is due, late, to be billed, held (domain M15, M7, R3, A3)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from portalgen.rules.chargeable import session_day
from portalgen.rules.due import DAY
from portalgen.rules.escalation import STAGES, escalation_of
from portalgen.rules.facts import InvoiceFacts
from portalgen.rules.followup import COMING
from portalgen.rules.money import ZERO, Money, rounded, total
from portalgen.rules.packages import packages_of
from portalgen.rules.recurring import due_runs
from portalgen.rules.retainer import retained, retainer_of
from portalgen.rules.review_item import AHEAD, WEEK, Asked, Code, Item, Subject, at_work, by_day, item, label_of
from portalgen.rules.waiting import LineProposal, unbilled_sessions, waiting_charges


def due_this_week(asked: Asked) -> tuple[Item, ...]:
    """Each part of an invoice that is due within seven days, and what is in its days of grace. Not what is disputed."""
    found: list[Item] = []
    for subject in asked.subjects:
        for facts in subject.account.invoices.values():
            found += _due(asked, subject, facts)
    return by_day(found)


def _due(asked: Asked, subject: Subject, facts: InvoiceFacts) -> Iterator[Item]:
    status = facts.status
    free = status.balance - status.discussed
    if status.document != "issued":
        return
    for part in facts.parts:
        open_ = min(part.open, free)
        free -= max(open_, ZERO)
        grace = status.timing == "grace" and part.due == status.due
        if open_ <= 0 or not (grace or asked.today <= part.due <= asked.last):
            continue
        days = facts.terms.late.grace_days if facts.terms else 0
        yield item(
            subject,
            "grace" if grace else "due",
            refs=(facts.invoice.id,),
            label=label_of(facts),
            amount=facts.money(open_),
            day=part.due,
            other_day=part.due + days * DAY if grace else None,
            days=abs((part.due - asked.today).days),
            pending=_pending(facts),
        )


def overdue(asked: Asked) -> tuple[Item, ...]:
    """Every overdue invoice with its place on the ladder: what to do now before what waits, the gravest step first."""
    found = []
    for subject in asked.subjects:
        for facts in subject.account.invoices.values():
            ladder = escalation_of(asked.shared, subject.folder, facts, asked.today)
            if ladder is None:
                continue
            status = facts.status
            found.append(
                item(
                    subject,
                    "overdue",
                    refs=(facts.invoice.id,),
                    label=label_of(facts),
                    amount=facts.money(status.due_now or status.balance),
                    day=status.due,
                    days=status.days_overdue(asked.today),
                    ladder=ladder,
                    pending=_pending(facts),
                    discussed=facts.money(status.discussed) if status.discussed else None,
                )
            )
    return tuple(sorted(found, key=lambda one: (_rank(one, asked), -(one.days or 0), one.place)))


def _rank(one: Item, asked: Asked) -> tuple[int, int]:
    ladder = one.ladder
    if ladder is None or ladder.paused:
        return 3, 0
    if ladder.sends(asked.today) and ladder.next:
        return 0, -STAGES.index(ladder.next.stage)
    return (1, 0) if ladder.next is None else (2, 0)


def _pending(facts: InvoiceFacts) -> Money | None:
    return facts.money(facts.entries.pending) if facts.entries.pending else None


def to_bill(asked: Asked) -> tuple[Item, ...]:
    """Sessions and charges that stand on no invoice: one item for each client, currency and kind, the oldest first.

    What has no fixed price is in the count and not in the amount. Before them, sessions of days gone by of which nobody
    wrote what became of them: until then they wait for no invoice.
    """
    found: list[Item] = []
    for subject in asked.subjects:
        found += _unmarked(asked, subject)
        found += _waiting(subject, "sessions", unbilled_sessions(asked.shared, subject.folder, asked.today))
        found += _waiting(subject, "charges", waiting_charges(asked.shared, subject.folder, asked.today))
    return tuple(sorted(by_day(found), key=lambda one: one.code != "unmarked"))


def _unmarked(asked: Asked, subject: Subject) -> Iterator[Item]:
    past = [(session_day(asked.shared, one), one) for one in subject.folder.sessions if one.status in COMING]
    past = sorted((pair for pair in past if pair[0] < asked.today), key=lambda pair: (pair[0], pair[1].id))
    if past:
        yield item(subject, "unmarked", refs=tuple(one.id for _, one in past), day=past[0][0], count=len(past))


def _waiting(subject: Subject, code: Code, proposals: tuple[LineProposal, ...]) -> Iterator[Item]:
    by_currency: dict[str, list[LineProposal]] = {}
    for proposal in proposals:
        by_currency.setdefault(proposal.amount.currency if proposal.amount else "", []).append(proposal)
    for currency, same in by_currency.items():
        fees = [one for one in same if one.outcome in ("no_show", "late_cancelled")]
        yield item(
            subject,
            code,
            refs=tuple(one.id for one in same if one.id),
            amount=Money(rounded(total(one.amount.amount for one in same if one.amount), currency), currency)
            if currency
            else None,
            day=min(one.date for one in same),
            count=len(same),
            detail="waivable" if any(one.waivers_left for one in fees) else "",
        )


def runs(asked: Asked) -> tuple[Item, ...]:
    """Invoices that return and were not made, those of days gone by first."""
    found = []
    for subject in asked.subjects:
        for run in due_runs(subject.folder, asked.today, subject.known):
            days = (asked.today - run.date).days
            code: Code = "run_missed" if days else "run_due"
            found.append(item(subject, code, refs=(run.id,), label=run.recurring.id, day=run.date, days=days))
    return by_day(found)


def drafts(asked: Asked) -> tuple[Item, ...]:
    """Drafts, by client; and issued invoices whose day comes this week, which a build of that day shows first."""
    found = []
    for subject in asked.subjects:
        for facts in subject.account.invoices.values():
            invoice, state = facts.invoice, facts.status.document
            about = partial(item, subject, refs=(invoice.id,), label=label_of(facts), amount=facts.money(facts.amount))
            if state == "draft":
                found.append(about("draft"))
            elif state == "scheduled" and invoice.issued and invoice.issued <= asked.last:
                days = (invoice.issued - asked.today).days
                found.append(about("scheduled", day=invoice.issued, days=days))
    return by_day(found)


def unallocated(asked: Asked) -> tuple[Item, ...]:
    """Money the practice holds for a client that is for nothing yet; a retainer is for something. The most first."""
    found = []
    for subject in asked.subjects:
        kept = retained(subject.folder, subject.account, asked.today)
        for currency, amount in subject.account.credit.items():
            free = amount - max(kept.get(currency, ZERO), ZERO)
            if free > 0:
                open_ = [f for f in subject.account.published if f.status.balance > 0 and f.currency == currency]
                refs = tuple(sorted(facts.invoice.id for facts in open_))
                found.append(item(subject, "unallocated", refs=refs, amount=Money(rounded(free, currency), currency)))
    return tuple(sorted(found, key=lambda one: (-(one.amount.amount if one.amount else Decimal(0)), one.place)))


def ahead(asked: Asked) -> tuple[Item, ...]:
    """Retainers to fill up or to give back; packages that are nearly used, that end soon, that ended with some left."""
    found: list[Item] = []
    for subject in asked.subjects:
        found += _retainer(asked, subject)
        found += _packages(asked, subject)
    return tuple(sorted(found, key=lambda one: (one.code.startswith("package"), one.day or asked.today, one.place)))


def _retainer(asked: Asked, subject: Subject) -> Iterator[Item]:
    state = retainer_of(asked.shared, subject.folder, subject.account, asked.today)
    if state is None or state.balance is None:
        return
    if state.refund:
        yield item(subject, "retainer_refund", amount=state.refund)
    elif state.ask and state.below_floor and state.movements:
        yield item(subject, "retainer_low", amount=state.ask, held=state.balance)
    elif state.ask and state.active and (state.retainer.due or asked.today) <= asked.last:
        yield item(subject, "retainer_first", amount=state.ask, day=state.retainer.due)


def _packages(asked: Asked, subject: Subject) -> Iterator[Item]:
    if not at_work(subject):
        return
    uses = packages_of(asked.shared, subject.folder, asked.today)
    for use in uses:
        label = asked.shared.services[use.purchase.service].name
        more = any(o.purchase.service == use.purchase.service and o.state == "active" and o is not use for o in uses)
        about = partial(item, subject, refs=(use.purchase.id or use.purchase.service,), label=label)
        soon = use.expires is not None and use.expires <= asked.today + AHEAD
        if use.state == "active" and (soon or (use.left == 1 and not more)):
            yield about("package_ends", count=use.left, day=use.expires, days=use.days_left(asked.today))
        elif use.state == "expired" and use.left and use.expires and use.expires > asked.today - WEEK:
            yield about("package_expired", count=use.left, day=use.expires, amount=use.unused)
