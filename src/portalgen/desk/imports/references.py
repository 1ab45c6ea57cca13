"""Which invoices a payer's words name: every form of a reference that a payer may type, and what is nearly one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from portalgen.content.records.documents import Invoice
from portalgen.content.records.method import Method
from portalgen.content.records.payees import ascii_text, is_iban
from portalgen.rules import references

_TOKEN = re.compile(r"[A-Z0-9]+")
_BETWEEN = re.compile(r"[\s\-/._+*]{1,3}")
_PARTS = re.compile(r"[A-Z]+|[0-9]+")
_OCR = str.maketrans("OQILSBZG", "00115826")
SHORTEST = 5  # signs of a reference that counts wherever it stands; a shorter one must stand alone
_LONGEST = 35


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of the invoices that a text names. `unclear`: some words name one of several.

    `nearly` are invoices that it may mean, each with the words that are nearly its reference.
    """

    exact: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    nearly: Mapping[str, str] = {}


def forms(invoice: Invoice, methods: Iterable[Method]) -> set[str]:
    """The references under which an invoice can be paid, in capitals, without spaces and signs."""
    number, id_ = invoice.number or "", invoice.id
    found = {
        references.number_reference(number, id_),
        references.rf_reference(number, id_),
        ascii_text(number),
    }
    for method in methods:
        if method.kind == "swiss_qr":
            found.add(references.qr_reference(number, id_))
        if method.kind == "spayd":
            found.add(references.variable_symbol(number, id_))
        if method.kind == "pix":
            found.add(references.bare_reference(number, id_, 25))
        if method.reference == "ogm":
            found.add(references.ogm_reference(number, id_))
    return {_bare(form) for form in found if any(sign.isdigit() for sign in form)} - {""}


class References:
    """The references of all issued invoices."""

    def __init__(self, invoices: Iterable[Invoice], methods: Iterable[Method]) -> None:
        used = tuple(methods)
        self._keys: dict[str, set[str]] = defaultdict(set)
        for invoice in invoices:
            for form in forms(invoice, used):
                self._keys[form].add(invoice.id)
        self._unpadded: dict[str, set[str]] = defaultdict(set)
        self._blurred: dict[str, set[str]] = defaultdict(set)
        for key, ids in self._keys.items():
            self._unpadded[key.lstrip("0")] |= ids
            if len(key) >= SHORTEST:
                for text in _blurs(key):
                    self._blurred[text] |= ids

    def named(self, reference: str, text: str) -> Named:
        """The invoices that a row names by its structured reference and by its words."""
        exact: dict[str, None] = {}
        unclear: dict[str, None] = {}
        nearly: dict[str, str] = {}
        if padded := self._unpadded.get(_bare(reference).lstrip("0") or "0", set()):
            (exact if len(padded) == 1 else unclear).update(dict.fromkeys(sorted(padded)))
        for words in (reference, text):
            for ids, said, sure in self._spans(ascii_text(words).upper()):
                if not sure:
                    nearly |= {id_: said for id_ in ids if id_ not in nearly}
                elif len(ids) == 1:
                    exact |= dict.fromkeys(ids)
                else:
                    unclear |= dict.fromkeys(sorted(ids))
        return Named(
            exact=tuple(exact),
            unclear=tuple(id_ for id_ in unclear if id_ not in exact),
            nearly={id_: said for id_, said in sorted(nearly.items()) if id_ not in exact and id_ not in unclear},
        )

    def _spans(self, text: str) -> Iterator[tuple[set[str], str, bool]]:
        """Words that name invoices: their ids, the words, and whether they do so without a doubt."""
        tokens = [(found.start(), found.end()) for found in _TOKEN.finditer(text)]
        free = [True] * len(tokens)
        for first, last in _accounts(text, tokens):
            free[first : last + 1] = [False] * (last - first + 1)
        spans = [(first, last) for first, last in _joined(text, tokens) if all(free[first : last + 1])]
        matches: list[tuple[int, int, str]] = []
        taken = [not one for one in free]
        for first, last in sorted(spans, key=lambda span: (span[0] - span[1], span)):
            bare = _bare(text[tokens[first][0] : tokens[last][1]])
            whole = first == 0 and last == len(tokens) - 1
            if bare in self._keys and (len(bare) >= SHORTEST or whole) and not any(taken[first : last + 1]):
                matches.append((first, last, bare))
                taken[first : last + 1] = [True] * (last - first + 1)
        for first, last, bare in sorted(matches):
            said = text[tokens[first][0] : tokens[last][1]]
            glued = first > 0 and not taken[first - 1] and text[tokens[first - 1][1] : tokens[first][0]] in ("-", "_")
            after = last + 1 < len(tokens) and not taken[last + 1]
            glued |= after and text[tokens[last][1] : tokens[last + 1][0]] in ("-", "_")
            yield self._keys[bare], said, not glued
        for first, last in spans:
            if not any(taken[first : last + 1]):
                said = text[tokens[first][0] : tokens[last][1]]
                if ids := self._near(_bare(said)):
                    yield ids, said, False

    def _near(self, bare: str) -> set[str]:
        """The invoices whose reference differs by what a hand or a scanner gets wrong, or stands next to letters."""
        if len(bare) < SHORTEST or not any(sign.isdigit() for sign in bare):
            return set()
        parts = _PARTS.findall(bare)
        tails = {"".join(parts[n:]) for n in range(1, len(parts))} | {"".join(parts[:n]) for n in range(1, len(parts))}
        found = {id_ for tail in tails if len(tail) >= SHORTEST for id_ in self._keys.get(tail, ())}
        return found.union(*(self._blurred.get(text, ()) for text in _blurs(bare)))


def _bare(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _blurs(key: str) -> Iterator[str]:
    """What a reference is like: itself as a scanner reads it, and, if it is long, with at most one sign left out."""
    yield f"~{key.translate(_OCR)}"
    if len(key) > SHORTEST:
        yield f"-{key}"
        yield from (f"-{key[:n]}{key[n + 1 :]}" for n in range(len(key)))


def _joined(text: str, tokens: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Words that may be one reference: each alone, and with the next ones while only spaces and signs are between."""
    for first in range(len(tokens)):
        length = 0
        for last in range(first, len(tokens)):
            length += tokens[last][1] - tokens[last][0]
            if length > _LONGEST or (
                last > first and not _BETWEEN.fullmatch(text[tokens[last - 1][1] : tokens[last][0]])
            ):
                break
            yield first, last


def _accounts(text: str, tokens: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The words that are the number of an account (IBAN), whose digits name nothing."""
    for first, last in _joined(text, tokens):
        bare = _bare(text[tokens[first][0] : tokens[last][1]])
        if len(bare) >= 15 and re.match(r"[A-Z]{2}\d\d", bare) and is_iban(bare):
            yield first, last
