"""What is wrong in a file is told with its place and with what to write instead, and nothing is published.

Each case is a small site with one mistake. `‸` stands in its text where the problem must point; it is taken out before
the file is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import ACKNOWLEDGE, DEMO_DAY, MINIMAL, MINIMAL_CLIENT, invoke, minimal_site

CARET = "‸"
ANA = "content/clients/ana/"
CLIENT, INVOICE, TERMS = ANA + "client.yaml", ANA + "invoices/2026-0001.yaml", "content/terms/net14.yaml"
SITE, HOME, SERVICE = "content/site.yaml", "content/pages/home.md", "content/services/talk.md"
SESSIONS, PAYMENTS, LOG = ANA + "sessions.yaml", ANA + "payments.yaml", ANA + "log.yaml"

GOOD: Mapping[str, str] = {
    **MINIMAL,
    **MINIMAL_CLIENT,
    SERVICE: "---\nname: Talk\nprice: 60.00\n---\nWe talk.\n",
    "content/static/room.txt": "A room.\n",
}


class Case(NamedTuple):
    """One mistake: `files` are laid over `GOOD` (None takes a file away), the problem must have `code` and `says`."""

    name: str
    files: Mapping[str, str | bytes | None]
    code: str
    says: str
    path: str = ""  # where no file has the caret: the beginning of this one
    line: int = 1
    column: int = 1


def changed(path: str, old: str, new: str) -> dict[str, str | bytes | None]:
    """The good file with one thing changed."""
    assert old in GOOD[path], f"{old!r} is not in {path}"
    return {path: GOOD[path].replace(old, new, 1)}


def added(path: str, text: str) -> dict[str, str | bytes | None]:
    """The good file with more at its end."""
    return {path: GOOD[path] + text}


def session(fields: str) -> dict[str, str | bytes | None]:
    return {SESSIONS: "- id: first\n  start: 2026-12-01T10:00+00:00\n" + textwrap.indent(fields, "  ")}


def payment(fields: str) -> dict[str, str | bytes | None]:
    head = "- id: p1\n  date: 2026-11-10\n  currency: EUR\n  method: cash\n"
    return {PAYMENTS: head + textwrap.indent(fields, "  ")}


LINES = "  - {description: Session, quantity: 2, unit_price: 60.00}\n"
SECOND = GOOD[INVOICE].replace("2026-0001", "2026-0002")
CHARGE = "charges: [{date: 2026-11-01, description: Book, amount: ‸-5.00}]\n"
PARTS = "due: ‸2026-12-01\nschedule: [{due: 2026-12-01, percent: 50}, {due: 2027-01-01, rest: true}]\n"
BEN = {"content/clients/ben/client.yaml": "id: ben\nname: {display: Ben}\n"}
DEEP = "".join("  " * n + f"k{n}:\n" for n in range(101)) + "  " * 101 + "x: y\n"

CASES = [
    # keys
    Case("unknown key", changed(INVOICE, "quantity", "‸quantitiy"), "unknown-key", "did you mean 'quantity'?"),
    Case("unknown key of the site", changed(SITE, "  email:", "  ‸emial:"), "unknown-key", "did you mean 'email'?"),
    Case("unknown key, nothing like it", added(CLIENT, "‸shoe_size: 43\n"), "unknown-key", "the keys here are"),
    Case("key in capitals", added(CLIENT, "‸Phone: +353 91 555 0123\n"), "unknown-key", "did you mean 'phone'?"),
    Case("id in front matter", changed(HOME, "title", "‸id: home\ntitle"), "unknown-key", "take this line away"),
    Case("client in an invoice", added(INVOICE, "‸client: ana\n"), "unknown-key", "take this line away"),
    Case("comma in braces", added(CLIENT, "preferences:\n  - {text: Quiet, ‸no music}\n"), "unknown-key", "in quotes"),
    Case("missing key", changed(CLIENT, "id: ana\nname: {display: Ana Horvat}", "‸id: ana"), "missing-key", "'name'"),
    Case("missing key in a part", changed(SITE, "{line1: 4 Canal Lane, ", "‸{"), "missing-key", "'line1'"),
    Case("missing key in front matter", changed(SERVICE, "name: Talk\nprice", "‸price"), "missing-key", "'name'"),
    Case(
        "required key without value", changed(CLIENT, "name: {display: Ana Horvat}", "‸name:"), "missing-key", "'name'"
    ),
    Case("empty file", {HOME: "---\n---\n"}, "missing-key", "'title'", HOME),
    Case("entry without its keys", {SESSIONS: "- ‸id: first\n  service: talk\n"}, "missing-key", "'start'"),
    # shapes
    Case("text for a list", changed(TERMS, "[cash]", "‸cash"), "wrong-type", "write [cash]"),
    Case("mapping for a list", changed(INVOICE, LINES, "  ‸description: Session\n"), "wrong-type", "put '- '"),
    Case("text for a mapping", changed(CLIENT, "{display: Ana Horvat}", "‸Ana Horvat"), "wrong-type", "{display: …}"),
    Case("list for a mapping", changed(CLIENT, "{display: Ana Horvat}", "‸[Ana]"), "wrong-type", "this is a list"),
    Case("list for a text", changed(TERMS, "Two weeks", "‸[Two, weeks]"), "wrong-type", "write one value"),
    Case("mapping for a text", changed(TERMS, "Two weeks", "‸{two: weeks}"), "wrong-type", "keys of its own"),
    Case("list for a file", {CLIENT: "‸- id: ana\n"}, "wrong-type", "this is a list"),
    Case("mapping for a list file", {SESSIONS: "‸id: first\n"}, "wrong-type", "a list is wanted"),
    Case("null for a list file", {PAYMENTS: "‸null\n"}, "wrong-type", "write []"),
    Case("text for a file", {CLIENT: "‸ana\n"}, "wrong-type", "keys with values are wanted"),
    Case("empty entry", changed(INVOICE, LINES, LINES + "  -‸\n"), "empty-entry", "there is no value here"),
    # scalars
    Case("comma for a point", changed(INVOICE, "60.00", "‸'12,50'"), "bad-value", "write 12.50"),
    Case("thousands", changed(INVOICE, "60.00", '‸"1,200.00"'), "bad-value", "write 1200.00"),
    Case("not a number", changed(INVOICE, "60.00", "‸NaN"), "bad-value", "'NaN' is not a price"),
    Case("infinite", changed(INVOICE, "quantity: 2", "quantity: ‸.inf"), "bad-value", "is not a quantity"),
    Case("exponent", changed(INVOICE, "60.00", "‸1e3"), "bad-value", "is not a price"),
    Case("negative price", changed(INVOICE, "60.00", "‸-5"), "bad-value", "below zero"),
    Case("seven decimals", changed(INVOICE, "60.00", "‸0.1234567"), "bad-value", "at most 6 decimals"),
    Case("currency in the amount", changed(INVOICE, "60.00", "‸€60"), "bad-value", "digits and a point"),
    Case("day first", changed(INVOICE, "2026-11-02", "‸31.12.2026"), "bad-value", "write 2026-12-31"),
    Case("no such day", changed(INVOICE, "2026-11-02", "‸31.02.2026"), "bad-value", "not in the calendar"),
    Case("no such day in the right form", changed(INVOICE, "2026-11-02", "‸2026-02-31"), "bad-value", "no day"),
    Case("date and time", changed(INVOICE, "2026-11-02", "‸2026-11-02T10:00"), "bad-value", "is not a date"),
    Case(
        "time without offset",
        {SESSIONS: "- id: a\n  start: ‸2026-12-01 10:00\n  service: talk\n"},
        "bad-value",
        "offset",
    ),
    Case("yes for true", added(CLIENT, "publish: ‸yes\n"), "bad-value", "write true"),
    Case("percent over 100", changed(INVOICE, "quantity: 2", "discount: {percent: ‸101}"), "bad-value", "0 to 100"),
    Case("percent sign", changed(INVOICE, "quantity: 2", "discount: {percent: ‸5%}"), "bad-value", "write 5"),
    Case("country", changed(SITE, "country: IE\n  currency", "country: ‸UK\n  currency"), "bad-value", "write GB"),
    Case(
        "Norway stays a country", changed(CLIENT, "email", "country: NO\nlanguage: ‸NO\nemail"), "bad-value", "language"
    ),
    Case("currency", changed(SITE, "EUR", "‸Euro"), "bad-value", "three letters"),
    Case("language", changed(SITE, "language: en", "language: ‸english"), "bad-value", "en, de or pt-BR"),
    Case("time zone", changed(SITE, "Europe/Dublin", "‸Dublin"), "bad-value", "Europe/Dublin"),
    Case("e-mail", changed(CLIENT, "ana@client.example", "‸ana at client.example"), "bad-value", "ana@example.org"),
    Case("phone", added(CLIENT, "phone: ‸call me\n"), "bad-value", "is not a phone number"),
    Case(
        "base_url", changed(SITE, "https://practice.example/", "‸practice.example"), "bad-value", "starting with https"
    ),
    Case("javascript address", session("service: talk\nvideo_url: ‸javascript:alert(1)\n"), "bad-value", "https://"),
    Case("word not known", added(CLIENT, "status: ‸activ\n"), "bad-choice", "did you mean 'active'?"),
    Case("rule not known", changed(TERMS, "net 14", "‸promptly"), "bad-value", "net 14"),
    Case("colour", added(SITE, "theme: {colours: {accent: ‸green}}\n"), "bad-value", "#2f5d50"),
    Case("span", added(CLIENT, "rhythm: {every: ‸4 weeks}\n"), "bad-value", "10d, 2w, 6m or 1y"),
    Case(
        "hour",
        changed(SITE, "  methods", "  hours: [{day: mon, from: 09:00, to: ‸25:00}]\n  methods"),
        "bad-value",
        "09:30",
    ),
    Case(
        "weekday",
        changed(SITE, "  methods", "  hours: [{day: ‸Monday, from: 09:00, to: 10:00}]\n  methods"),
        "bad-choice",
        "mon",
    ),
    Case("day far ahead", changed(INVOICE, "2026-11-02", "‸9999-12-30"), "bad-value", "from 1900 to 2199"),
    Case("day long ago", added(INVOICE, "due: ‸0001-01-02\n"), "bad-value", "from 1900 to 2199"),
    Case(
        "moment long ago",
        {SESSIONS: "- id: a\n  start: ‸0001-01-01T00:00+14:00\n  service: talk\n"},
        "bad-value",
        "from 1900 to 2199",
    ),
    Case(
        "end far ahead",
        added(CLIENT, "status: ended\nended: {date: ‸9999-12-31, referrals: none, reason_public: Done}\n"),
        "bad-value",
        "from 1900 to 2199",
    ),
    Case(
        "leave far ahead",
        changed(SITE, "  methods", "  leave: [{from: 2026-12-01, to: ‸9999-12-31}]\n  methods"),
        "bad-value",
        "from 1900 to 2199",
    ),
    Case("span of centuries", added(CLIENT, "rhythm: {every: ‸999y}\n"), "bad-value", "write at most 20y"),
    Case("span of many days", added(CLIENT, "rhythm: {every: ‸7301d}\n"), "bad-value", "write at most 7300d"),
    Case(
        "more than an address",
        changed(CLIENT, "ana@client.example", "‸ana@client.example?bcc=b@client.example"),
        "bad-value",
        "is not an e-mail address",
    ),
    Case(
        "e-mail of a colleague",
        {"content/referrals.yaml": "- {id: bo, name: Bo, email: ‸call me}\n"},
        "bad-value",
        "is not an e-mail address",
    ),
    Case(
        "country of a colleague",
        {"content/referrals.yaml": "- {id: bo, name: Bo, address: {country: ‸Ireland}}\n"},
        "bad-value",
        "for example IE",
    ),
    Case(
        "placeholder nobody fills in",
        changed(SITE, "kind: cash,", "kind: url, url: ‸'https://pay.example/{sum}',"),
        "bad-value",
        "{amount}, {currency} or {reference}",
    ),
    Case(
        "space in an address to pay at",
        changed(SITE, "kind: cash,", "kind: url, url: ‸'https://pay.example/a b',"),
        "bad-value",
        "is not a web address",
    ),
    Case(
        "insecure address to pay at",
        changed(SITE, "kind: cash,", "kind: url, url: ‸'http://pay.example/',"),
        "bad-value",
        "starting with https://",
    ),
    Case(
        "placeholder where none is filled in",
        session("service: talk\nvideo_url: ‸'https://video.example/{amount}'\n"),
        "bad-value",
        "is not a web address",
    ),
    Case(
        "cashtag",
        changed(SITE, "kind: cash,", "kind: cash_app, handle: ‸mira/9999,"),
        "bad-value",
        "letters and digits, at most 20",
    ),
    Case("negative charge", added(CLIENT, CHARGE), "bad-value", "below zero"),
    Case("price of a service", changed(SERVICE, "60.00", "‸sixty"), "bad-value", "free, on_request"),
    Case("empty text", changed(TERMS, "Two weeks", '‸""'), "bad-value", "empty"),
    Case("iban", changed(SITE, "kind: cash", "kind: bank_sepa, iban: ‸DE00123"), "bad-value", "is not an IBAN"),
    # between fields
    Case("nothing to invoice", changed(INVOICE, LINES, "  ‸[]\n"), "too-few", "add a line"),
    Case("unlisted without a word", changed(SITE, ACKNOWLEDGE, "‸yes"), "not-acknowledged", "I accept that my host"),
    Case(
        "issued without number", changed(INVOICE, "number: 2026-0001\nissued: ", "issued: ‸"), "missing-key", "'number'"
    ),
    Case("due and parts", added(INVOICE, PARTS), "one-of", "the parts say when to pay"),
    Case(
        "bill for who may not see it",
        {
            **added(CLIENT, "contacts: [{id: mum, name: Eva, role: parent, scope: appointments}]\n"),
            **added(INVOICE, "bill_to: ‸mum\n"),
        },
        "payer-scope",
        "scope: billing",
    ),
    Case("due before issue", added(INVOICE, "due: ‸2026-11-01\n"), "bad-order", "a later day"),
    Case(
        "percent and amount",
        changed(INVOICE, "quantity: 2", "discount: ‸{percent: 5, amount: 5}"),
        "one-of",
        "write one of",
    ),
    Case("tax without rate", changed(INVOICE, "quantity: 2", "tax: {category: ‸S}"), "tax-rate", "add rate:"),
    Case(
        "allocated more than paid",
        payment("amount: 10\nallocations: ‸[{invoice: 2026-0001, amount: 11}]\n"),
        "over-allocated",
        "at most what was paid",
    ),
    Case(
        "regulated, no crisis line",
        changed(SITE, "  name: Quiet Room", "  ‸name: Quiet Room\n  regulated: true"),
        "no-crisis-line",
        "add crisis:",
    ),
    Case("ended without saying how", added(CLIENT, "status: ‸ended\n"), "missing-key", "add ended:"),
    Case(
        "photo without words", changed(HOME, "summary", "photo: ‸static/room.txt\nsummary"), "missing-alt", "photo_alt"
    ),
    # ids
    Case("id in capitals", changed(TERMS, "net14", "‸Net14"), "bad-id", "write 'net14'"),
    Case("id unlike the file", changed(TERMS, "net14", "‸net15"), "id-mismatch", "write id: net14"),
    Case("id unlike the folder", changed(CLIENT, "id: ana", "id: ‸anna"), "id-mismatch", "the folder is called 'ana'"),
    Case(
        "file name that is no id",
        {"content/policies/My Policy.md": "---\n‸title: T\nkind: other\neffective: 2026-01-01\n---\nText.\n"},
        "bad-id",
        "rename it to 'my-policy'",
    ),
    Case(
        "entry id twice",
        {
            SESSIONS: "- {id: a, start: 2026-12-01T10:00Z, service: talk}\n"
            "- {id: ‸a, start: 2026-12-02T10:00Z, service: talk}\n"
        },
        "duplicate-id",
        "another id",
    ),
    Case(
        "method twice",
        changed(SITE, "    - {id: cash,", "    - {id: cash, kind: cash, label: Coins}\n    - {id: ‸cash,"),
        "duplicate-id",
        "give one of them another id",
    ),
    Case(
        "letter twice",
        {"content/letters/sorry.md": "Sorry.\n", "content/letters/repair/sorry.md": "Sorry.\n"},
        "duplicate-id",
        "content/letters/",
        "content/letters/sorry.md",
    ),
    Case(
        "invoice id at two clients",
        {
            **BEN,
            "content/clients/ben/invoices/2026-0001.yaml": GOOD[INVOICE]
            .replace("id: ", "id: ‸")
            .replace("number: 2026-0001\nissued: 2026-11-02\n", ""),
        },
        "duplicate-id",
        INVOICE,
    ),
    Case(
        "number twice",
        {ANA + "invoices/2026-0002.yaml": SECOND.replace("number: 2026-0002", "number: ‸2026-0001")},
        "duplicate-number",
        INVOICE,
    ),
    # references
    Case("no such terms", changed(CLIENT, "net14", "‸net41"), "dead-reference", "did you mean 'net14'?"),
    Case("no such service", session("service: ‸walk\n"), "dead-reference", "there is no service 'walk'"),
    Case("service in rates", added(CLIENT, "rates:\n  ‸walk: 40\n"), "dead-reference", "there is no service 'walk'"),
    Case("no such method", changed(TERMS, "[cash]", "[‸cassh]"), "dead-reference", "did you mean 'cash'?"),
    Case(
        "no such invoice",
        payment("amount: 10\nallocations:\n  - {invoice: ‸2026-0009, amount: 10}\n"),
        "dead-reference",
        "2026-0001",
    ),
    Case(
        "another client's invoice",
        {
            **BEN,
            "content/clients/ben/payments.yaml": "- {id: p, date: 2026-11-10, amount: 1, currency: EUR, method: cash,\n"
            "   allocations: [{invoice: ‸2026-0001, amount: 1}]}\n",
        },
        "dead-reference",
        "belongs to the client 'ana'",
    ),
    Case("no such contact", added(CLIENT, "payer: ‸mother\n"), "dead-reference", "there is no contact 'mother'"),
    Case(
        "no such session",
        {LOG: "- {at: 2026-11-10T10:00Z, channel: email, direction: in, summary: Hi, session: ‸first}\n"},
        "dead-reference",
        "there is no session 'first'",
    ),
    Case(
        "no such referral",
        added(CLIENT, "status: ended\nended:\n  date: 2026-11-01\n  referrals: [‸bo]\n"),
        "dead-reference",
        "content/referrals.yaml",
    ),
    Case(
        "no such policy",
        changed(SERVICE, "name", "cancellation: ‸late\nname"),
        "dead-reference",
        "content/policies/late.md",
    ),
    Case(
        "no such client",
        changed(SITE, "label: Cash", "label: Cash, for_clients: [‸anna]"),
        "dead-reference",
        "did you mean 'ana'?",
    ),
    Case(
        "no such picture",
        changed(HOME, "summary", "photo_alt: A room\nphoto: ‸static/Room.txt\nsummary"),
        "missing-asset",
        "static/room.txt",
    ),
    Case(
        "no such attachment",
        added(INVOICE, "attachments: [{file: ‸plan.pdf}]\n"),
        "missing-asset",
        ANA + "files/plan.pdf",
    ),
    # YAML
    Case("key twice", changed(CLIENT, "terms", "‸email: b@client.example\nterms"), "duplicate-key", "keep one of them"),
    Case("key twice deep down", changed(SITE, "city: Dublin", "city: Dublin, ‸city: Cork"), "duplicate-key", "'city'"),
    Case("anchor", changed(CLIENT, "{display", "‸&name {display"), "alias", "write the value out"),
    Case("alias", changed(TERMS, "[cash]", "‸*all"), "alias", "anchors and aliases"),
    Case("tag", changed(TERMS, "Two weeks", "‸!!str Two weeks"), "tag", "tags (!)"),
    Case("python tag", changed(TERMS, "Two weeks", "‸!!python/name:os.system Two weeks"), "tag", "tags (!)"),
    Case("merge key", changed(CLIENT, "terms", "‸<<: {terms: net14}\nterms"), "merge-key", "write the keys out"),
    Case("list as key", changed(CLIENT, "terms", "? ‸[a, b]\n: c\nterms"), "bad-key", "write the key as text"),
    Case("two documents", added(CLIENT, "‸---\nid: ben\n"), "several-documents", "---"),
    Case("too deep", {CLIENT: DEEP}, "too-deep", "100 levels", CLIENT, 101, 201),
    Case("tab", changed(CLIENT, "email", "rhythm:\n‸\tevery: 4w\nemail"), "yaml", "use spaces"),
    Case("colon in a text", changed(TERMS, "Two weeks", "Two weeks‸: or less"), "yaml", "in quotes"),
    Case("quotation mark left open", changed(TERMS, "Two weeks", '‸"Two weeks'), "yaml", "close it"),
    Case("bracket left open", changed(TERMS, "[cash]\n", "[cash\n‸"), "yaml", "]"),
    Case("wrong indentation", changed(CLIENT, "email", " ‸email"), "yaml", "where the line before it begins"),
    Case("escaped NUL", changed(TERMS, "Two weeks", '‸"Two\\0weeks"'), "control-character", "without it"),
    # front matter
    Case("front matter left open", {HOME: "‸---\ntitle: Home\nA room.\n"}, "front-matter", "never closed"),
    Case("no front matter", {HOME: "‸A room to think in.\n"}, "front-matter", "title: …"),
    Case("front matter too late", {HOME: "\n‸---\ntitle: Home\n---\nA room.\n"}, "front-matter", "first line"),
    Case(
        "front matter that is no YAML",
        {HOME: "---\ntitle: Home\nsummary: A room‸: quiet\n---\nA room.\n"},
        "yaml",
        "in quotes",
    ),
    Case(
        "plan with a broken head", {ANA + "plan.md": "---\nupdated: ‸soon\n---\nNext.\n"}, "bad-value", "is not a date"
    ),
    # bytes
    Case(
        "Windows-1252",
        {HOME: "---\ntitle: Café\n---\n".encode("cp1252")},
        "bad-encoding",
        "Windows-1252 or Latin-1 (byte 14)",
        HOME,
        2,
        11,
    ),
    Case("UTF-16 without a mark", {HOME: GOOD[HOME].encode("utf-16-le")}, "control-character", "UTF-16", HOME, 1, 2),
    Case(
        "UTF-16, the other way",
        {CLIENT: b"\xfe\xff" + GOOD[CLIENT].encode("utf-16-be")},
        "bad-encoding",
        "byte 0",
        CLIENT,
    ),
    Case("UTF-32", {CLIENT: GOOD[CLIENT].encode("utf-32")}, "bad-encoding", "UTF-32, not in UTF-8 (byte 0)", CLIENT),
    Case(
        "Latin-1",
        {CLIENT: GOOD[CLIENT].replace("Ana", "An\xe1").encode("latin-1")},
        "bad-encoding",
        "byte 26",
        CLIENT,
        2,
        19,
    ),
    Case(
        "old Mac",
        {CLIENT: GOOD[CLIENT].replace("Ana", "An\xe1").encode("mac-roman")},
        "bad-encoding",
        "byte 26",
        CLIENT,
        2,
        19,
    ),
    Case(
        "cut in a letter", {CLIENT: GOOD[CLIENT].encode() + b"notes: \xe2\x82"}, "bad-encoding", "byte 82", CLIENT, 5, 8
    ),
    Case("escaped surrogate", changed(TERMS, "Two weeks", '"Two\\u‸D800weeks"'), "yaml", ""),
    Case("UTF-16", {HOME: GOOD[HOME].encode("utf-16")}, "bad-encoding", "UTF-16", HOME),
    Case("lone surrogate", {HOME: b"---\ntitle: \xed\xa0\x80\n---\n"}, "bad-encoding", "surrogate", HOME, 2, 8),
    Case("NUL", {HOME: "---\ntitle: Ho‸\0me\n---\n"}, "control-character", "NUL"),
    Case(
        "conflict marker",
        {HOME: "---\ntitle: Home\n---\n‸<<<<<<< HEAD\nA\n=======\nB\n>>>>>>> other\n"},
        "conflict-marker",
        "git left a conflict",
    ),
    Case("too large", {HOME: GOOD[HOME] + "x" * 2_000_000}, "too-large", "2 MB", HOME),
    # names and places
    Case(
        "unknown folder",
        {"content/servics/talk.md": "x"},
        "unknown-file",
        "did you mean 'services/'?",
        "content/servics",
    ),
    Case(
        "unknown file", {"content/sitee.yaml": "x"}, "unknown-file", "did you mean 'site.yaml'?", "content/sitee.yaml"
    ),
    Case("other ending", {"content/services/walk.txt": "x"}, "unknown-file", "walk.md", "content/services/walk.txt"),
    Case("yml", {ANA + "client.yml": "x"}, "unknown-file", "client.yaml", ANA + "client.yml"),
    Case(
        "client as a file",
        {"content/clients/ben.yaml": "x"},
        "unknown-file",
        "ben/client.yaml",
        "content/clients/ben.yaml",
    ),
    Case(
        "no client.yaml",
        {ANA[:-4] + "ben/plan.md": "x"},
        "missing-file",
        "no client.yaml",
        "content/clients/ben/client.yaml",
    ),
    Case("no site.yaml", {SITE: None}, "missing-file", "portalgen init", SITE),
    Case("conflict copy", {ANA + "client (1).yaml": "x"}, "conflict-copy", "delete the copy", ANA + "client (1).yaml"),
    Case(
        "conflict copy by date",
        {ANA + "client-conflict-20261101.yaml": "x"},
        "conflict-copy",
        "compare",
        ANA + "client-conflict-20261101.yaml",
    ),
    Case(
        "Syncthing's copy",
        {ANA + "invoices/a.sync-conflict-20261101-1.yaml": "x"},
        "conflict-copy",
        "compare",
        ANA + "invoices/a.sync-conflict-20261101-1.yaml",
    ),
    Case(
        "Dropbox's copy",
        {ANA + "log (Mira's conflicted copy).yaml": "x"},
        "conflict-copy",
        "compare",
        ANA + "log (Mira's conflicted copy).yaml",
    ),
    *(
        Case(f"copy of a client's file: {name}", {path: "x"}, "conflict-copy", "delete the copy", place)
        for name, path, place in (
            ("counted", ANA + "client (2).yaml", ANA + "client (2).yaml"),
            ("Dropbox", *[ANA + "client (conflicted copy 2026-11-01).yaml"] * 2),
            ("Dropbox by name", *[ANA + "client (Mira's conflicted copy 2026-11-01).yaml"] * 2),
            ("Syncthing", *[ANA + "client.sync-conflict-20261101-120000-ABCDEFG.yaml"] * 2),
            ("Nextcloud", *[ANA + "payments (conflicted copy 2026-11-01 120000).yaml"] * 2),
            ("Windows", *[ANA + "plan - Copy.md"] * 2),
            ("macOS", *[ANA + "client copy 2.yaml"] * 2),
            ("an invoice", *[ANA + "invoices/2026-0001 (1).yaml"] * 2),
            ("a folder", "content/clients/ana (1)/client.yaml", "content/clients/ana (1)"),
            ("a folder on Windows", "content/clients/ana - Copy/client.yaml", "content/clients/ana - Copy"),
            ("a folder on macOS", "content/clients/ana copy/client.yaml", "content/clients/ana copy"),
        )
    ),
    Case("reserved name", {"content/static/con.txt": "x"}, "bad-name", "Windows", "content/static/con.txt"),
    Case("reserved page", {"content/pages/nul.md": "x"}, "bad-name", "Windows", "content/pages/nul.md"),
    Case("reserved client", {"content/clients/com1/client.yaml": "x"}, "bad-name", "Windows", "content/clients/com1"),
    Case("percent name", {"content/static/a%2e%2e.txt": "x"}, "bad-name", "percent", "content/static/a%2e%2e.txt"),
    Case("backslash", {"content/static/a\\b.txt": "x"}, "bad-name", "backslash", "content/static/a\\b.txt"),
    Case("drive", {"content/static/C:a.txt": "x"}, "bad-name", "Windows", "content/static/C:a.txt"),
    Case("control character", {"content/static/a\nb.txt": "x"}, "bad-name", "invisible", "content/static/a\nb.txt"),
    Case(
        "turned name", {"content/static/a\u202etxt.exe": "x"}, "bad-name", "invisible", "content/static/a\u202etxt.exe"
    ),
    Case("dot at the end", {"content/static/a.": "x"}, "bad-name", "ends in a dot", "content/static/a."),
    Case("space at the end", {ANA + "files/a.pdf ": "x"}, "bad-name", "ends in a space", ANA + "files/a.pdf "),
    Case("twins by case", {"content/static/ROOM.txt": "x"}, "bad-name", "ignore case", "content/static/room.txt"),
    Case(
        "twins by form",
        {"content/static/caf\u00e9": "x", "content/static/cafe\u0301": "x"},
        "bad-name",
        "one name",
        "content/static/caf\u00e9",
    ),
    Case(
        "out of static",
        changed(HOME, "summary", "photo_alt: A\nphoto: ‸static/../site.yaml\nsummary"),
        "bad-path",
        "static/NAME",
    ),
    Case(
        "absolute path",
        changed(HOME, "summary", "photo_alt: A\nphoto: ‸/etc/passwd\nsummary"),
        "bad-path",
        "static/NAME",
    ),
    *(
        Case(f"attachment {name}", added(INVOICE, f"attachments: [{{file: ‸{written}}}]\n"), code, says)
        for name, written, code, says in (
            ("above", "'../../ben/files/a.pdf'", "bad-path", "the file's name only"),
            ("above with backslashes", r"'..\..\a.pdf'", "bad-path", "the file's name only"),
            ("from the root", "/etc/passwd", "bad-path", "the file's name only"),
            ("from a drive", r"'C:\a.pdf'", "bad-path", "the file's name only"),
            ("from a drive without a slash", "'C:a.pdf'", "missing-asset", "files/C:a.pdf"),
            ("with codes", "'%2e%2e%2fclient.yaml'", "missing-asset", "files/%2e%2e%2fclient.yaml"),
            ("that is the folder", "'..'", "bad-path", "the file's name only"),
            ("in other letters' case", "Report.PDF", "missing-asset", "files/Report.PDF"),
        )
    ),
    *(
        Case(f"picture {name}", changed(HOME, "summary", f"photo_alt: A\nphoto: ‸{written}\nsummary"), code, says)
        for name, written, code, says in (
            ("with codes", "'static/%2e%2e/site.yaml'", "missing-asset", "static/%2e%2e/site.yaml"),
            ("with backslashes", r"'static\..\site.yaml'", "bad-path", "static/NAME"),
            ("from a drive", "'C:/static/room.txt'", "bad-path", "static/NAME"),
        )
    ),
    *(
        Case(f"id of a client {name}", changed(CLIENT, "id: ana", f"id: ‸{written}"), "bad-id", "small letters")
        for name, written in (
            ("above", "'../ben'"),
            ("from the root", "/ana"),
            ("with codes", "'%2e%2e'"),
            ("with a point", "'.'"),
            ("with a backslash", r"'a\b'"),
            ("of a drive", "'C:'"),
        )
    ),
    Case(
        "out of the client's files",
        added(INVOICE, "attachments: [{file: ‸../client.yaml}]\n"),
        "bad-path",
        "the file's name only",
    ),
]

LATER = [
    Case(
        "a deposit with parts of a cent",
        {"content/services/a.md": "---\nname: A\nprice: 50\ndeposit: ‸10.555\n---\nText.\n"},
        "bad-amount",
        "10.56",
    ),
    Case("an empty link", added(HOME, "\n## A heading\n\n[k‸]()\n"), "dead-link", "between the parentheses"),
    # money, found by the rules
    Case(
        "written off before it was issued",
        added(INVOICE, "write_off: {date: ‸2026-10-01, amount: 5.00, reason: x}\n"),
        "bad-order",
        "older than the invoice",
    ),
    Case(
        "written off too much",
        added(INVOICE, "write_off: {date: 2026-11-20, amount: ‸500.00, reason: x}\n"),
        "too-much",
        "at most the balance",
    ),
    Case(
        "discount above the lines",
        added(INVOICE, "discount: ‸{amount: 500.00, reason: x}\n"),
        "too-much",
        "at most the sum",
    ),
    Case("cents of a cent", added(INVOICE, "rounding: ‸0.005\n"), "bad-amount", "0.01"),
    Case(
        "parts that miss the total",
        changed(INVOICE, "lines:", "schedule: ‸[{due: 2026-12-01, amount: 1.00}]\nlines:"),
        "bad-schedule",
        "rest: true",
    ),
    Case(
        "an attachment that runs",
        {ANA + "files/a.html": "x", **added(INVOICE, "attachments: [{file: ‸a.html}]\n")},
        "unsafe-file",
        "PDF",
    ),
    Case(
        "a guide without a text",
        {"content/guides/rest.md": "---\n‸title: Rest\nsummary: Lie down.\n---\n"},
        "no-text",
        "second ---",
    ),
    # found by the rooms after content/: only the command reports them
    Case("dead-link", added(HOME, "See [the policy](‸../policies/ending.md).\n"), "dead-link", ""),
    Case("dead-link-from-the-root", added(HOME, "See [the policy](‸/policies/ending/).\n"), "dead-link", ""),
    Case("dead-anchor", added(HOME, "See [below](‸#no-such-heading).\n"), "dead-anchor", ""),
    Case("dead-anchor-elsewhere", added(HOME, "See [it](../services/talk.md‸#nowhere).\n"), "dead-anchor", ""),
    Case("bad-scheme", added(HOME, "See [it](‸javascript:alert(1)).\n"), "bad-link", ""),
    Case("bad-scheme-http", added(HOME, "See [it](‸http://plain.example/).\n"), "bad-link", ""),
    Case("bad-template", {"templates/home.html": "<p>{{ page.titel }}</p>\n"}, "template", "", "templates/home.html"),
    Case("broken-template", {"templates/page.html": "{% if %}\n"}, "template", "", "templates/page.html"),
]


def laid_out(case: Case) -> tuple[dict[str, str | bytes | None], tuple[str, int, int]]:
    """The case's files without the caret, and where it stood."""
    place = (case.path, case.line, case.column)
    files: dict[str, str | bytes | None] = {}
    for path, content in case.files.items():
        if isinstance(content, str) and CARET in content:
            before = content[: content.index(CARET)]
            if not case.path or case.path == path:
                place = (path, before.count("\n") + 1, len(before) - before.rfind("\n"))
            content = content.replace(CARET, "")
        files[path] = content
    return {**GOOD, **files}, place


