"""The weekly review in plain sentences: what is so, what to do, and the command for it (domain M15). English only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import msgspec

from portalgen.desk.wording import amount_of, day_words, many
from portalgen.rules.escalation import Escalated, Pause, Stage
from portalgen.rules.review import Item, Name

TITLES: Mapping[Name, str] = {
    "due": "Due this week",
    "overdue": "Past due",
    "to_bill": "To be billed",
    "recurring": "Invoices that return",
    "drafts": "Not issued yet",
    "unallocated": "Money that pays for nothing yet",
    "ahead": "Paid ahead",
    "agreements": "Agreements",
    "follow_ups": "To follow up",
    "rebooking": "Nothing planned",
    "check_ins": "Check-ins",
    "estimates": "Estimates",
    "new_clients": "New clients",
    "links": "Links",
    "practice": "Your practice",
}


class Said(msgspec.Struct, frozen=True):
    """An item in words. `command` is empty where no command does it.

    `beside` is what remains of `todo` for who has a form that does the rest; None where that is all of it.
    """

    text: str
    todo: str
    command: str = ""
    beside: str | None = None


def said(item: Item, today: dt.date) -> Said:
    """What an item says on a day. The client's name stands before it, and is not repeated."""
    words = _WORDS[item.code](item, today)
    if not item.silent or item.code == "overdue":
        return words
    silent = "They are not to be contacted."
    beside = None if words.beside is None else f"{words.beside} {silent}".strip()
    return msgspec.structs.replace(words, todo=f"{words.todo} {silent}".strip(), beside=beside)


def _ago(item: Item) -> str:
    return {0: "today", 1: "yesterday"}.get(item.days or 0, f"{item.days} days ago")


def _log(item: Item) -> str:
    return f"content/clients/{item.client}/log.yaml"


def _record(item: Item) -> str:
    return f"content/clients/{item.client}/client.yaml"


# --- money --------------------------------------------------------------------------------------------


def _link(item: Item) -> str:
    return f"portalgen links {item.client} --invoice {item.refs[0]}"


def _coming(item: Item) -> str:
    return f" {amount_of(item.pending)} is on its way." if item.pending else ""


def all_coming(item: Item) -> bool:
    """Whether all that is asked for is on its way."""
    return bool(item.pending and item.amount and item.pending.amount >= item.amount.amount)


def _due(item: Item, today: dt.date) -> Said:
    when = "today" if item.day == today else f"on {day_words(item.day, today)}"
    text = f"{amount_of(item.amount)} of {item.label} is due {when}.{_coming(item)}"
    if all_coming(item):
        payments = f"content/clients/{item.client}/payments.yaml"
        return Said(text, f"Look whether it has come, then write status: cleared in {payments}.")
    return Said(text, "If they have not got it yet, send the link.", _link(item))


def _grace(item: Item, today: dt.date) -> Said:
    text = (
        f"{amount_of(item.amount)} of {item.label} was due on {day_words(item.day, today)}, "
        f"with days of grace until {day_words(item.other_day, today)}.{_coming(item)}"
    )
    return Said(text, "Nothing yet: wait for the days of grace.")


_STEPS: Mapping[Stage, str] = {
    "reminder": "Send a friendly reminder with the link",
    "request": "Send a formal request to pay",
    "final": "Send the last request",
    "demand": "Write the demand letter",
    "legal": "Decide about legal steps, with advice",
}
_NAMES: Mapping[Stage, str] = {
    "reminder": "a reminder",
    "request": "a formal request",
    "final": "the last request",
    "demand": "the demand letter",
    "legal": "legal steps",
}


def _paused(ladder: Escalated, pause: Pause, today: dt.date) -> str:
    return {
        "promise": f"they promised to pay by {day_words(ladder.promised, today)}",
        "dispute": "it is being discussed",
        "plan": "it is paid in parts, so speak about the plan first",
        "do_not_contact": "they are not to be contacted",
        "legal_hold": "there is a legal hold",
        "minimum_amount": "it is less than your terms ask for again",
    }[pause]


