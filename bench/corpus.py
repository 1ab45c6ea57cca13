"""A practice of any size, the same bytes for the same size: for benchmarks and tests.

    python bench/corpus.py --size medium --out DIR               # the folder portalgen reads
    python bench/corpus.py --size medium --out DIR --form hugo   # its guides, clients and invoices for Hugo
    python bench/corpus.py --size medium --out DIR --form hugo-all   # and the papers that follow: receipts, statements, years

Beside it, DIR.manifest.json names amounts and words that must stand on sampled pages, so that no build can win by
leaving work out, and which file an edit is made to. Standard library only.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

# Guides, clients, invoices each: the pages are GUIDES + CLIENTS * (1 + INVOICES).
SIZES = {
    "60": (6, 9, 5),
    "small": (12, 30, 4),
    "600": (18, 97, 5),
    "medium": (60, 1000, 5),
    "large": (200, 10000, 5),
}
TODAY = dt.date(2026, 11, 21)
CENT = Decimal("0.01")
WORDS = """after again answer anxious appointment arrive ask aware balance because begin body breath calm carry change child choose
clear close comfort day decide different difficult early ease effort evening family fear feel find follow friend gentle ground
habit hand heart help hold hope hour keep kind learn leave letter listen long loss meet moment morning move name need night
notice open pace pain pause person place plan promise question quiet reach remember rest return room safe sense session settle
share short silence simple sleep slow small speak stay step story strength support talk tired together touch trust try
understand voice wait walk week welcome word work worry write year""".split()
NAMES = "Ada Bela Cato Dina Edda Fynn Gita Hugo Ines Jona Kaja Lars Mila Nils Orla Pia Quim Rosa Sven Tara Ugo Vera Wim Yara Zeno".split()
FAMILIES = "Abel Brandt Costa Dahl Engel Fabre Grant Holm Ivers Jansen Keller Lund Moreau Novak Ortega Palmer Quist Rossi".split()


class Line(NamedTuple):
    words: str
    quantity: Decimal
    price: Decimal
    rate: int

    @property
    def net(self) -> Decimal:
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


class Invoice(NamedTuple):
    number: str
    issued: dt.date
    lines: tuple[Line, ...]
    paid: Decimal
    note: str

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def taxes(self) -> dict[int, Decimal]:
        groups: dict[int, Decimal] = {}
        for line in self.lines:
            groups[line.rate] = groups.get(line.rate, Decimal(0)) + line.net
        return {rate: (base * rate / 100).quantize(CENT, ROUND_HALF_UP) for rate, base in groups.items()}

    @property
    def total(self) -> Decimal:
        return self.net + sum(self.taxes.values(), Decimal(0))


class Client(NamedTuple):
    id: str
    name: str
    invoices: tuple[Invoice, ...]

    @property
    def paid(self) -> list[Invoice]:
        """The invoices that something was paid of: each has a receipt."""
        return [invoice for invoice in self.invoices if invoice.paid]


def sentence(dice: random.Random, count: int = 0) -> str:
    words = dice.choices(WORDS, k=count or dice.randint(7, 15))
    return " ".join(words).capitalize() + "."


def text(dice: random.Random, words: int) -> str:
    sentences = []
    while sum(len(part.split()) for part in sentences) < words:
        part = sentence(dice)
        sentences.append(part.replace(part.split()[2], f"**{part.split()[2]}**", 1) if dice.random() < 0.2 else part)
    return " ".join(sentences)


def guide(number: int, guides: int) -> tuple[str, str, str]:
    """Title, summary and Markdown body of a guide."""
    dice = random.Random(f"guide {number}")
    parts = []
    for heading in range(4):
        other = dice.randrange(guides) + 1
        parts += [
            f"## {heading + 1}. {sentence(dice, 3)[:-1]}",
            text(dice, 90),
            f"See [another one](/guides/guide-{other:03d}/).",
        ]
        parts.append("\n".join(f"- {sentence(dice, 6)}" for _ in range(4)))
    return sentence(dice, 3)[:-1], sentence(dice), "\n\n".join(parts)


def client(number: int, invoices: int) -> Client:
    dice = random.Random(f"client {number}")
    made = []
    for count in range(invoices):
        lines = tuple(
            Line(
                sentence(dice, 4)[:-1],
                Decimal(dice.randint(1, 12)) / 2,
                Decimal(dice.randint(200, 9000)) / 100,
                dice.choice((0, 10, 20)),
            )
            for _ in range(dice.randint(2, 7))
        )
        draft = Invoice(
            f"{number + 1:05d}-{count + 1:02d}",
            TODAY - dt.timedelta(days=dice.randint(1, 700)),
            lines,
            Decimal(0),
            sentence(dice),
        )
        share = dice.choice((Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1)))
        made.append(draft._replace(paid=(draft.total * share).quantize(CENT, ROUND_HALF_UP)))
    name = f"{dice.choice(NAMES)} {dice.choice(FAMILIES)}"
    return Client(f"client-{number + 1:05d}", name, tuple(made))


SITE = """practice:
  name: The Long Table
  legal_name: Noor Vale
  owner: Noor Vale
  country: IE
  currency: EUR
  language: en
  timezone: Europe/Dublin
  email: noor@practice.example
  address: {line1: 3 Mill Lane, city: Sligo, postcode: F91 X1X1, country: IE}
  tax: {status: registered, vat_id: IE1234567FA}
  methods: [{id: transfer, kind: bank_generic, label: Bank transfer, instructions: Account 12345678}]
