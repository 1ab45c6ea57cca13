"""Fixtures that many tests share, and the rule that nothing is skipped where everything is installed."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from filelock import FileLock
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support import DEMO_DAY, JUDGES, ROOT, Built, file_server, opened, opened_demo, program, run

if TYPE_CHECKING:
    from tests.desks import Desk

CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

MEMORY = Path("/dev/shm")
ROOM = 2_000_000_000
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = str(MEMORY)  # thousands of small sites are written, flushed and removed: disks take minutes
    tempfile.tempdir = None

# what one process compiled, hundreds of others need not compile again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# a script's background jobs ignore Ctrl-C, and so would every program that they start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("ci" if CI else "local")


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under CI every tool is there, so a test that skips judges nothing: it fails."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped under CI, where nothing may be. {reason}"


def pytest_collection_finish() -> None:
    """What was imported and collected stays, so the collector need not look at it, nor come for every few objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish() -> None:
    """What is alive at the end is not looked at five times more."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of one run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


def _built_once(shared: Path, name: str, make: Callable[[Path], object]) -> Built:
    """The site `name`, made and built by the worker that comes first. A build that failed fails for every worker."""
    folder = shared / f"built-{name}"
    site, output, report = folder / "site", folder / "output", folder / "report.json"
    with FileLock(shared / f"built-{name}.lock"):
        if not report.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(site)
            result = run("build", "--site", site, "--today", DEMO_DAY, "--output", output, "--json", cwd=folder)
            if result.code != 0:
                pytest.fail(f"the {name} does not build: {result}")
            report.write_text(result.stdout, encoding="utf-8")
    return Built(site, output, json.loads(report.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def demo(shared_folder: Path) -> Built:
    """The demo practice with its private pages in the clear, built once a run from a copy, so that no key and no lock
    lands in the repository."""
    return _built_once(shared_folder, "demo", opened_demo)


@pytest.fixture(scope="session")
def sealed_demo(shared_folder: Path) -> Built:
    """The demo practice as it is: sealed."""

    def make(site: Path) -> None:
        shutil.copytree(ROOT / "content", site / "content")

    return _built_once(shared_folder, "sealed-demo", make)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The desk of a small site, to write at."""
    from tests.desks import desk_of, small_site

    with desk_of(small_site(tmp_path / "site")) as desk:
        yield desk


@pytest.fixture(scope="session")
def demo_output(demo: Built) -> Path:
    """The folder of the built demo."""
    return demo.output


@pytest.fixture(scope="session")
def starter(shared_folder: Path) -> Built:
    """What `portalgen init` gives somebody who begins, its private pages in the clear, built once a run."""

    def make(site: Path) -> None:
        result = run("init", site, "--today", DEMO_DAY)
        if result.code != 0:
            pytest.fail(f"init fails: {result}")
        opened(site)

    return _built_once(shared_folder, "starter", make)


@pytest.fixture(scope="session")
def starter_output(starter: Built) -> Path:
    """The folder of the built starter."""
    return starter.output


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless: where it is installed the shell, which is the same engine without the windows around
    it and has less to do. It resolves no name at all, so nothing it asks for leaves this machine."""
    executable = program("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed")
    expect.set_options(timeout=30_000)  # what is right is seen at once, how busy the machine is nobody knows
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve a folder for the rest of the run: `serve(folder)` gives its address."""
    with ExitStack() as running:
        addresses: dict[Path, str] = {}

        def address(folder: Path) -> str:
            if folder not in addresses:
                addresses[folder] = running.enter_context(file_server(folder))
            return addresses[folder]

        yield address


@pytest.fixture(scope="session")
def axe_source() -> str:
    """axe-core's script."""
    path = JUDGES / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("axe-core is not installed (npm install in tests/judges)")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def nu_checker() -> list[str]:
    """The command that starts the Nu HTML checker."""
    java, jar = program("java"), JUDGES / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    if java is None:
        pytest.skip("Java is not installed")
    if not jar.is_file():
        pytest.skip("the Nu HTML checker is not installed (npm install in tests/judges)")
    manner = ["-Xss4m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a short run on few cores
    # it fetches the pages from a server on this machine, which it would else refuse
    return [java, *manner, "-Dnu.validator.servlet.allow-forbidden-hosts=true", "-jar", str(jar)]