def _overdue(item: Item, today: dt.date) -> Said:
    ladder = item.ladder
    assert ladder is not None
    late = f"{many(item.days, 'day')} past due (it was due on {day_words(item.day, today)})"
    text = f"{amount_of(item.amount)} of {item.label} is {late}.{_coming(item)}"
    if item.discussed:
        text += f" {amount_of(item.discussed)} is being discussed."
    if ladder.done:
        text += f" The last step was {_NAMES[ladder.done]} on {day_words(ladder.done_on, today)}."
    if ladder.broken:
        text += f" They had promised to pay by {day_words(ladder.broken, today)}."
    if ladder.paused:
        reasons = " and ".join(_paused(ladder, pause, today) for pause in ladder.paused)
        return Said(text, f"Send nothing now: {reasons}.")
    step = ladder.next
    if step is None:
        return Said(text, "Your terms have no further step: decide how to go on.", _link(item))
    if not ladder.sends(today):
        return Said(text, f"Wait: {_NAMES[step.stage]} comes next, on {day_words(ladder.next_on, today)}.")
    note = f"then note it with portalgen log {item.client}, --kind {step.stage} and --invoice {item.label}."
    letter = f"portalgen letter request {item.refs[0]}"
    command = {"reminder": _link(item), "request": letter, "final": letter}.get(step.stage, "")
    first = "First look whether what is on its way has come. If not: " if all_coming(item) else ""
    do = first + _STEPS[step.stage]
    return Said(text, f"{do}, {note}", command, beside=f"{do}.")


def _unmarked(item: Item, today: dt.date) -> Said:
    count = many(item.count, "session is", "sessions are")
    text = f"{count} still planned in the past, since {day_words(item.day, today)}."
    return Said(text, f"Write what became of it as status: in content/clients/{item.client}/sessions.yaml.")


def _sessions(item: Item, today: dt.date) -> Said:
    count, since = many(item.count, "session"), day_words(item.day, today)
    sums = f": {amount_of(item.amount)}" if item.amount else ", without a fixed price"
    waiting = "waits" if item.count == 1 else "wait"
    waive = "You may still waive a fee for a missed one." if item.detail == "waivable" else ""
    text = f"{count} since {since} {waiting} to be billed{sums}."
    command = f"portalgen new invoice {item.client} --sessions unbilled"
    return Said(text, f"Make the invoice. {waive}".strip(), command, beside=waive)


def _charges(item: Item, today: dt.date) -> Said:
    waiting = "waits" if item.count == 1 else "wait"
    text = (
        f"{many(item.count, 'charge')} since {day_words(item.day, today)} {waiting} to be billed: "
        f"{amount_of(item.amount)}."
    )
    return Said(text, "Make the invoice.", f"portalgen new invoice {item.client} --charges waiting", beside="")


def _run(item: Item, today: dt.date) -> Said:
    when = "is to be made today" if item.code == "run_due" else f"was to be made on {day_words(item.day, today)}"
    command = f"portalgen new invoice {item.client} --recurring due"
    return Said(f"The invoice {item.refs[0]} {when}.", "Make it.", command, beside="")


def _draft(item: Item, today: dt.date) -> Said:
    text = f"The draft {item.label} over {amount_of(item.amount)} is not issued."
    return Said(text, "Look at it, then issue it.", f"portalgen issue {item.refs[0]}", beside="")


def _scheduled(item: Item, today: dt.date) -> Said:
    text = f"{item.label} over {amount_of(item.amount)} appears on {day_words(item.day, today)}."
    return Said(text, "Build and upload on that day.", "portalgen build")


def _unallocated(item: Item, today: dt.date) -> Said:
    text = f"You hold {amount_of(item.amount)} that pays for nothing yet."
    if item.refs:
        where = f"content/clients/{item.client}/payments.yaml"
        return Said(text, f"Name what it pays for, such as {item.refs[0]}, in allocations: of {where}.")
    return Said(text, "Keep it for the next invoice, or give it back.")


