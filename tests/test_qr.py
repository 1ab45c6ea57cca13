"""QR codes are read back from pixels by zxing-cpp: drawn by Chromium on the pages of a site, and from the file for a PDF."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from portalgen.rules.money import Money
from portalgen.rules.ways import Way
from portalgen.site.qr import qr_matrix, qr_svg, qr_svg_file
from tests.paycodes import read_code
from tests.readers import tab
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Built, invoke, minimal_site

METHODS = {
    "EUR": "{id: sepa, kind: bank_sepa, label: Transfer, iban: IE29AIBK93115212345678, account_name: Séamus Ó Floinn}",
    "GBP": "{id: uk, kind: bank_uk, label: UK transfer, sort_code: 60-16-13, account: '31926819'}",
    "CHF": "{id: qr, kind: swiss_qr, currencies: [CHF], label: QR-Rechnung, iban: CH4431999123000889012, account_name: Zürcher Praxis}",
    "INR": "{id: upi, kind: upi, label: UPI, vpa: mira.lind@okbank, account_name: मीरा}",
    "BRL": "{id: pix, kind: pix, label: PIX, key: '+5511912345678', city: São Paulo, account_name: Mira Conceição}",
    "CZK": "{id: spayd, kind: spayd, currencies: [CZK], label: Převod, iban: CZ5855000000001265098001, account_name: Míra Lindová}",
}
RF = "{id: rf, kind: bank_sepa, label: Transfer with RF, iban: IE29AIBK93115212345678, reference: rf}"
PLAIN_SWISS = (
    "{id: scor, kind: swiss_qr, currencies: [CHF], label: Ohne QR-IBAN, iban: CH5800791123000889012, reference: rf}"
)
PAYEES = {
    "EUR": "Séamus Ó Floinn",
    "CHF": "Zürcher Praxis",
    "INR": "मीरा",
    "BRL": "Mira Conceicao",
    "CZK": "MIRA LINDOVA",
}
AMOUNT = Decimal("1234.50")


def scanned(image: bytes) -> str:
    """The one code in a picture, as its bytes say."""
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image)).convert("L"))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return found.bytes.decode("utf-8")


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A practice with a client for each currency, who each owe 1234.50."""
    rows = "".join(f"    - {row}\n" for row in [*METHODS.values(), RF, PLAIN_SWISS])
    site = MINIMAL["content/site.yaml"]
    files: dict[str, str] = {
        "content/site.yaml": site[: site.index("    - {id: cash")] + rows + site[site.index("base_url") :],
        "content/terms/net14.yaml": "id: net14\ndue: net 14\n",
    }
    invoice = MINIMAL_CLIENT["content/clients/ana/invoices/2026-0001.yaml"].replace(
        "2, unit_price: 60.00", "1, unit_price: 1234.50"
    )
    for n, currency in enumerate(METHODS):
        folder = f"content/clients/{currency.lower()}/"
        files[folder + "client.yaml"] = (
            f"id: {currency.lower()}\nname: {{display: Ana {currency}}}\nterms: net14\ncurrency: {currency}\n"
            "address: {line1: Rue de l’Église 2, postcode: '2501', city: Biel, country: CH}\n"
        )
        files[f"{folder}invoices/2026-000{n}.yaml"] = invoice.replace("2026-0001", f"2026-000{n}")
    root = minimal_site(tmp_path_factory.mktemp("paying"), files)
    result = invoke("build", "--site", root, "--today", DEMO_DAY, "--json")
    assert result.code == 0, result
    assert result.json["problems"] == []
    return Built(root, root / "output", result.json)


def invoice_of(built: Built, page: Page, origin: str, currency: str) -> None:
    """Open the invoice of the client of that currency, with everything on it unfolded."""
    number = f"Invoice 2026-000{list(METHODS).index(currency)}"
    (address,) = (
        address
        for address in built.private_addresses("invoice")
        if number in (built.output / address.partition("#")[0]).read_text(encoding="utf-8")
    )
    page.goto(f"{origin}/{address}", wait_until="load")
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")


LOOKS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_code_on_a_page_reads_as_the_text_beside_it(
    look: str, paying: Built, chromium: Browser, serve: Callable[[Path], str]
) -> None:
    origin = serve(paying.output)
    counted = 0
    with tab(chromium, **LOOKS[look]) as page:
        for currency in PAYEES:
            invoice_of(paying, page, origin, currency)
            codes, texts = page.locator(".qr [role=img]"), page.locator(".code p")
            assert codes.count() == texts.count() == (2 if currency in ("EUR", "CHF") else 1)
            for n in range(codes.count()):
                told = dict(
                    zip(
                        *(page.locator(".how").nth(n).locator(tag).all_inner_texts() for tag in ("dt", "dd")),
                        strict=True,
                    )
                )
                text = scanned(codes.nth(n).screenshot())
                assert text == texts.nth(n).text_content(), "the copyable text is the code's"
                read = read_code(text)
                assert (read.amount, read.currency) == (AMOUNT, currency)
                assert re.sub(r"[^\d.]", "", told["Amount"]) == str(AMOUNT)
                assert n or read.payee == PAYEES[currency]
                assert n or told["Payee"] in METHODS[currency]
                account = next(told[name] for name in ("IBAN", "UPI address", "PIX key") if name in told)
                assert read.account == account.replace(" ", "")
                assert read.reference == told["Reference"].replace(" ", "")
                counted += 1
    assert counted == 7


