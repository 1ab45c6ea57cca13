"""Ways to pay: which methods fit an amount, the exact link of each, and what is said of a method that cannot work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalgen.content.loader import load
from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.method import PAYPAL
from portalgen.rules.account import account_of
from portalgen.rules.money import Money, rounded
from portalgen.rules.parties import Party, PostalAddress
from portalgen.rules.ways import Demand, Way, fitting_ways, way_findings
from portalgen.site.ways import ways_to_pay
from tests.paycodes import read_code, read_swiss
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site

SITE = MINIMAL["content/site.yaml"]
CASH = '    - {id: cash, kind: cash, label: Cash, instructions: "In the session, please."}\n'
CLIENT = MINIMAL_CLIENT["content/clients/ana/client.yaml"]
TERMS = MINIMAL_CLIENT["content/terms/net14.yaml"].replace("methods: [cash]\n", "")
INVOICE = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"]
IBAN, SWISS, QR_IBAN = "IE29AIBK93115212345678", "CH5800791123000889012", "CH4431999123000889012"
BUYER = Party(
    name="Ana Horvat",
    address=PostalAddress(line1="Quay 2", postcode="8001", city="Zürich", country="CH"),
    email="ana@client.example",
)


def loaded(root: Path, *methods: str, client: str = "", invoice: str = "") -> tuple[Shared, ClientFolder, list[Any]]:
    """A practice with these methods and one client, and every problem found."""
    rows = "".join(f"    - {{label: It, {method}}}\n" for method in methods)
    files = {
        **MINIMAL_CLIENT,
        "content/site.yaml": SITE.replace(CASH, rows),
        "content/terms/net14.yaml": TERMS,
        "content/clients/ana/client.yaml": CLIENT + client,
        "content/clients/ana/invoices/2026-0001.yaml": INVOICE + invoice,
    }
    read = load(minimal_site(root, files))
    assert read.site is not None, read.problems
    return read.site.shared, read.site.clients["ana"], list(read.problems)


def demand(amount: str = "120.00", currency: str = "EUR", **changes: Any) -> Demand:
    values: dict[str, Any] = {"number": "2026/0042", "id": "2026-0042", "language": "en", "debtor": BUYER}
    return Demand(**{**values, "amount": Money(Decimal(amount), currency), **changes})


def ways(root: Path, *methods: str, client: str = "", **asked: Any) -> tuple[Way, ...]:
    shared, folder, problems = loaded(root, *methods, client=client)
    assert not problems
    return fitting_ways(shared, folder.client, demand(**asked))


def the_way(root: Path, method: str, **asked: Any) -> Way:
    (way,) = ways(root, f"id: it, {method}", **asked)
    return way


def rows(way: Way) -> dict[str, str]:
    found = dict(way.rows)
    assert len(found) == len(way.rows)
    return found


# --- links ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "amount", "currency", "href"),
    [
        ("kind: paypal_me, handle: quiet", "75.00", "CHF", "https://paypal.me/quiet/75.00CHF"),
        ("kind: paypal_me, handle: quiet", "10.50", "EUR", "https://paypal.me/quiet/10.50EUR"),
        ("kind: paypal_me, handle: quiet", "1200", "JPY", "https://paypal.me/quiet/1200JPY"),
        ("kind: paypal_me, handle: quiet", "1200.00", "HUF", "https://paypal.me/quiet/1200HUF"),
        (
            "kind: venmo, handle: Mira-Lind",
            "25.00",
            "USD",
            "https://venmo.com/?txn=pay&audience=private&recipients=Mira-Lind&amount=25.00&note=2026-0042",
        ),
        ("kind: cash_app, handle: mira", "25.00", "USD", "https://cash.app/$mira/25.00"),
        ("kind: cash_app, handle: $mira", "25.00", "USD", "https://cash.app/$mira/25.00"),
        (
            "kind: stripe_link, url: 'https://buy.stripe.com/abc'",
            "25.00",
            "USD",
            "https://buy.stripe.com/abc?client_reference_id=2026-0042&locale=en",
        ),
        (
            "kind: stripe_link, url: 'https://buy.stripe.com/abc?utm_source=a', params: {prefilled_email: '{email}', locale: auto}",
            "25.00",
            "USD",
            "https://buy.stripe.com/abc?utm_source=a&client_reference_id=2026-0042&locale=auto&prefilled_email=ana%40client.example",
        ),
        (
            "kind: url, url: 'https://pay.example/{currency}/{amount}#{reference}', params: {n: 'No. {reference}'}",
            "25.00",
            "KWD",
            "https://pay.example/KWD/25.000?n=No.%202026-0042#2026-0042",
        ),
        (
            "kind: upi, vpa: mira@okbank, account_name: Míra Lind",
            "10.00",
            "INR",
            "upi://pay?pa=mira@okbank&pn=Mira%20Lind&am=10.00&cu=INR&tn=2026-0042&tr=2026-0042",
        ),
        ("kind: wise, url: 'https://wise.com/pay/me/mira'", "10.00", "EUR", "https://wise.com/pay/me/mira"),
    ],
)
def test_the_exact_link(tmp_path: Path, method: str, amount: str, currency: str, href: str) -> None:
    way = the_way(tmp_path, method, amount=amount, currency=currency)
    assert way.href == href
    assert way.amount == Money(Decimal(amount), currency)
    assert rows(way)["payee"]
    assert rows(way)["reference"] == "2026-0042"


@pytest.mark.parametrize(
    ("language", "locale"), [("de-CH", "de"), ("pt-BR", "pt-BR"), ("ar", None), ("en-GB", "en-GB")]
)
def test_stripe_speaks_the_language_of_the_invoice(tmp_path: Path, language: str, locale: str | None) -> None:
    way = the_way(tmp_path, "kind: stripe_link, url: 'https://buy.stripe.com/abc'", language=language)
    assert dict(parse_qsl(urlsplit(way.href).query)).get("locale") == locale


def test_stripe_gets_no_address_that_is_not_known(tmp_path: Path) -> None:
    method = "kind: stripe_link, url: 'https://buy.stripe.com/abc', params: {prefilled_email: '{email}'}"
    assert "email" not in the_way(tmp_path, method, debtor=None).href


@pytest.mark.parametrize(
    ("kind", "link", "href"),
    [
        ("stripe_link", "https://invoice.stripe.com/i/x", "https://invoice.stripe.com/i/x"),
        ("stripe_link", "https://buy.stripe.com/x", "https://buy.stripe.com/x?client_reference_id=2026-0042&locale=en"),
        ("wise", "https://wise.com/pay/r/x", "https://wise.com/pay/r/x"),
    ],
)
def test_a_link_of_the_invoice_comes_first(tmp_path: Path, kind: str, link: str, href: str) -> None:
    assert the_way(tmp_path, f"kind: {kind}", pay_links={"it": link}).href == href


@pytest.mark.parametrize("kind", ["stripe_link", "wise"])
def test_a_way_that_leads_nowhere_is_none(tmp_path: Path, kind: str) -> None:
    assert ways(tmp_path, f"id: it, kind: {kind}") == ()


# --- which fit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "amount", "currency"),
    [
        ("kind: paypal_me, handle: quiet", "599.00", "INR"),
        ("kind: paypal_me, handle: quiet", "150.00", "NPR"),
        ("kind: paypal_me, handle: quiet", "1200.50", "HUF"),
        ("kind: venmo, handle: mira", "25.00", "EUR"),
        ("kind: cash_app, handle: mira", "25.00", "CAD"),
        (f"kind: bank_sepa, iban: {IBAN}", "25.00", "GBP"),
        (f"kind: swiss_qr, iban: {SWISS}", "25.00", "USD"),
        ("kind: upi, vpa: mira@okbank", "25.00", "USD"),
        ("kind: pix, key: mira@practice.example, city: Recife", "25.00", "USD"),
        ("kind: cash, currencies: [USD]", "25.00", "EUR"),
        ("kind: cash, min: 30", "25.00", "EUR"),
        ("kind: cash, max: 20", "25.00", "EUR"),
        ("kind: cash, countries: [FR]", "25.00", "EUR"),
        ("kind: cash", "0.00", "EUR"),
    ],
)
def test_a_method_that_cannot_take_it_is_not_offered(tmp_path: Path, method: str, amount: str, currency: str) -> None:
    assert ways(tmp_path, f"id: it, {method}", amount=amount, currency=currency) == ()


@pytest.mark.parametrize("method", ["min: 25", "max: 25", "countries: [IE]", "currencies: [EUR]", "for_clients: [ana]"])
def test_the_limits_belong_to_what_fits(tmp_path: Path, method: str) -> None:
    assert len(ways(tmp_path, f"id: it, kind: cash, {method}", amount="25.00")) == 1


def test_terms_client_and_links_choose_among_the_methods(tmp_path: Path) -> None:
    methods = ("id: a, kind: cash, order: 3", "id: b, kind: cheque, order: 2", "id: c, kind: wise, order: 1")

    def ids(client: str = "", **asked: Any) -> list[str]:
        return [way.method for way in ways(tmp_path, *methods, client=client, **asked)]

    assert ids() == ["b", "a"]
    assert ids(terms_methods=("a",)) == ["a"]
    assert ids(terms_methods=("a",), pay_links={"c": "https://wise.com/pay/r/x"}) == ["c", "a"]
    assert ids(terms_methods=("a",), client="methods: [b]\n") == ["b"]


def test_a_method_for_others_is_not_offered(tmp_path: Path) -> None:
    files = {"content/clients/ben/client.yaml": CLIENT.replace("ana", "ben")}
    minimal_site(tmp_path, files)
    assert ways(tmp_path, "id: it, kind: cash, for_clients: [ben]") == ()


# --- what is told and coded ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "currency", "told"),
    [
        (
            f"kind: bank_sepa, iban: {IBAN}, bic: aibkie2d",
            "EUR",
            {"iban": "IE29 AIBK 9311 5212 3456 78", "bic": "AIBKIE2D"},
        ),
        (
            "kind: bank_uk, sort_code: 601613, account: '31926819'",
            "GBP",
            {"sort_code": "60-16-13", "account": "31926819"},
        ),
        (
            "kind: bank_us, routing: '021000021', account: '123456', bank_name: First",
            "USD",
            {"routing": "021000021", "account": "123456", "bank": "First"},
        ),
        ("kind: zelle, handle: mira@practice.example", "USD", {"email": "mira@practice.example"}),
        ("kind: interac, handle: +1 416 555 0123", "CAD", {"phone": "+1 416 555 0123"}),
        ("kind: cheque, account_name: The Quiet Room", "EUR", {"payee": "The Quiet Room"}),
        ("kind: paypal_me, handle: quiet", "EUR", {"handle": "quiet"}),
        (
            "kind: pix, key: mira@practice.example, city: Recife",
            "BRL",
            {"key": "mira@practice.example", "reference": "20260042"},
        ),
        (
            f"kind: bank_sepa, iban: {IBAN}, reference: rf",
            "EUR",
            {"iban": "IE29 AIBK 9311 5212 3456 78", "reference": "RF88 2026 0042"},
        ),
        (
            f"kind: bank_sepa, iban: {IBAN}, reference: ogm",
            "EUR",
            {"iban": "IE29 AIBK 9311 5212 3456 78", "reference": "+++002/0260/04240+++"},
        ),
        (
            f"kind: swiss_qr, iban: {QR_IBAN}",
            "CHF",
            {"iban": "CH44 3199 9123 0008 8901 2", "reference": "00 00000 00000 00000 02026 00427"},
        ),
    ],
)
def test_everything_to_copy_stands_beside_it(
    tmp_path: Path, method: str, currency: str, told: Mapping[str, str]
) -> None:
    assert rows(the_way(tmp_path, method, currency=currency)) == {
        "payee": "Mira Lind",
        "reference": "2026-0042",
        **told,
    }


@pytest.mark.parametrize("kind", ["cash", "card_in_person"])
def test_what_is_paid_in_person_needs_no_account(tmp_path: Path, kind: str) -> None:
    way = the_way(tmp_path, f"kind: {kind}, instructions: At the desk")
    assert (way.rows, way.href, way.code, way.instructions) == ((), "", "", "At the desk")


CODED = {
    "epc": (f"kind: bank_sepa, iban: {IBAN}", "EUR"),
    "epc with RF": (f"kind: bank_sepa, iban: {IBAN}, reference: rf", "EUR"),
    "epc with OGM": (f"kind: bank_sepa, iban: {IBAN}, reference: ogm", "EUR"),
    "swiss": (f"kind: swiss_qr, iban: {SWISS}", "CHF"),
    "swiss with RF": (f"kind: swiss_qr, iban: {SWISS}, reference: rf", "CHF"),
    "swiss with QR-IBAN": (f"kind: swiss_qr, iban: {QR_IBAN}", "EUR"),
    "upi": ("kind: upi, vpa: mira@okbank", "INR"),
    "pix": ("kind: pix, key: mira@practice.example, city: Recife", "BRL"),
    "spayd": ("kind: spayd, iban: CZ5855000000001265098001", "CZK"),
}


@pytest.mark.parametrize("name", CODED)
def test_the_code_says_what_the_text_says(tmp_path: Path, name: str) -> None:
    method, currency = CODED[name]
    way = the_way(tmp_path, method, amount="1234.50", currency=currency)
    assert way.code_kind == name.split()[0]
    read, told = read_code(way.code), rows(way)
    assert (read.amount, read.currency) == (way.amount.amount, currency)
    assert read.payee.lower() == told["payee"].lower()
    assert read.account in {told.get(code, "").replace(" ", "") for code in ("iban", "vpa", "key")}
    assert told["reference"].replace(" ", "") in (read.reference, read.message)


@pytest.mark.parametrize("name", CODED)
def test_a_method_may_do_without_its_code(tmp_path: Path, name: str) -> None:
    method, currency = CODED[name]
    way = the_way(tmp_path, f"{method}, qr: false", currency=currency)
    assert (way.code, way.code_kind) == ("", "")
    assert rows(way)["reference"]


def test_the_qr_bill_names_practice_and_debtor(tmp_path: Path) -> None:
    read = read_swiss(the_way(tmp_path, f"kind: swiss_qr, iban: {SWISS}", currency="CHF").code)
    assert read.creditor == ["S", "Mira Lind", "4 Canal Lane", "", "D08 X1Y2", "Dublin", "IE"]
    assert read.debtor == ["S", "Ana Horvat", "Quay", "2", "8001", "Zürich", "CH"]
    assert read.asked.message == "2026-0042"


EVERY = (
    *(f"id: m{n}, {method}" for n, (method, _) in enumerate(CODED.values())),
    "id: paypal, kind: paypal_me, handle: quiet",
    "id: venmo, kind: venmo, handle: mira",
    "id: stripe, kind: stripe_link, url: 'https://buy.stripe.com/abc'",
)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shared, ClientFolder]:
    """A practice with one method of every code and some links."""
    shared, folder, problems = loaded(tmp_path_factory.mktemp("every"), *EVERY)
    assert not problems
    return shared, folder


@given(
    st.text(max_size=60),
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    st.decimals("0.01", "9999999", places=2),
    st.sampled_from([*PAYPAL, "INR", "KWD"]),
)
def test_any_amount_and_number_reads_the_same_in_every_form(
    every: tuple[Shared, ClientFolder], number: str, id_: str, amount: Decimal, currency: str
) -> None:
    shared, folder = every
    asked = demand(str(rounded(amount, currency) or 1), currency, number=number, id=id_)
    for way in fitting_ways(shared, folder.client, asked):
        assert way.amount == asked.amount
        if way.code:
            assert read_code(way.code).amount == asked.amount.amount
        if way.method == "stripe":
            reference = dict(parse_qsl(urlsplit(way.href).query))["client_reference_id"]
            assert set(reference) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
            assert 0 < len(reference) <= 200
        if way.method == "paypal":
            shown = way.href.rpartition("/")[2]
            assert shown.endswith(currency)
            assert Decimal(shown.removesuffix(currency)) == asked.amount.amount
            assert currency in PAYPAL
            assert "." not in shown or currency not in ("HUF", "JPY", "TWD")


# --- what is said of a method that cannot work -----------------------------------------------------------------------

WRONG = [
    ("kind: bank_sepa, iban: DE00123", "iban", "is not an IBAN"),
    (f"kind: bank_sepa, iban: {IBAN}, bic: AIB", "bic", "8 or 11"),
    (f"kind: bank_sepa, iban: {QR_IBAN}, bic: POFICHBEXXX", "iban", "kind: swiss_qr"),
    (f"kind: swiss_qr, iban: {IBAN}", "iban", "CH or LI"),
    (f"kind: swiss_qr, iban: {QR_IBAN}, reference: rf", "reference", "QR reference"),
    (f"kind: swiss_qr, iban: {SWISS}, reference: ogm", "reference", "number or rf"),
    ("kind: bank_uk, sort_code: 60-16-1, account: '31926819'", "sort_code", "six digits"),
    ("kind: bank_uk, sort_code: 60-16-13, account: '1926819'", "account", "all eight digits"),
    ("kind: bank_uk, account: '31926819'", "", "add sort_code:"),
    ("kind: bank_us, routing: '021000022', account: '123456'", "routing", "check digit"),
    ("kind: bank_us, routing: '021000021', account: 12-x", "account", "4 to 17 digits"),
    ("kind: bank_us, routing: '021000021'", "", "add account:"),
    ("kind: paypal_me, handle: quiet.room", "handle", "letters and digits"),
    ("kind: paypal_me, handle: aaaaaaaaaaaaaaaaaaaaa", "handle", "at most 20"),
    ("kind: paypal_me, handle: quiet, currencies: [EUR, INR]", "currencies", "cannot take INR"),
    ("kind: venmo, handle: '@mira'", "handle", "write mira"),
    ("kind: venmo, handle: 'mira lind'", "handle", "letters, digits"),
    ("kind: venmo, handle: mira, currencies: [EUR]", "currencies", "write USD"),
    ("kind: cash_app, handle: mira/9999", "handle", "letters and digits"),
    ("kind: zelle, handle: mira", "handle", "neither an e-mail address nor a phone"),
    ("kind: stripe_link, url: 'https://dashboard.stripe.com/x'", "url", "https://buy.stripe.com/"),
    ("kind: url, url: 'https://pay.example/', params: {n: '{number}'}", "params", "nothing fills in '{number}'"),
    ("kind: upi, vpa: mira.okbank", "vpa", "name@bank"),
    ("kind: pix, key: 97212482405, city: Recife", "key", "CPF or CNPJ"),
    ("kind: pix, key: 11987654321, city: Recife", "key", "+5511"),
    ("kind: pix, key: mira@practice.example, city: 山", "city", "Latin letters"),
    ("kind: pix, key: mira@practice.example", "", "add city:"),
    ("kind: cash, min: 30, max: 20", "max", "is below its 'min'"),
]


@pytest.mark.parametrize(("method", "field", "said"), WRONG)
def test_what_is_wrong_with_a_method_is_one_error(tmp_path: Path, method: str, field: str, said: str) -> None:
    text = SITE.replace(CASH, f"    - {{id: it, label: It, {method}}}\n")
    problems = load(minimal_site(tmp_path, {"content/site.yaml": text})).problems
    (problem,) = problems
    assert problem.severity == "error"
    assert said in f"{problem.message}; {problem.hint}"
    line = text.splitlines()[problem.line - 1]
    assert line.startswith("    - {id: it")
    assert not field or field in line[: problem.column], "it points at the field's value"


@pytest.mark.parametrize(
    ("method", "code", "said"),
    [
        (f"kind: cash, iban: {IBAN}", "unused-key", "does not use 'iban'"),
        (f"kind: bank_sepa, iban: {SWISS}", "no-qr-code", "needs 'bic'"),
        (
            "kind: stripe_link, url: 'https://pay.quietroom.example/x'",
            "other-service",
            "is not where payment links are",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning(tmp_path: Path, method: str, code: str, said: str) -> None:
    (problem,) = loaded(tmp_path, f"id: it, {method}")[2]
    assert (problem.severity, problem.code) == ("warning", code)
    assert said in problem.message


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("972.124.824-04", "97212482404"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("+55 (11) 91234-5678", "+5511912345678"),
        ("Mira@Practice.example", "mira@practice.example"),
        ("123E4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
    ],
)
def test_a_pix_key_is_written_as_the_directory_keeps_it(tmp_path: Path, key: str, kept: str) -> None:
    way = the_way(tmp_path, f"kind: pix, key: '{key}', city: Recife", currency="BRL")
    assert read_code(way.code).account == kept


@pytest.mark.parametrize(
    ("kind", "link", "told"),
    [
        ("stripe_link", "https://buy.stripe.com/x", False),
        ("stripe_link", "https://wise.com/pay/r/x", True),
        ("wise", "https://wise.com/pay/r/x", False),
        ("wise", "https://likewise.com/pay", True),
        ("cash", "https://anywhere.example/", False),
    ],
)
def test_a_link_to_another_service_is_a_warning(tmp_path: Path, kind: str, link: str, told: bool) -> None:
    shared, folder, problems = loaded(tmp_path, f"id: it, kind: {kind}", invoice=f"pay_links: {{it: '{link}'}}\n")
    assert not problems
    found = list(way_findings(shared, folder))
    assert [(finding.code, finding.at) for finding in found] == (
        [("other-service", ("pay_links", "it"))] if told else []
    )


@pytest.mark.parametrize(
    ("method", "told"),
    [("kind: venmo, handle: mira", True), ("kind: paypal_me, handle: mira", False), ("kind: cash", False)],
)
def test_a_client_whose_currency_nobody_takes_is_a_warning(tmp_path: Path, method: str, told: bool) -> None:
    shared, folder, _ = loaded(tmp_path, f"id: it, {method}", client="currency: CHF\n")
    assert [(finding.code, finding.at) for finding in way_findings(shared, folder)] == [
        ("no-method", ("currency",))
    ] * told


# --- when nothing is to be paid --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("", "120.00"),
        ("void: {date: 2026-11-10, reason: Twice}\n", ""),
        ("disputed: {from: 2026-11-10}\n", ""),
        ("schedule: [{due: 2026-11-16, amount: 40.00}, {due: 2027-01-16, rest: true}]\n", "40.00"),
    ],
    ids=["open", "void", "disputed", "in parts"],
)
def test_an_invoice_offers_ways_for_what_is_due_now(tmp_path: Path, state: str, offered: str) -> None:
    shared, folder, problems = loaded(tmp_path, "id: it, kind: cash", invoice=state)
    assert not problems
    account, findings = account_of(shared, folder, dt.date(2026, 11, 21))
    assert not findings
    shown = ways_to_pay(shared, folder, account.invoices["2026-0001"])
    assert [str(way.amount.amount) for way in shown] == ([offered] if offered else [])