base_url: https://practice.example/
privacy: {mode: unlisted, acknowledge: I accept that my host and anyone who gets the link can read this}
documents: {pdf: false, einvoice: false}
"""


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")


def portalgen(out: Path, guides: list[tuple[str, str, str]], clients: list[Client]) -> None:
    content = out / "content"
    put(content / "site.yaml", SITE)
    put(content / "pages/home.md", "---\ntitle: The Long Table\n---\nSit down.\n")
    put(content / "terms/net30.yaml", "id: net30\ndue: net 30\nmethods: [transfer]\n")
    for number, (title, summary, body) in enumerate(guides, 1):
        put(content / f"guides/guide-{number:03d}.md", f"---\ntitle: {title}\nsummary: {summary}\n---\n{body}\n")
    for person in clients:
        folder = content / "clients" / person.id
        put(folder / "client.yaml", f"id: {person.id}\nname: {{display: {person.name}}}\nterms: net30\n")
        put(folder / "plan.md", "The next step is agreed.\n")
        payments = []
        for invoice in person.invoices:
            rows = [
                f"id: {invoice.number}",
                f"number: {invoice.number}",
                f"issued: {invoice.issued}",
                f"notes: {invoice.note}",
                "lines:",
            ]
            for line in invoice.lines:
                tax = f"{{category: S, rate: {line.rate}}}" if line.rate else "{category: Z, rate: 0}"
                rows += [
                    f"  - description: {line.words}",
                    f"    quantity: {line.quantity}",
                    f"    unit_price: {line.price:.2f}",
                    f"    tax: {tax}",
                ]
            put(folder / f"invoices/{invoice.number}.yaml", "\n".join(rows) + "\n")
            if invoice.paid:
                payments.append(
                    f"- id: {invoice.number}\n  date: {invoice.issued}\n  amount: {invoice.paid}\n  currency: EUR\n  method: transfer\n"
                    f"  allocations: [{{invoice: {invoice.number}, amount: {invoice.paid}}}]\n"
                )
        put(folder / "payments.yaml", "".join(payments))


HUGO_BASE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ .Title }}</title>
<link rel="stylesheet" href="/site.css"></head><body><header><nav><a href="/">Home</a> <a href="/guides/">Guides</a></nav></header>
<main>{{ block "main" . }}{{ end }}</main><footer><p>Noor Vale, 3 Mill Lane, Sligo</p></footer></body></html>
"""
# Hugo counts in floats: sums are whole cents there, so that they come out as exactly as ours.
HUGO_TOTALS = """{{- $net := 0.0 }}{{ $groups := newScratch }}
{{- range .Params.lines }}{{ $n := math.Round (mul .quantity .cents) }}{{ $net = add $net $n }}{{ $groups.Add (string .rate) $n }}{{ end }}
{{- $total := $net }}{{ $taxes := dict }}
{{- range $rate, $base := $groups.Values }}{{ $t := math.Round (div (mul $base (float $rate)) 100) }}
{{- $total = add $total $t }}{{ $taxes = merge $taxes (dict $rate $t) }}{{ end }}
{{- return dict "net" $net "taxes" $taxes "total" $total "left" (sub $total .Params.paid) }}
"""
HUGO_INVOICE = """{{ define "main" }}<h1>Invoice {{ .Params.number }}</h1><p>{{ .Params.issued }}</p><table><tbody>
{{- range .Params.lines }}{{ $n := math.Round (mul .quantity .cents) }}
<tr><td>{{ .words }}</td><td>{{ .quantity }}</td><td>{{ lang.FormatNumberCustom 2 (div .cents 100.0) }}</td><td>{{ lang.FormatNumberCustom 2 (div $n 100) }}</td></tr>
{{- end }}</tbody></table>{{ $sums := partialCached "totals.html" . .RelPermalink }}
{{- range $rate, $t := $sums.taxes }}
<p>{{ $rate }} %: {{ lang.FormatNumberCustom 2 (div $t 100) }}</p>{{ end }}
<p>Net {{ lang.FormatNumberCustom 2 (div $sums.net 100) }}, total {{ lang.FormatNumberCustom 2 (div $sums.total 100) }},
paid {{ lang.FormatNumberCustom 2 (div .Params.paid 100.0) }}, open {{ lang.FormatNumberCustom 2 (div $sums.left 100) }}</p>
{{ .Content }}{{ end }}
"""
HUGO_CLIENT = """{{ define "main" }}<h1>{{ .Title }}</h1>{{ .Content }}<ul>{{ range .Pages }}{{ $sums := partialCached "totals.html" . .RelPermalink }}
<li><a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ lang.FormatNumberCustom 2 (div $sums.left 100) }}</li>{{ end }}</ul>{{ end }}
"""
HUGO_LIST = """{{ define "main" }}<h1>{{ .Title }}</h1><ul>{{ range .Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul>{{ end }}
"""

