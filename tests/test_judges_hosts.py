"""Five real servers with what portalgen generates for them: the headers are there, and `verify` finds every fault."""

from __future__ import annotations

import datetime as dt
import http.client
import shutil
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portalgen.publish.hosting import HEADERS, PRIVATE_HEADERS, control_files
from tests.servers import HOSTS, Setup, free_port, nginx_https, readable, running
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Result, invoke, minimal_site

BASE = "https://practice.example/"
SUB_PATH = "room/"
LOST = "Cross-Origin-Opener-Policy"
"""The header that the faulty servers do not send."""
NO_HSTS = tuple(name for name in HEADERS if name != "Strict-Transport-Security")


class Practice(NamedTuple):
    """A site that was built twice: first unlisted, then sealed and with another front page."""

    root: Path
    output: Path
    before: Path

    @property
    def sealed(self) -> str:
        """The path of a sealed page."""
        return next(
            path.relative_to(self.output).as_posix()
            for path in sorted((self.output / "p").glob("*.html"))
            if len(path.stem) == 32
        )

    @property
    def retired(self) -> str:
        """The path of a page that the first build wrote and the second closed."""
        return next(path for path in sorted((self.before / "p").iterdir()) if path.is_dir()).name


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """The site in its two states."""
    root = tmp_path_factory.mktemp("practice")
    minimal_site(root, MINIMAL_CLIENT)
    assert invoke("build", "--site", root, "--today", DEMO_DAY).code == 0
    shutil.copytree(root / "output", root / "before")
    settings = MINIMAL["content/site.yaml"]
    minimal_site(
        root,
        {
            **MINIMAL_CLIENT,
            "content/site.yaml": settings.replace("mode: unlisted", "mode: sealed"),
            "content/pages/home.md": MINIMAL["content/pages/home.md"] + "\nWith a window.\n",
        },
    )
    assert invoke("build", "--site", root, "--today", DEMO_DAY).code == 0
    return Practice(root, root / "output", root / "before")


class Served(NamedTuple):
    """The addresses of the servers: as they should be, below a path, and with four faults."""

    good: dict[str, str]
    below: dict[str, str]
    faulty: dict[str, str]


@pytest.fixture(scope="module")
def served(practice: Practice) -> Iterator[Served]:
    """All servers, started side by side."""
    with (
        tempfile.TemporaryDirectory(prefix="portalgen-hosts-") as name,
        ExitStack() as running_servers,
        ThreadPoolExecutor(4) as pool,
    ):
        top = Path(name).resolve()
        top.chmod(0o755)

        def start(kind: str, server: str) -> str:
            host, folder = HOSTS[server], top / kind / server
            place = folder / SUB_PATH if kind == "below" else folder
            shutil.copytree(practice.output, place)
            path = SUB_PATH if kind == "below" else ""
            for control, content in control_files(host.name, BASE + path).items():
                text = content.decode()
                (place / control).write_text(_without(text) if kind == "faulty" else text)
            if not host.control:
                (place / ".htaccess").write_text("# left from another host\n")
            if kind == "faulty":
                _spoil(practice, place)
            setup = Setup(path, _without if kind == "faulty" else str)
            command, work = host.start(setup), readable(folder).parent / f"{server}-work"
            return running_servers.enter_context(running(command, folder, work))

        def all_of(kind: str) -> dict[str, str]:
            servers = [name for name in HOSTS if not (kind == "below" and name == "wrangler")]
            return dict(zip(servers, pool.map(lambda name: start(kind, name), servers), strict=True))

        for kind in Served._fields:
            (top / kind).mkdir()
        yield Served(*map(all_of, Served._fields))


def _without(text: str) -> str:
    """A generated file without one of its headers."""
    lines = [line for line in text.split("\n") if LOST not in line]
    assert len(lines) < len(text.split("\n"))
    return "\n".join(lines)


def _spoil(practice: Practice, folder: Path) -> None:
    """A flipped byte, a page of the build before, and a private one that the second build closed."""
    page = folder / practice.sealed
    content = bytearray(page.read_bytes())
    content[-1200] ^= 1
    page.write_bytes(content)
    shutil.copyfile(practice.before / "index.html", folder / "index.html")
    shutil.copytree(practice.before / "p" / practice.retired, folder / "p" / practice.retired, dirs_exist_ok=True)