def problems_of(site: Path) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `build` and the problems it reports."""
    result = invoke("build", "--site", site, "--today", DEMO_DAY, "--json")
    problems: list[dict[str, Any]] = result.json["problems"]
    return result.code, problems


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash and time."""
    return {
        path.relative_to(
            folder
        ).as_posix(): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose good build is published."""
    site = minimal_site(tmp_path_factory.mktemp("published"), GOOD)
    assert problems_of(site) == (0, [])
    return site


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_one_mistake_is_told_and_nothing_is_published(case: Case, published: Path, tmp_path: Path) -> None:
    check(case, published, tmp_path)


@pytest.mark.parametrize("case", LATER, ids=lambda case: case.name)
def test_what_later_rooms_find_is_told_the_same_way(case: Case, published: Path, tmp_path: Path) -> None:
    check(case, published, tmp_path)


def check(case: Case, published: Path, tmp_path: Path) -> None:
    files, (path, line, column) = laid_out(case)
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "content")
    lock = tmp_path / "portalgen.lock"  # as if the invoices were not issued yet: what is written must be told first
    lock.write_text("".join(row for row in lock.read_text().splitlines(True) if '"kind": "invoice"' not in row))
    before = fingerprint(tmp_path / "output")
    assert before
    code, problems = problems_of(minimal_site(tmp_path, {**dict.fromkeys(MINIMAL), **files}))
    assert code == 2, problems
    found = [one for one in problems if one["code"] == case.code]
    assert found, problems
    assert (found[0]["path"], found[0]["line"], found[0]["column"]) == (path, line, column), found
    assert found[0]["severity"] == "error"
    assert case.says in f"{found[0]['message']} {found[0]['hint']}", found
    assert found[0]["hint"]
    assert len(problems) == 1, "one mistake is one problem"
    assert before == fingerprint(tmp_path / "output")


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 70
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_mistake_is_told_in_one_run(tmp_path: Path) -> None:
    files = {**GOOD, **changed(SITE, "EUR", "Euro"), **changed(CLIENT, "net14", "net41"), "content/x.md": "x"}
    files |= changed(INVOICE, "quantity: 2, unit_price: 60.00", "quantitiy: 2, unit_price: '12,50'")
    code, problems = problems_of(minimal_site(tmp_path, files))
    assert code == 2
    assert [(one["path"], one["code"]) for one in problems] == [
        (CLIENT, "dead-reference"),
        (INVOICE, "unknown-key"),
        (INVOICE, "bad-value"),
        (SITE, "bad-value"),
        ("content/x.md", "unknown-file"),
    ]


LINKS: Mapping[str, tuple[str, str]] = {
    "out of the site": ("../../outside.txt", "leads out of content/"),
    "to the key": ("../../.portalgen/key", "leads out of content/"),
    "absolute": ("/etc/hostname", "leads out of content/"),
    "to nothing": ("nowhere.txt", "leads to nothing"),
    "to itself": ("link.txt", "leads to nothing"),
    "to its own folder": (".", "in a circle"),
    "to the folder above": ("..", "in a circle"),
    "to the clients": ("../clients", "another part of content/"),
    "to a client's file": ("../clients/ana/client.yaml", "another part of content/"),
}


@pytest.mark.parametrize(("target", "says"), LINKS.values(), ids=[name.replace(" ", "-") for name in LINKS])
def test_a_symbolic_link_leads_nowhere_else(target: str, says: str, tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", {**GOOD, ".portalgen/key": "secret"})
    (tmp_path / "outside.txt").write_text("secret")
    os.symlink(target, site / "content/static/link.txt")
    code, problems = problems_of(site)
    assert code == 2
    assert [(one["path"], one["code"]) for one in problems] == [("content/static/link.txt", "symlink")]
    assert says in problems[0]["message"]
    assert problems[0]["hint"]


@pytest.mark.parametrize(
    "files",
    [
        added(INVOICE, 'attachments: [{file: "a\\0.pdf"}]\n'),
        changed(HOME, "summary", 'photo: "static/a\\0.txt"\nsummary'),
    ],
)
def test_a_path_with_nul_leads_nowhere(files: dict[str, str | bytes | None], tmp_path: Path) -> None:
    code, problems = problems_of(minimal_site(tmp_path, {**GOOD, **files}))
    assert code == 2
    assert "control-character" in [one["code"] for one in problems]
    assert all(one["path"] in files for one in problems)


LEFT = (".DS_Store", "._client.yaml", "~$client.yaml", ".client.yaml.swp", "client.yaml~", "#client.yaml#", "Thumbs.db")


def test_what_systems_and_editors_leave_is_read_and_published_nowhere(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, {**GOOD, ANA + "files/plan.txt": "x"})
    assert problems_of(site) == (0, [])
    before = fingerprint(site / "output")
    folders = [site / "content", *(path for path in (site / "content").rglob("*") if path.is_dir())]
    for folder in folders:
        for name in LEFT:
            (folder / name).write_bytes(b"\0\xff left here")
    assert len(folders) > 8
    assert problems_of(site) == (0, [])
    assert fingerprint(site / "output") == before


def test_a_mark_at_the_beginning_changes_nothing(tmp_path: Path) -> None:
    site = minimal_site(tmp_path, GOOD)
    assert problems_of(site) == (0, [])
    before = fingerprint(site / "output")
    for path in (site / "content").rglob("*"):
        if path.suffix in (".yaml", ".md"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert problems_of(site) == (0, [])
    assert fingerprint(site / "output") == before


def test_a_symbolic_link_that_stays_inside_is_read(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", GOOD)
    os.symlink("room.txt", site / "content/static/again.txt")
    assert problems_of(site) == (0, [])


def test_a_symbolic_link_stays_with_one_client(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", {**GOOD, **BEN, ANA + "files/plan.txt": "x"})
    os.symlink("plan.txt", site / ANA / "files/again.txt")
    assert problems_of(site) == (0, [])
    places = ("content/clients/ben/files", "content/clients/bo", "content/policies/ana.md", "content/supervision.yaml")
    targets = ("../ana/files", "ana", "../clients/ana/client.yaml", "clients/ana/client.yaml")
    for place, target in zip(places, targets, strict=True):
        (site / place).parent.mkdir(exist_ok=True)
        os.symlink(target, site / place)
    code, problems = problems_of(site)
    assert (code, [(one["path"], one["code"]) for one in problems]) == (2, [(place, "symlink") for place in places])
    assert all("another part of content/" in one["message"] for one in problems)


def test_an_end_of_the_work_while_the_status_is_active_is_told(tmp_path: Path) -> None:
    ended = "ended: {date: 2026-11-01, referrals: none, reason_public: Done}\n"
    for status, codes in (("", ["status-differs"]), ("status: ended\n", []), ("status: archived\n", [])):
        code, problems = problems_of(minimal_site(tmp_path, {**GOOD, **added(CLIENT, status + ended)}))
        assert (code, [one["code"] for one in problems]) == (0, codes)


def test_a_client_folder_that_is_a_link_out_of_the_site_is_not_read(tmp_path: Path) -> None:
    site = minimal_site(tmp_path / "site", GOOD)
    shutil.move(site / "content/clients/ana", tmp_path / "ana")
    os.symlink(tmp_path / "ana", site / "content/clients/ana")
    code, problems = problems_of(site)
    assert (code, [one["code"] for one in problems]) == (2, ["symlink"])


BOMBS: Mapping[str, str] = {
    "billion laughs": "a: &a [x, x, x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)),
    "brackets": "[" * 1_900_000,
    "braces": "{a: " * 450_000,
    "dashes": "- " * 900_000,
    "question marks": "? " * 900_000,
    "same key": "a: 1\n" * 350_000,
    "unknown keys": "".join(f"key{n}: 1\n" for n in range(130_000)),
    "long list": "notes: [" + "a, " * 600_000 + "]\n",
    "bad entries": "lines:\n" + "- {x: 1}\n" * 200_000,
    "anchors": "".join(f"k{n}: &a 1\n" for n in range(130_000)),
    "long line": "notes: " + "a" * 1_900_000 + "\n",
    "digits": "do_not_contact: " + "9" * 1_900_000 + "\n",
    "quotes": "notes: '" + "''" * 900_000,
    "tags": "notes: !" + "a" * 1_900_000 + " b\n",
    "ten megabytes": "notes: " + "a" * 10_000_000 + "\n",
}
MEASURE = """
import json, os, resource, sys, time
from pathlib import Path
from portalgen.content.problems import render
from portalgen.publish.build import assemble

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

def measure(folder):
    resource.setrlimit(resource.RLIMIT_AS, (kilobytes("VmSize:") * 1024 + 50_000_000, -1))
    before, start = kilobytes("VmHWM:"), time.process_time()
    made = assemble(folder, jobs=1)
    assert made.files is None
    shown = [render(one, made.loaded.excerpt(one), False) for one in made.problems]
    seconds = time.process_time() - start
    return [len(shown), seconds, (kilobytes("VmHWM:") - before) / 1024, max(map(len, shown))]

assemble(Path(sys.argv[1]), jobs=1)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        print(json.dumps(measure(Path(line.removesuffix("\\n")))), flush=True)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit("it failed")
"""
NO_DOCUMENTS = {
    **GOOD,
    SITE: GOOD[SITE].partition("privacy:")[0] + "documents: {pdf: false, einvoice: false}\n",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Any]]:
    """What a site costs, measured in a fresh copy of a process that has just read a good one."""
    good = minimal_site(tmp_path_factory.mktemp("measured") / "good", NO_DOCUMENTS)
    command = [sys.executable, "-c", MEASURE, str(good)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdin
        assert process.stdout
        into, out = process.stdin, process.stdout

        def measure(site: Path) -> Any:
            into.write(f"{site}\n")
            into.flush()
            return json.loads(out.readline())

        yield measure
        into.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured by what Linux says of a process")
@pytest.mark.parametrize("name", BOMBS, ids=lambda name: name.replace(" ", "-"))
def test_a_bomb_fails_fast_and_small(name: str, measured: Callable[[Path], Any], tmp_path: Path) -> None:
    count, seconds, megabytes, longest = measured(minimal_site(tmp_path, {**NO_DOCUMENTS, CLIENT: BOMBS[name]}))
    assert 0 < count < 1000
    assert seconds < 1
    assert megabytes < 50
    assert longest < 2000