def test_a_upi_link_is_for_phones(paying: Built, chromium: Browser, serve: Callable[[Path], str]) -> None:
    origin = serve(paying.output)
    for look, shown in (("desk", False), ("phone", True)):
        with tab(chromium, **LOOKS[look]) as page:
            invoice_of(paying, page, origin, "INR")
            button = page.locator("a[href^='upi:']").first
            assert button.is_visible() == shown
            assert button.get_attribute("href") == page.locator(".code p").text_content()


def test_codes_on_a_printed_page_are_read(paying: Built, chromium: Browser, serve: Callable[[Path], str]) -> None:
    origin = serve(paying.output)
    with tab(chromium, viewport={"width": 698, "height": 1000}, device_scale_factor=2) as page:
        for currency in ("EUR", "CHF"):
            invoice_of(paying, page, origin, currency)
            page.emulate_media(media="print")
            text = scanned(page.locator(".way .qr [role=img]").screenshot())
            assert read_code(text).amount == AMOUNT
            page.emulate_media(media="screen")


# --- the drawing ---------------------------------------------------------------------------------------------------

EPC = "BCD\n002\n1\nSCT\n\nMira Lind\nIE29AIBK93115212345678\nEUR120.00\n\n\n2026-0042"
_CREDITOR = ["S", "Ä" * 70, "Ö" * 70, "1" * 16, "2" * 16, "Ü" * 35, "CH"]
_DEBTOR = ["S", "x" * 70, "y" * 70, "1", "2", "z" * 35, "CH"]
_ASKED = ["999999999.99", "CHF", *_DEBTOR, "QRR", "2" * 27, "m" * 140, "EPD"]
LONG_SWISS = "\n".join(["SPC", "0200", "1", "CH4431999123000889012", *_CREDITOR, *[""] * 7, *_ASKED])


def way(code: str, kind: Any) -> Way:
    return Way(method="it", kind="it", label="It", amount=Money(AMOUNT, "EUR"), code=code, code_kind=kind)


@pytest.mark.parametrize(("code", "kind"), [(EPC, "epc"), (LONG_SWISS, "swiss"), ("upi://pay?pa=a@b", "upi")])
def test_the_file_for_paper_is_read(code: str, kind: Any, chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "code.svg").write_bytes(qr_svg_file(way(code, kind)))
    with tab(chromium, viewport={"width": 600, "height": 600}, device_scale_factor=2) as page:
        page.goto((tmp_path / "code.svg").as_uri())
        assert scanned(page.screenshot()) == code


def drawing(svg: str | bytes) -> tuple[ET.Element, int]:
    """An SVG and how many modules its code has on a side."""
    root = ET.fromstring(svg)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert (left, top) == (-4, -4), "four modules of white around"
    assert width == height
    return root, int(width) - 8


def test_the_code_of_a_qr_bill_is_46_mm_wide_with_a_cross_of_7_mm() -> None:
    root, side = drawing(qr_svg_file(way(LONG_SWISS, "swiss")))
    assert root.attrib["width"] == root.attrib["height"]
    scale = float(root.attrib["width"].removesuffix("mm")) / (side + 8)
    assert side * scale == pytest.approx(46, abs=0.01)
    cross = root[2].attrib["d"]
    x, y, width = map(float, re.match(r"M([\d.]+) ([\d.]+)h([\d.]+)", cross).groups())  # type: ignore[union-attr]
    assert width * scale == pytest.approx(7, abs=0.01)
    assert x == y
    assert x + width / 2 == pytest.approx(side / 2, abs=0.01)
    assert [path.attrib["fill"] for path in root] == ["#fff", "#000", "#fff", "#000", "#fff"]


def test_a_drawing_is_small_and_the_same_each_time() -> None:
    svg = qr_svg(EPC, "epc")
    assert svg == qr_svg(EPC, "epc")
    assert len(svg) < 8000
    assert "style" not in svg
    root, side = drawing(str(svg).replace("<svg", '<svg xmlns="x"', 1))
    assert side == len(qr_matrix(EPC, "epc"))
    assert root.attrib["aria-hidden"] == "true"


@pytest.mark.parametrize(("kind", "version"), [("epc", 13), ("swiss", 25)])
def test_a_code_keeps_to_the_largest_version_of_its_standard(kind: Any, version: int) -> None:
    most = {"epc": 331, "swiss": 997}[kind]
    assert len(qr_matrix("a" * most, kind)) == 17 + 4 * version
    with pytest.raises(ValueError, match="too large"):
        qr_matrix("a" * (most + 1), kind)
