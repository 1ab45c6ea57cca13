"""What the line of a late fee says to its reader: the invoice that was late, and how the fee is worked out."""

from __future__ import annotations

from portalgen.rules.late import LateFee, Step
from portalgen.rules.money import Money, total
from portalgen.site.sheet_words import LETTER, UNSEEN, Words

MOST = 4
"""How many steps a line tells one by one."""


def fee_words(fee: LateFee, number: str, words: Words) -> str:
    """One sentence, as a file holds it: without the marks that papers need."""
    summed = Money(total(step.amount.amount for step in fee.steps), fee.amount.currency)
    if len(fee.steps) > MOST:
        told = [words.say(LETTER, "fee_steps", summed, fee.steps[0].start, fee.steps[-1].end)]
    else:
        told = [_step(step, fee.terms.late.kind, words) for step in fee.steps]
    if fee.bounded.amount != summed.amount:
        told.append(words.say(LETTER, "fee_least" if fee.bounded.amount > summed.amount else "fee_most", fee.bounded))
    if fee.recovery.amount:
        told.append(words.say(LETTER, "fee_recovery", fee.recovery))
    if fee.charged.amount:
        told.append(words.say(LETTER, "fee_charged", fee.charged))
    return words.say(LETTER, "fee_line", number, "; ".join(told)).translate(UNSEEN)


def _step(step: Step, kind: str, words: Words) -> str:
    macros = {"flat": "fee_flat", "percent": "fee_percent", "annual_interest": "fee_interest"}
    return words.say(LETTER, macros[kind], step)