HUGO_CLIENT_ALL = HUGO_CLIENT.replace("range .Pages", 'range where .Pages "Type" "invoice"').replace(
    "</ul>",
    """</ul><ul>{{ range where .Pages "Type" "!=" "invoice" }}
<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ul>""",
)
HUGO_RECEIPT = """{{ define "main" }}<h1>{{ .Title }}</h1><p>{{ .Params.date }}</p>
<p>{{ lang.FormatNumberCustom 2 (div .Params.paid 100.0) }} of {{ lang.FormatNumberCustom 2 (div .Params.total 100.0) }} for invoice {{ .Params.invoice }},
left {{ lang.FormatNumberCustom 2 (div (sub .Params.total .Params.paid) 100.0) }}</p>{{ end }}
"""
HUGO_STATEMENT = """{{ define "main" }}<h1>{{ .Title }}</h1><table><tbody>{{ $balance := 0 }}
{{- range .Params.rows }}{{ $balance = add $balance .cents }}
<tr><td>{{ .date }}</td><td>{{ .ref }}</td><td>{{ lang.FormatNumberCustom 2 (div .cents 100.0) }}</td><td>{{ lang.FormatNumberCustom 2 (div $balance 100.0) }}</td></tr>
{{- end }}</tbody></table><p>Left {{ lang.FormatNumberCustom 2 (div $balance 100.0) }}</p>{{ end }}
"""
HUGO_YEAR = """{{ define "main" }}<h1>{{ .Title }}</h1><table><tbody>{{ $sum := 0 }}
{{- range .Params.rows }}{{ $sum = add $sum .cents }}
<tr><td>{{ .date }}</td><td>{{ .ref }}</td><td>{{ lang.FormatNumberCustom 2 (div .cents 100.0) }}</td></tr>
{{- end }}</tbody></table><p>Paid {{ lang.FormatNumberCustom 2 (div $sum 100.0) }}</p>{{ end }}
"""


def hugo_all(out: Path, guides: list[tuple[str, str, str]], clients: list[Client]) -> None:
    """With a page for each receipt, statement of account and year, as portalgen derives them; their rows are given."""
    hugo(out, guides, clients)
    put(out / "layouts/client/section.html", HUGO_CLIENT_ALL)
    put(out / "layouts/receipt/page.html", HUGO_RECEIPT)
    put(out / "layouts/statement/page.html", HUGO_STATEMENT)
    put(out / "layouts/year/page.html", HUGO_YEAR)
    for person in clients:
        folder = out / f"content/c/{person.id}"
        for invoice in person.paid:
            rows = [f"title: Receipt {invoice.number}", "type: receipt", f'date: "{invoice.issued}"']
            rows += [f'invoice: "{invoice.number}"', f"paid: {cents(invoice.paid)}", f"total: {cents(invoice.total)}"]
            put(folder / f"receipts/{invoice.number}.md", "---\n" + "\n".join(rows) + "\n---\n")
        moves = [(invoice.issued, 0, invoice.number, cents(invoice.total)) for invoice in person.invoices]
        moves += [(invoice.issued, 1, f"Payment {invoice.number}", -cents(invoice.paid)) for invoice in person.paid]
        put(folder / "statements/eur.md", paper("Statement of account", "statement", sorted(moves)))
        for year in sorted({invoice.issued.year for invoice in person.paid}):
            found = [(one.issued, 0, one.number, cents(one.paid)) for one in person.paid if one.issued.year == year]
            put(folder / f"years/{year}.md", paper(f"Year {year}", "year", sorted(found)))


def cents(amount: Decimal) -> int:
    return int(amount * 100)


def paper(title: str, kind: str, moves: list[tuple[dt.date, int, str, int]]) -> str:
    rows = [f'  - {{date: "{day}", ref: {ref}, cents: {amount}}}' for day, _, ref, amount in moves]
    return "\n".join(["---", f"title: {title}", f"type: {kind}", "rows:", *rows, "---", ""])