def get(address: str, path: str, host: str = "") -> tuple[int, dict[str, str]]:
    """The status and headers of one answer, no redirect followed."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    connection.request("GET", path, headers={"Host": host} if host else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


def verified(practice: Practice, address: str) -> Result:
    return invoke("verify", address, "--site", practice.root)


@pytest.mark.parametrize("server", HOSTS)
def test_the_headers_are_there_also_on_errors(server: str, served: Served, practice: Practice) -> None:
    address = served.good[server]
    sealed = f"/{practice.sealed}"
    if server == "wrangler":  # Cloudflare strips .html and leads there
        sealed = sealed.removesuffix(".html")
    for path, status in (("/", 200), (sealed, 200), ("/none/", 404), ("/p/none.html", 404)):
        wanted = {name: HEADERS[name] for name in NO_HSTS}
        wanted |= PRIVATE_HEADERS if path.startswith("/p/") else {}
        answered, headers = get(address, path)
        assert answered == status, path
        # Cloudflare's server keeps nothing of a wrong address, and says so in its own words
        if server == "wrangler" and status == 404:
            assert headers["cache-control"] == "no-store"
            wanted.pop("Cache-Control", None)
        assert {name: headers.get(name.lower()) for name in wanted} == wanted, path
        if server in ("apache", "wrangler"):  # their files are for https and its base address
            assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("server", HOSTS)
def test_verify_passes_what_is_as_it_was_built(server: str, served: Served, practice: Practice) -> None:
    result = verified(practice, served.good[server])
    assert result.code == 0, result
    assert result.stdout.strip().endswith("all is as it was built.")
    if server in served.below:
        result = verified(practice, f"{served.below[server]}/{SUB_PATH}")
        assert result.code == 0, result


@pytest.mark.parametrize("server", HOSTS)
def test_verify_finds_four_faults(server: str, served: Served, practice: Practice) -> None:
    result = invoke("verify", served.faulty[server], "--site", practice.root, "--json")
    assert result.code == 3, result
    found = {fault["at"]: fault["message"] for fault in result.json["faults"]}
    retired = f"p/{practice.retired[:6]}…/index.html"
    assert set(found) == {practice.sealed, "index.html", retired, LOST}, result
    assert "never built" in found[practice.sealed]
    assert "an older copy" in found["index.html"]
    assert "an older copy" in found[retired]
    assert "missing" in found[LOST]
    assert practice.retired not in result.stdout  # that address alone opens a page


@pytest.mark.parametrize("server", HOSTS)
def test_assets_are_kept_long_and_have_their_type(server: str, served: Served, practice: Practice) -> None:
    style = next((practice.output / "assets").glob("theme.*.css")).name
    status, headers = get(served.good[server], f"/assets/{style}")
    assert status == 200
    assert headers["content-type"].startswith("text/css")
    assert "immutable" in headers["cache-control"]


def test_apache_leads_http_to_https(served: Served) -> None:
    status, headers = get(served.good["apache"], "/fees/index.html?a=b", host="practice.example")
    assert (status, headers["location"]) == (301, "https://practice.example/fees/index.html?a=b")
    status, _ = get(served.good["apache"], "/.well-known/acme-challenge/x", host="practice.example")
    assert status == 404


def test_no_server_hands_out_its_settings(served: Served) -> None:
    for server in ("nginx", "caddy", "lighttpd"):
        assert get(served.good[server], "/.htaccess")[0] in (403, 404), server
    assert get(served.good["wrangler"], "/_headers")[0] == 404


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    """A certificate of our own for a host, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return pem, private


def test_https_with_the_generated_settings(practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx at https://practice.example/: http leads there, HSTS is on every answer, an unknown certificate is refused."""
    pem, key = certificate_for("practice.example", tmp_path)
    plain = free_port()
    really = socket.create_connection
    with tempfile.TemporaryDirectory(prefix="portalgen-https-") as name:
        folder = Path(name).resolve() / "site"
        shutil.copytree(practice.output, folder)
        readable(folder.parent)
        with running(nginx_https(BASE, pem, key, plain), folder, tmp_path / "work") as address:
            ports = {443: urlsplit(address).port, 80: plain}

            def connect(wanted: tuple[str, int], *args: Any, **more: Any) -> socket.socket:
                assert wanted[0] == "practice.example"
                return really(("127.0.0.1", ports[wanted[1]]), *args, **more)

            status, headers = get(f"http://127.0.0.1:{plain}", "/fees/?a=b", host="practice.example")
            assert (status, headers["location"]) == (301, "https://practice.example/fees/?a=b")
            monkeypatch.setattr(socket, "create_connection", connect)
            result = verified(practice, BASE)
            assert result.code == 4, result
            assert "the certificate of practice.example is not valid" in result.stderr
            monkeypatch.setenv("SSL_CERT_FILE", str(pem))
            result = verified(practice, BASE)
            assert result.code == 0, result
            assert result.stderr == ""