def _retainer(item: Item, today: dt.date) -> Said:
    amount = amount_of(item.amount)
    send = f"portalgen links {item.client}"
    if item.code == "retainer_low":
        text = f"The retainer holds {amount_of(item.held)}, less than agreed. {amount} fills it up again."
        return Said(text, "Ask for it: their page says so.", send)
    if item.code == "retainer_first":
        by = f" by {day_words(item.day, today)}" if item.day else ""
        return Said(f"{amount} of the retainer is to be paid{by}.", "Ask for it: their page says so.", send)
    payments = f"content/clients/{item.client}/payments.yaml"
    return Said(
        f"The work has ended, and {amount} of the retainer goes back.",
        f"Give it back, then note it in {payments} with an amount below zero and for: retainer.",
    )


def _package(item: Item, today: dt.date) -> Said:
    left = many(item.count, "session")
    if item.code == "package_expired":
        worth = f", worth {amount_of(item.amount)}" if item.amount else ""
        text = f"The package {item.label} ended on {day_words(item.day, today)} with {left} unused{worth}."
        return Said(text, f"Decide whether to lengthen it (expires: in {_record(item)}) or to give something back.")
    until = f", until {day_words(item.day, today)}" if item.day else ""
    are = "is" if item.count == 1 else "are"
    return Said(f"{left} {are} left of the package {item.label}{until}.", "Speak about what comes after it.")


# --- people -------------------------------------------------------------------------------------------


def _agreement(item: Item, today: dt.date) -> Said:
    state = {
        "agreement_open": f"“{item.label}” is not accepted.",
        "agreement_outdated": f"“{item.label}” has a version {item.detail} that is not accepted.",
        "agreement_revoked": f"“{item.label}” was taken back on {day_words(item.day, today)}.",
        "agreement_expired": f"“{item.label}” was accepted on {day_words(item.other_day, today)}; that has run out.",
        "agreement_signers": f"“{item.label}” was not accepted by everyone who signs it.",
    }[item.code]
    held = f" {many(item.count, 'session was', 'sessions were')} held since." if item.count else ""
    todo = f"Send their page, where it stands, then note the answer below accepted: in {_record(item)}."
    return Said(state + held, todo, f"portalgen links {item.client}")


def _follow_up(item: Item, today: dt.date) -> Said:
    when = f"Since {day_words(item.day, today)}" if item.days else f"On {day_words(item.day, today)}"
    when = "Today" if item.day == today else when
    todo = f"Do it, then write status: done below its entry in {_log(item)}."
    return Said(f"{when}: {item.words}", todo, beside="")


def _rebooking(item: Item, today: dt.date) -> Said:
    text = f"You last met on {day_words(item.day, today)}, {_ago(item)}"
    if item.code == "beyond_rhythm":
        text += ", longer than one and a half times your rhythm"
    text += "."
    if item.refs:
        text += f" The next session is on {day_words(item.other_day, today)}."
        return Said(text, "Offer an earlier time, if that helps.", f"portalgen links {item.client}")
    if item.other_day:
        text += f" You meant to meet about {day_words(item.other_day, today)}"
        text += f": {item.words.rstrip('.')}." if item.words else "."
    if item.detail:
        text += f" Last contact on {day_words(dt.date.fromisoformat(item.detail), today)}."
    first = item.name.split()[0]
    wording = f"“Hello {first}, shall we find a time for our next session?”"
    return Said(text, f"Ask, for example: {wording}", f"portalgen links {item.client}")


def _check_in(item: Item, today: dt.date) -> Said:
    last = f"The last one was on {day_words(item.other_day, today)}." if item.other_day else "There was none yet."
    when = "was due" if item.days else "is due"
    mail = " They have no e-mail address here." if item.detail == "no_email" else ""
    ask = f"Ask your {many(item.count, 'question')}"
    return Said(
        f"A check-in {when} on {day_words(item.day, today)}. {last}{mail}",
        f"{ask}, then note the answers in {_log(item)} with kind: check_in.",
        beside=f"{ask}.",
    )