def hugo(out: Path, guides: list[tuple[str, str, str]], clients: list[Client]) -> None:
    put(
        out / "hugo.yaml",
        "baseURL: https://practice.example/\ntitle: The Long Table\ndisableKinds: [taxonomy, term, RSS, sitemap, robotstxt, '404']\n",
    )
    put(out / "layouts/baseof.html", HUGO_BASE)
    put(out / "layouts/page.html", '{{ define "main" }}<h1>{{ .Title }}</h1>{{ .Content }}{{ end }}\n')
    put(out / "layouts/section.html", HUGO_LIST)
    put(out / "layouts/home.html", HUGO_LIST)
    put(out / "layouts/_partials/totals.html", HUGO_TOTALS)
    put(out / "layouts/invoice/page.html", HUGO_INVOICE)
    put(out / "layouts/client/section.html", HUGO_CLIENT)
    put(out / "static/site.css", "body { max-width: 60rem }\n")
    for number, (title, summary, body) in enumerate(guides, 1):
        put(out / f"content/guides/guide-{number:03d}.md", f"---\ntitle: {title}\nsummary: {summary}\n---\n{body}\n")
    for person in clients:
        put(
            out / f"content/c/{person.id}/_index.md",
            f"---\ntitle: {person.name}\ntype: client\n---\nThe next step is agreed.\n",
        )
        for invoice in person.invoices:
            rows = [
                f"title: Invoice {invoice.number}",
                "type: invoice",
                f'number: "{invoice.number}"',
                f'issued: "{invoice.issued}"',
                f"paid: {cents(invoice.paid)}",
                "lines:",
            ]
            for line in invoice.lines:
                rows += [
                    f"  - words: {line.words}",
                    f"    quantity: {line.quantity}",
                    f"    cents: {cents(line.price)}",
                    f"    rate: {line.rate}",
                ]
            put(
                out / f"content/c/{person.id}/{invoice.number}.md",
                "---\n" + "\n".join(rows) + f"\n---\n{invoice.note}\n",
            )


FORMS = {"portalgen": portalgen, "hugo": hugo, "hugo-all": hugo_all}


def manifest(form: str, guides: int, clients: list[Client]) -> dict[str, object]:
    checks: list[dict[str, object]] = []
    for person in (clients[0], clients[len(clients) // 2], clients[-1]):
        has = [person.name]
        for invoice in person.invoices:
            left = invoice.total - invoice.paid
            amounts = [line.net for line in invoice.lines] + [
                invoice.net,
                *(tax for tax in invoice.taxes.values() if tax),
                invoice.total,
            ]
            amounts += [amount for amount in (invoice.paid, left) if amount]
            checks.append(
                {
                    "kind": "invoice",
                    "ref": invoice.number,
                    "client": person.id,
                    "has": [invoice.number, *(f"{amount:,.2f}" for amount in amounts)],
                }
            )
            has += [invoice.number] + ([f"{left:,.2f}"] if left else [])
        checks.append({"kind": "portal", "ref": person.id, "client": person.id, "has": has})
        if form == "hugo-all":
            checks += papers(person)
    return {
        "checks": checks,
        "client": clients[0].id,
        "edit": {
            "portalgen": f"content/clients/{clients[0].id}/plan.md",
            "hugo": f"content/c/{clients[0].id}/_index.md",
        }[form.removesuffix("-all")],
        "pages": guides + sum(1 + len(c.invoices) for c in clients),
        "invoices": sum(len(c.invoices) for c in clients),
    }


def papers(person: Client) -> list[dict[str, object]]:
    """What must stand on the papers that follow from a client's invoices."""
    left = sum((invoice.total - invoice.paid for invoice in person.invoices), Decimal(0))
    found = [(f"receipts/{one.number}", [f"{one.paid:,.2f}", f"{one.total - one.paid:,.2f}"]) for one in person.paid]
    found.append(("statements/eur", [f"{left:,.2f}", *(one.number for one in person.invoices)]))
    for year in {one.issued.year for one in person.paid}:
        sums = [one.paid for one in person.paid if one.issued.year == year]
        found.append((f"years/{year}", [f"{sum(sums, Decimal(0)):,.2f}"]))
    return [{"kind": "paper", "ref": ref, "client": person.id, "has": has} for ref, has in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--form", choices=FORMS, default="portalgen")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    guides, clients, invoices = SIZES[given.size]
    pages = [guide(number, guides) for number in range(guides)]
    people = [client(number, invoices) for number in range(clients)]
    FORMS[given.form](given.out, pages, people)
    put(
        given.out.with_name(given.out.name + ".manifest.json"),
        json.dumps(manifest(given.form, guides, people), indent=1) + "\n",
    )


if __name__ == "__main__":
    main()
