"""Payment codes and references: the vectors of domain §6, each text read back field by field, and laws for any input."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from segno import helpers
from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.ch import esr

from portalgen.content.records.payees import is_iban
from portalgen.rules import payloads, references
from portalgen.rules.money import Money
from portalgen.rules.parties import Party, PostalAddress
from tests.paycodes import Asked, read_epc, read_pix, read_spayd, read_swiss, read_upi

IRISH = "IE29 AIBK 9311 5212 3456 78"
SWISS = "CH58 0079 1123 0008 8901 2"
QR_IBAN = "CH44 3199 9123 0008 8901 2"
CZECH = "CZ58 5500 0000 0012 6509 8001"
ROBERT = Party(
    name="Robert Schneider AG",
    address=PostalAddress(line1="Rue du Lac 1268", postcode="2501", city="Biel", country="CH"),
)
PIA = Party(
    name="Pia-Maria Rutschmann-Schnyder",
    address=PostalAddress(line1="Grosse Marktgasse 28", postcode="9400", city="Rorschach", country="CH"),
)


def money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


def epc(**changes: Any) -> str:
    values = {
        "name": "Mira Lind",
        "iban": IRISH,
        "bic": "",
        "amount": money("120.00", "EUR"),
        "reference": "",
        "text": "2026-0042",
    }
    return payloads.epc(**{**values, **changes})


def swiss(**changes: Any) -> str:
    values = {
        "creditor": ROBERT,
        "iban": SWISS,
        "amount": money("1949.75", "CHF"),
        "reference": "",
        "message": "2026-0042",
        "debtor": PIA,
    }
    return payloads.swiss(**{**values, **changes})


def pix(**changes: Any) -> str:
    values = {
        "key": "972.124.824-04",
        "name": "Victor Julio Rocha",
        "city": "RECIFE",
        "amount": money("30.00", "BRL"),
        "reference": "VIPSURF",
    }
    return payloads.pix(**{**values, **changes})


# --- references ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "reference"),
    [("539007547034", "RF18539007547034"), ("INV20260042", "RF73INV20260042"), ("INV/2026-0042", "RF73INV20260042")],
)
def test_rf_references(number: str, reference: str) -> None:
    assert references.rf_reference(number, "x") == reference


def test_the_swiss_reference_ends_in_its_check_digit() -> None:
    assert references.qr_reference("21000000000313947143000901", "x") == "210000000003139471430009017"
    assert references.qr_reference("2026-0042", "x")[:26] == "20260042".zfill(26)


def test_the_belgian_message_ends_in_the_remainder_and_never_in_zero() -> None:
    assert references.ogm_reference("2026-0042", "x") == "+++002/0260/04240+++"
    assert 20260042 % 97 == 40
    assert references.ogm_reference("97", "x").endswith("97+++")


@pytest.mark.parametrize(
    ("number", "id_", "plain"),
    [
        ("2026/0042", "x", "2026-0042"),
        ("№ 42 ", "x", "42"),
        ("四十二", "inv-42", "inv-42"),
        ("a-client-with-a-very-long-name-2026-0042", "x", "ient-with-a-very-long-name-2026-0042"[-35:]),
    ],
)
def test_a_number_made_safe_keeps_its_end(number: str, id_: str, plain: str) -> None:
    assert references.number_reference(number, id_) == plain


def test_references_are_grouped_as_they_are_printed() -> None:
    assert references.grouped("RF18539007547034") == "RF18 5390 0754 7034"
    assert references.grouped("210000000003139471430009017") == "21 00000 00003 13947 14300 09017"


IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)


@given(st.text(max_size=60), IDS)
def test_any_number_gives_references_that_banks_take(number: str, id_: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]{1,35}", references.number_reference(number, id_))
    assert iso11649.is_valid(references.rf_reference(number, id_))
    assert len(references.rf_reference(number, id_)) <= 25
    assert re.fullmatch(r"\d{27}", references.qr_reference(number, id_))
    assert esr.is_valid(references.qr_reference(number, id_))
    assert re.fullmatch(r"\+\+\+\d{3}/\d{4}/\d{5}\+\+\+", references.ogm_reference(number, id_))
    assert ogm_vcs.is_valid(references.ogm_reference(number, id_))
    assert re.fullmatch(r"\d{1,10}", references.variable_symbol(number, id_))
    assert re.fullmatch(r"[A-Za-z0-9]{1,25}", references.bare_reference(number, id_, 25))


# --- EPC -----------------------------------------------------------------------------------------------------------


def test_the_number_stands_in_line_11_of_an_epc_code() -> None:
    assert epc() == "BCD\n002\n1\nSCT\n\nMira Lind\nIE29AIBK93115212345678\nEUR120.00\n\n\n2026-0042"


def test_a_structured_reference_stands_in_line_10() -> None:
    lines = epc(reference="RF73INV20260042", text="", bic="aibkie2d").split("\n")
    assert (lines[4], lines[9], len(lines)) == ("AIBKIE2D", "RF73INV20260042", 10)


@pytest.mark.parametrize(("reference", "text"), [("", "2026-0042"), ("RF73INV20260042", "")])
@pytest.mark.parametrize("amount", ["12.34", "0.01", "999999999.99"])
def test_segno_makes_the_same_epc_code(amount: str, reference: str, text: str) -> None:
    ours = epc(name="Ségolène Œuvre", bic="AIBKIE2D", amount=money(amount, "EUR"), reference=reference, text=text)
    theirs = helpers.make_epc_qr(
        name="Ségolène Œuvre", iban="IE29AIBK93115212345678", bic="AIBKIE2D", amount=Decimal(amount),
        reference=reference or None, text=text or None, encoding="utf-8",
    )  # fmt: skip
    from portalgen.site.qr import qr_matrix

    assert tuple(tuple(map(bool, row)) for row in theirs.matrix) == qr_matrix(ours, "epc")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": money("120.00", "USD")},
        {"amount": money("0.00", "EUR")},
        {"amount": money("1000000000.00", "EUR")},
        {"iban": SWISS},
        {"name": " \n"},
    ],
    ids=["not euros", "nothing", "too much", "no BIC outside the EEA", "no name"],
)
def test_what_epc_cannot_say_has_no_code(changes: dict[str, Any]) -> None:
    assert epc(**changes) == ""


def test_an_account_outside_the_eea_has_its_bic() -> None:
    assert read_epc(epc(iban=SWISS, bic="POFICHBEXXX")).account == "CH5800791123000889012"


NAMES = st.text(min_size=1, max_size=90).filter(lambda text: any(sign.isalnum() for sign in text))
CENTS = st.decimals("0.01", "999999999.99", places=2)


@given(NAMES, CENTS, st.text(max_size=60), IDS, st.booleans())
def test_any_epc_code_keeps_to_its_standard(name: str, amount: Decimal, number: str, id_: str, rf: bool) -> None:
    plain, structured = references.number_reference(number, id_), references.rf_reference(number, id_)
    text = epc(name=name, amount=Money(amount, "EUR"), reference=structured if rf else "", text="" if rf else plain)
    read = read_epc(text)
    assert (read.amount, read.reference) == (amount, structured if rf else plain)
    assert read.payee


# --- Swiss QR-bill -------------------------------------------------------------------------------------------------


def test_a_qr_bill_line_by_line() -> None:
    """The first example of the guidelines, with the house number apart."""
    text = swiss(iban=QR_IBAN, reference="210000000003139471430009017", message="Order of 15 June 2020")
    assert text.split("\n") == [
        "SPC", "0200", "1", "CH4431999123000889012",
        "S", "Robert Schneider AG", "Rue du Lac", "1268", "2501", "Biel", "CH",
        "", "", "", "", "", "", "",
        "1949.75", "CHF",
        "S", "Pia-Maria Rutschmann-Schnyder", "Grosse Marktgasse", "28", "9400", "Rorschach", "CH",
        "QRR", "210000000003139471430009017", "Order of 15 June 2020", "EPD",
    ]  # fmt: skip
    assert read_swiss(text).kind == "QRR"


def test_the_kind_of_reference_follows_the_account() -> None:
    assert read_swiss(swiss()).kind == "NON"
    assert read_swiss(swiss(reference="RF18539007547034")).kind == "SCOR"


def test_a_debtor_without_a_whole_address_is_left_out() -> None:
    nobody = Party(name="Ana Horvat", address=PostalAddress(line1="Quay 2", city="Bern", country="CH"))
    for debtor in (None, nobody):
        assert read_swiss(swiss(debtor=debtor)).debtor == [""] * 7


@pytest.mark.parametrize(
    ("line", "street", "house"),
    [
        ("Bahnhofstrasse 12", "Bahnhofstrasse", "12"),
        ("Bahnhofstrasse 12a", "Bahnhofstrasse", "12a"),
        ("Bahnhofstrasse 12-14", "Bahnhofstrasse", "12-14"),
        ("Rue de l’Église 3 bis", "Rue de l'Église 3 bis", ""),
        ("4 Canal Lane", "4 Canal Lane", ""),
        ("Postfach", "Postfach", ""),
        ("Strasse des 17. Juni 5", "Strasse des 17. Juni", "5"),
    ],
)
def test_the_house_number_stands_apart_where_it_is_plain(line: str, street: str, house: str) -> None:
    creditor = Party(name="A", address=PostalAddress(line1=line, postcode="1", city="B", country="CH"))
    assert read_swiss(swiss(creditor=creditor)).creditor[2:4] == [street, house]


def test_letters_that_a_qr_bill_may_not_have_give_way() -> None:
    read = read_swiss(swiss(debtor=Party(name="Łukasz Ångström Nguyễn 山", address=PIA.address), message="a\nb–c"))
    assert read.debtor[1] == "Łukasz Ångström Nguyen"
    assert read.asked.message == "a b-c"


@given(
    NAMES,
    NAMES,
    st.text(max_size=90),
    st.text(max_size=200),
    CENTS,
    st.sampled_from([SWISS, QR_IBAN]),
    st.text(max_size=40),
)
def test_any_qr_bill_keeps_to_its_standard(
    name: str, other: str, street: str, message: str, amount: Decimal, iban: str, number: str
) -> None:
    place = PostalAddress(line1=street, postcode=other, city=name, country="LI")
    text = swiss(
        creditor=Party(name=f"A {name}", address=PIA.address),
        debtor=Party(name=other, address=place),
        iban=iban,
        amount=Money(amount, "EUR"),
        reference=references.qr_reference(number, "x") if iban == QR_IBAN else "",
        message=message,
    )
    assert read_swiss(text).asked.amount == amount
    assert len(text.encode()) <= 997


# --- PIX, UPI, SPAYD -----------------------------------------------------------------------------------------------


def test_a_pix_code_sign_by_sign() -> None:
    """The example of PixPayloadGen."""
    assert pix() == (
        "00020126330014BR.GOV.BCB.PIX011197212482404520400005303986540530.005802BR5918Victor Julio Rocha6006RECIFE"
        "62110507VIPSURF630425A1"
    )


@pytest.mark.parametrize(
    ("data", "value"), [(b"123456789", 0x29B1), (b"", 0xFFFF), (b"A", 0xB915)], ids=["check", "nothing", "one byte"]
)
def test_the_checksum_is_ccitt_false(data: bytes, value: int) -> None:
    assert payloads.crc16(data) == value


def test_names_on_a_pix_code_are_ascii_and_short() -> None:
    read = read_pix(pix(name="Conceição Ávila de Souza Pinto", city="São José dos Campos", reference=""))
    assert (read.payee, read.reference) == ("Conceicao Avila de Souza", "***")


@pytest.mark.parametrize(
    "changes", [{"name": "山田"}, {"key": "12345"}, {"amount": money("1.00", "USD")}, {"city": "山"}]
)
def test_what_pix_cannot_say_has_no_code(changes: dict[str, Any]) -> None:
    assert pix(**changes) == ""


@given(NAMES, NAMES, CENTS, st.text(max_size=40), IDS)
def test_any_pix_code_keeps_to_its_standard(name: str, city: str, amount: Decimal, number: str, id_: str) -> None:
    reference = references.bare_reference(number, id_, 25)
    read = read_pix(pix(name=f"Á {name}", city=f"X{city}", amount=Money(amount, "BRL"), reference=reference))
    assert (read.account, read.amount, read.reference) == ("97212482404", amount, reference)


@given(NAMES, CENTS, st.text(max_size=60), IDS)
def test_any_upi_link_is_read_back(name: str, amount: Decimal, number: str, id_: str) -> None:
    reference = references.number_reference(number, id_)
    text = payloads.upi(
        vpa="mira.lind@okbank", name=f"A {name}", amount=Money(amount, "INR"), note=reference, reference=reference
    )
    assert "pa=mira.lind@okbank&" in text, "apps look for a plain @"
    read = read_upi(text)
    assert read[1:] == ("mira.lind@okbank", amount, "INR", reference, reference)
    assert read.payee.startswith("A")


def test_the_czech_code() -> None:
    text = payloads.spayd(
        iban=CZECH,
        bic="rzbcczpp",
        name="Jana Nováková*",
        amount=money("480.50", "CZK"),
        symbol="20260042",
        message="2026-0042",
    )
    assert (
        text
        == "SPD*1.0*ACC:CZ5855000000001265098001+RZBCCZPP*AM:480.50*CC:CZK*RN:JANA NOVAKOVA*X-VS:20260042*MSG:2026-0042"
    )
    assert read_spayd(text) == Asked(
        "JANA NOVAKOVA", "CZ5855000000001265098001", Decimal("480.50"), "CZK", "20260042", "2026-0042"
    )


@pytest.mark.parametrize(("amount", "currency"), [("10000000.00", "CZK"), ("1.00", "PLN"), ("0.00", "CZK")])
def test_what_the_czech_code_cannot_say_has_none(amount: str, currency: str) -> None:
    assert payloads.spayd(iban=CZECH, bic="", name="A", amount=money(amount, currency), symbol="1", message="1") == ""


def test_an_iban_is_checked_by_its_own_digits_and_by_no_list_of_banks() -> None:
    assert is_iban("BE68 5390 0754 7034")
    assert not is_iban("BE68 5390 0754 7035")