def _new_client(item: Item, today: dt.date) -> Said:
    sent = f" {item.words} sent them." if item.words else ""
    deposit = "Ask for the deposit"
    if item.code == "no_deposit":
        text = f"You want a deposit first, and there is none yet.{sent}"
        return Said(text, f"{deposit} before you begin.", f"portalgen new invoice {item.client} --deposit AMOUNT")
    return Said(
        f"New, with neither a reference nor a deposit.{sent}",
        f"Ask for a reference or a deposit, or write your decision below risk: in {_record(item)}.",
    )


def _ending(item: Item, today: dt.date) -> Said:
    what = {
        "portal": "The link to their page",
        "person": f"The link of {item.label}",
        "invoice": f"The link of {item.label}",
        "credit-note": f"The link of the credit note {item.label}",
    }[item.detail]
    open_ = f" {amount_of(item.amount)} is still open." if item.amount else ""
    if item.code == "link_still_open":
        text = f"{what} ended on {day_words(item.day, today)}, and your site was not built since.{open_}"
        return Said(text, "Build and upload, so that it opens nothing.", "portalgen build")
    if item.code == "link_ended":
        text = f"{what} ended on {day_words(item.day, today)}.{open_}"
        return Said(text, "If they still need it, write a later day below link: and build again.", "portalgen build")
    text = f"{what} ends on {day_words(item.day, today)}.{open_}"
    return Said(text, "If they need it for longer, write a later day as expires: below link:.")


def _estimate(item: Item, today: dt.date) -> Said:
    return Said(
        f"The estimate {item.label} ends on {day_words(item.day, today)}.", "Make a new one if the work goes on."
    )


# --- practice -----------------------------------------------------------------------------------------


def _policy(item: Item, today: dt.date) -> Said:
    when = day_words(item.other_day, today)
    todo = f"Read it again; then write today as effective: in content/policies/{item.refs[0]}.md."
    return Said(f"“{item.label}” holds since {when} and is to be looked at again.", todo)


def _referral(item: Item, today: dt.date) -> Said:
    last = f"was last asked on {day_words(item.other_day, today)}" if item.other_day else "has no day of being asked"
    todo = f"Ask whether all is still true; then write checked: for {item.refs[0]} in content/referrals.yaml."
    return Said(f"{item.label} {last}.", todo)


def _licence(item: Item, today: dt.date) -> Said:
    ends = "ended" if item.day and item.day < today else "ends"
    text = f"Your licence {item.label} {ends} on {day_words(item.day, today)}."
    return Said(text, "Renew it, then write its new last day below licences: in content/site.yaml.")


def _leave(item: Item, today: dt.date) -> Said:
    first, last = day_words(item.day, today), day_words(item.other_day, today)
    begun = item.day and item.day <= today
    text = f"You are away until {last}." if begun else f"You are away from {first} to {last}."
    text += f" {many(item.count, 'session is', 'sessions are')} planned in it." if item.count else ""
    text += "" if item.words else " Nobody covers."
    cover = "" if item.words else "Say who covers, as cover: below leave: in content/site.yaml."
    return Said(text, " ".join(filter(None, ["Move what is planned." if item.count else "", cover])))


_WORDS: Mapping[str, Callable[[Item, dt.date], Said]] = {
    "due": _due,
    "grace": _grace,
    "overdue": _overdue,
    "unmarked": _unmarked,
    "sessions": _sessions,
    "charges": _charges,
    "run_missed": _run,
    "run_due": _run,
    "draft": _draft,
    "scheduled": _scheduled,
    "unallocated": _unallocated,
    "retainer_low": _retainer,
    "retainer_first": _retainer,
    "retainer_refund": _retainer,
    "package_ends": _package,
    "package_expired": _package,
    "agreement_open": _agreement,
    "agreement_outdated": _agreement,
    "agreement_revoked": _agreement,
    "agreement_expired": _agreement,
    "agreement_signers": _agreement,
    "follow_up": _follow_up,
    "not_rebooked": _rebooking,
    "beyond_rhythm": _rebooking,
    "check_in": _check_in,
    "link_ends": _ending,
    "link_ended": _ending,
    "link_still_open": _ending,
    "no_reference": _new_client,
    "no_deposit": _new_client,
    "estimate_ends": _estimate,
    "policy": _policy,
    "referral": _referral,
    "licence": _licence,
    "leave": _leave,
}
