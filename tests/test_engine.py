"""What `serve` shows after any edits is what `build` writes before sealing, and it tells what changed (design §6)."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from portalgen.content.lock import LOCK
from portalgen.desk.engine import Engine
from portalgen.desk.stage import Sealed, Update
from portalgen.desk.watch import Edits
from portalgen.publish.access import open_access
from portalgen.publish.build import assemble
from tests.support import MINIMAL, MINIMAL_CLIENT, minimal_site

DAY = dt.date(2026, 11, 21)
STEPS = 40
SITE = "content/site.yaml"
SECOND = """\
id: bo
name: {display: Bo Weber}
email: bo@client.example
terms: net14
contacts: [{id: payer, name: Kim Weber, role: payer, scope: billing}]
"""
BILL = """\
id: %s
number: %s
issued: 2026-11-02
lines:
  - {description: Session, quantity: 1, unit_price: 80.00}
"""
BEYOND_ONE_CLIENT = {
    *("duplicate-id", "duplicate-number", "number", "number-gap", "vanished", "refers-to-broken", "bad-name"),
    *("leaked-client", "leaked-private", "possible-leak", "dead-link", "dead-anchor"),
}
"""What is wrong only beside other clients, or on pages that were not edited: the look at the whole site tells of it."""


SEALED = re.compile(r"p/[a-z2-7]{32}\.html", re.ASCII)


class Told(list[Update]):
    """What an engine told, none of which is a bug: that would look like any other problem."""

    def hear(self, update: Update) -> None:
        """Takes an update."""
        assert not [text for text in update.problems if "bug in portalgen" in text], update.problems
        self.append(update)


def started(root: Path) -> tuple[Engine, Told]:
    told = Told()
    engine = Engine(root, DAY, looks=False)
    engine.begin(told.hear, tuple, lambda: None)
    engine.update(None)
    return engine, told


def everything(engine: Engine) -> dict[str, bytes]:
    """All that is shown."""
    found = {address: engine.get(address) for address in engine.addresses()}
    assert None not in found.values()
    return {address: content for address, content in found.items() if content is not None}


def names(update: Update) -> set[str]:
    return {*update.changed, *update.restyled}


class Practice:
    """A site under the hands of somebody who does anything at all. Each change gives the paths it touched."""

    def __init__(self, root: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.saved: list[dict[str, bytes]] = []
        more = {
            "content/clients/bo/client.yaml": SECOND,
            "content/clients/bo/plan.md": "Walk in the morning.\n",
            "content/clients/bo/invoices/2026-0002.yaml": BILL % ("2026-0002", "2026-0002"),
            "content/clients/bo/files/note.txt": "A note.\n",
            "content/guides/rest.md": "---\ntitle: Rest\nsummary: Lie down.\n---\n## First\n\nSee [walk](walk.md).\n",
            "content/guides/walk.md": "---\ntitle: Walk\nsummary: Get up.\n---\nGo out.\n",
            "content/services/talk.md": "---\nname: Talk\nprice: 80\n---\nWe talk.\n",
            "content/static/room.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
            "content/static/deep/er/file.txt": "text",
        }
        self.root = minimal_site(root, {**MINIMAL_CLIENT, **more})
        self.keep()

    def word(self) -> str:
        self.count += 1
        return f"w{self.count}"

    def files(self, pattern: str) -> list[Path]:
        return sorted(path for path in self.root.glob(pattern) if path.is_file())

    def path(self, place: Path) -> str:
        return place.relative_to(self.root).as_posix()

    def put(self, name: str, text: str) -> set[str]:
        """Saves, in one of the ways in which that is done."""
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if self.dice.random() < 0.5:
            place.write_text(text, encoding="utf-8")
        else:
            aside = place.with_name(f".{place.name}.swp")
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, place)
        return {name}

    def keep(self) -> None:
        """Remembers the sources, so that an edit can be taken back as by `git checkout`."""
        found = [*self.files("content/**/*"), *self.files("templates/**/*")]
        self.saved = [*self.saved[-3:], {self.path(place): place.read_bytes() for place in found}]

    def go_back(self) -> set[str]:
        wanted = self.dice.choice(self.saved)
        there = {self.path(p): p for p in (*self.files("content/**/*"), *self.files("templates/**/*"))}
        touched = set()
        for name, place in there.items():
            if name not in wanted:
                place.unlink()
                touched.add(name)
        for name, content in wanted.items():
            if name not in there or there[name].read_bytes() != content:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                (self.root / name).write_bytes(content)
                touched.add(name)
        for folder in sorted(self.root.glob("content/clients/*"), reverse=True):
            if not any(path.is_file() for path in folder.rglob("*")):
                shutil.rmtree(folder)
                touched.add(self.path(folder))
        return touched

    def change(self) -> Edits:
        """Does something; None is what the watcher says when it cannot tell."""
        deed = self.dice.choice(self.deeds())
        touched = deed()
        return None if self.dice.random() < 0.03 else frozenset(touched)

    def deeds(self) -> list[Callable[[], set[str]]]:
        often = [self.plan, self.plan, self.guide, self.invoice, self.payment, self.client_file, self.go_back]
        return [
            *often,
            *(self.new_guide, self.less, self.move, self.static, self.settings, self.template, self.no_template),
            *(self.new_client, self.folder_away, self.folder_moved, self.contact, self.break_one, self.rotate),
            *(self.revoke, self.again, self.service, self.attach, self.unlike_names, self.page),
        ]

    def client(self) -> str:
        return self.dice.choice([path.name for path in self.root.glob("content/clients/*")] or ["ana"])

    def plan(self) -> set[str]:
        return self.put(f"content/clients/{self.client()}/plan.md", f"Our plan is {self.word()}.\n")

    def guide(self) -> set[str]:
        place = self.dice.choice(self.files("content/guides/*") or [self.root / "content/guides/rest.md"])
        links = self.dice.choice(["", "[a](walk.md)", "[b](/services/talk/)", "[c](rest.md#first)", "[d](none.md)"])
        title = self.dice.choice(["Rest", self.word()])
        text = f"---\ntitle: {title}\nsummary: Lie down.\n---\n## First\n\n{self.word()} {links}\n"
        return self.put(self.path(place), text)

    def new_guide(self) -> set[str]:
        name = self.word()
        return self.put(f"content/guides/{name}.md", f"---\ntitle: {name}\nsummary: New.\n---\nText.\n")

    def page(self) -> set[str]:
        name = self.dice.choice(["about", "story", "press"])
        return self.put(f"content/pages/{name}.md", f"---\ntitle: {self.word()}\norder: 3\n---\nText.\n")

    def service(self) -> set[str]:
        price = self.dice.randrange(60, 99)
        return self.put("content/services/talk.md", f"---\nname: Talk\nprice: {price}\n---\nWe talk.\n")

    def less(self) -> set[str]:
        place = self.dice.choice(self.files("content/*/**/*"))
        place.unlink()
        return {self.path(place)}

    def move(self) -> set[str]:
        place = self.dice.choice(self.files("content/guides/*") or self.files("content/pages/*"))
        target = place.with_name(f"{self.word()}{place.suffix}")
        place.rename(target)
        return {self.path(place), self.path(target)}

    def static(self) -> set[str]:
        name = self.dice.choice(["room.svg", "deep/er/file.txt", f"{self.word()}/x.txt"])
        return self.put(f"content/static/{name}", f"<svg xmlns='x'>{self.word()}</svg>")

    def attach(self) -> set[str]:
        return self.put(f"content/clients/{self.client()}/files/note.txt", f"A note of {self.word()}.\n")

    def settings(self) -> set[str]:
        text = (self.root / SITE).read_text(encoding="utf-8") if (self.root / SITE).exists() else MINIMAL[SITE]
        swaps = (
            ("mode: unlisted", "mode: sealed"),
            ("mode: sealed", "mode: unlisted"),
            ("base_url: https://practice.example/", "base_url: https://other.example/deep/"),
            ("language: en", "language: de"),
            ("name: Quiet Room", f"name: {self.word()} Room"),
            ("currency: EUR", "currency: EUR\n  phone: +353 1 555 0100"),
        )
        return self.put(SITE, text.replace(*self.dice.choice(swaps), 1))

    def template(self) -> set[str]:
        extend = '{%% extends "theme/%s" %%}{%% block title %%}%s{%% endblock %%}'
        name = self.dice.choice(["guide.html", "portal.html", "invoice.html", "404.html", "theme.css", "theme.css"])
        css = f"h1 {{ color: rgb({self.count % 255}, 0, 0) }}\n"
        broken = self.dice.choice(["", "", "", "{% nothing %}", "{{ none.at.all }}"])
        text = css if name.endswith("css") else extend % (name, self.word() + broken)
        return self.put(f"templates/{name}", text)

    def no_template(self) -> set[str]:
        shutil.rmtree(self.root / "templates", ignore_errors=True)
        return {"templates"}

    def new_client(self) -> set[str]:
        name = self.word()
        return self.put(
            f"content/clients/{name}/client.yaml", f"id: {name}\nname: {{display: {name} Novak}}\nterms: net14\n"
        )

    def folder_away(self) -> set[str]:
        name = self.client()
        place = self.root / "content/clients" / name
        shutil.rmtree(place, ignore_errors=True)
        if self.dice.random() < 0.7 and (self.root / LOCK).exists() and (opened := open_access(self.root)[0]):
            opened.revoke(name)
            return {f"content/clients/{name}", LOCK}
        return {f"content/clients/{name}"}

    def folder_moved(self) -> set[str]:
        name, other = self.client(), self.word()
        place = self.root / "content/clients" / name
        if not (place / "client.yaml").exists():
            return set()
        place.rename(place.with_name(other))
        text = (place.with_name(other) / "client.yaml").read_text(encoding="utf-8")
        moved = self.put(f"content/clients/{other}/client.yaml", re.sub("(?m)^id: .*", f"id: {other}", text))
        return {f"content/clients/{name}", *moved}

    def contact(self) -> set[str]:
        name = self.client()
        contacts = self.dice.choice(["", f"contacts: [{{id: {self.word()}, name: Kim, role: payer, scope: all}}]\n"])
        more = self.dice.choice(["", "publish: false\n", "privacy: sealed\n", "language: de\n"])
        text = f"id: {name}\nname: {{display: {name} Novak}}\nterms: net14\n{contacts}{more}"
        return self.put(f"content/clients/{name}/client.yaml", text)

    def client_file(self) -> set[str]:
        return self.put(
            f"content/clients/{self.client()}/sessions.yaml", "- {id: s1, start: 2026-12-01T10:00, status: planned}\n"
        )

    def invoice(self) -> set[str]:
        number = f"2026-1{self.count:03d}"
        self.word()
        issued = self.dice.choice(["2026-11-03", "2026-11-20"])
        text = (BILL % (number, number)).replace("2026-11-02", issued)
        return self.put(f"content/clients/{self.client()}/invoices/{number}.yaml", text)

    def payment(self) -> set[str]:
        name = self.client()
        bills = self.files(f"content/clients/{name}/invoices/*.yaml")
        if not bills:
            return set()
        bill = self.dice.choice(bills).stem
        entry = (
            f"- {{id: p{self.count}, date: 2026-11-10, amount: 10, currency: EUR, method: cash, "
            f"allocations: [{{invoice: {bill}, amount: 10}}]}}\n"
        )
        return self.put(f"content/clients/{name}/payments.yaml", entry)

    def break_one(self) -> set[str]:
        place = self.dice.choice(self.files("content/**/*.md") + self.files("content/**/*.yaml"))
        self.keep()
        return self.put(self.path(place), "---\nnonsense: [\n---\n")

    def unlike_names(self) -> set[str]:
        name = self.dice.choice(["content/clients/Bad Name/client.yaml", "content/guides/x (conflicted copy).md"])
        return self.put(name, "x")

    def rotate(self) -> set[str]:
        opened = open_access(self.root)[0] if (self.root / LOCK).exists() else None
        return {LOCK} if opened and opened.rotate(self.client()) else set()

    def revoke(self) -> set[str]:
        opened = open_access(self.root)[0] if (self.root / LOCK).exists() else None
        gone = self.dice.choice(sorted({row.client for row in opened.lock.links})) if opened else ""
        return {LOCK} if opened and opened.revoke(gone) else set()

    def again(self) -> set[str]:
        place = self.dice.choice(self.files("content/**/*"))
        os.utime(place)
        return {self.path(place)}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_shown_after_any_edits_is_what_build_writes(tmp_path: Path, seed: int) -> None:
    practice = Practice(tmp_path, seed)
    engine, told = started(practice.root)
    compared = 0
    for step in range(STEPS):
        result = assemble(practice.root, today=DAY, seals=False)
        if result.files is not None:
            practice.keep()
            if practice.dice.random() < 0.8:
                shown = everything(engine)
                engine.close()  # keeps the links
                wanted = assemble(practice.root, today=DAY, seals=False).files
                assert wanted is not None
                assert shown.keys() == wanted.keys(), f"step {step}"
                assert [address for address in shown if shown[address] != wanted[address]] == [], f"step {step}"
                assert told[-1].problems == ()
                compared += 1
        elif not told[-1].problems:
            everything(engine)
            codes = {problem.code for problem in result.problems if problem.severity == "error"}
            assert told[-1].problems or codes <= BEYOND_ONE_CLIENT, codes
        wrong = result.files is None and practice.saved and practice.dice.random() < 0.6
        engine.update(frozenset(practice.go_back()) if wrong else practice.change())
    assert compared > STEPS / 4


@pytest.mark.parametrize("seed", range(3))
def test_a_sealed_page_after_any_edits_is_what_build_writes(tmp_path: Path, seed: int) -> None:
    """Asked for before or after the open pages; what the practice publishes in the clear has none."""
    practice = Practice(tmp_path, seed + 200)
    (practice.root / SITE).write_text(MINIMAL[SITE].replace("mode: unlisted", "mode: sealed"), encoding="utf-8")
    practice.keep()
    engine, _ = started(practice.root)
    compared = 0
    for step in range(STEPS):
        engine.close()  # keeps the links
        wanted = assemble(practice.root, today=DAY).files
        if wanted is not None:
            practice.keep()
            pages = {path: page for path, page in wanted.items() if SEALED.fullmatch(path)}
            if practice.dice.random() < 0.5:
                everything(engine)
            assert [path for path, page in pages.items() if engine.sealed(path) != Sealed(page)] == [], f"step {step}"
            clear = {path.split("/")[1] for path in wanted if path.startswith("p/") and path.count("/") > 1}
            assert {engine.sealed(f"p/{token}.html") for token in clear} <= {Sealed(None)}
            compared += len(pages)
        wrong = wanted is None and practice.dice.random() < 0.6
        engine.update(frozenset(practice.go_back()) if wrong else practice.change())
    assert compared > STEPS


@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_is_what_changed_among_what_is_shown(tmp_path: Path, seed: int) -> None:
    practice = Practice(tmp_path, seed + 100)
    engine, told = started(practice.root)
    before = everything(engine)
    heard = 0
    for step in range(STEPS):
        tabs = practice.dice.sample(sorted(before), 3)
        engine.begin(told.hear, lambda tabs=tabs: tabs, lambda: None)  # type: ignore[misc]
        wrong = told[-1].problems and practice.dice.random() < 0.6
        del told[:]
        engine.update(frozenset(practice.go_back()) if wrong else practice.change())
        at_once = set[str]().union(*map(names, told))
        after = everything(engine)
        if not told[-1].problems:
            practice.keep()
        changed = {address for address in {*before, *after} if before.get(address) != after.get(address)}
        every = set[str]().union(*map(names, told))
        assert every <= changed, f"step {step}: told of what is as it was"
        for address in changed - every:  # what was not there, so that nobody saw it, and stand-ins for a folder's page
            guard = before.get("404.html") == before.get(address)
            assert address not in before or (guard and after.get(address) in (None, after.get("404.html"))), address
        assert changed.intersection(tabs) - (changed - every) <= at_once, f"step {step}: told too late"
        before = after
        heard += bool(changed)
    assert heard > STEPS / 4
