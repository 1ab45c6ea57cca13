"""What a build writes for a host: into the output, and beside `content/` for the practitioner to put in place."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from portalgen.publish.hosting import (
    HEADERS,
    PRIVATE_HEADERS,
    beside_files,
    control_files,
    is_control,
    is_untouched,
)
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, Result, invoke, minimal_site, program

BASE = "https://practice.example/"
HOSTS = ("netlify", "cloudflare-pages", "github-pages", "apache", "nginx", "caddy", "lighttpd", "s3", "ftp")


def site_with(root: Path, host: str, *, base: str = BASE, mode: str = "unlisted") -> Path:
    """The minimal site on a host."""
    settings = MINIMAL["content/site.yaml"].replace(BASE, base).replace("mode: unlisted", f"mode: {mode}")
    return minimal_site(root, {"content/site.yaml": f"{settings}hosting: {{host: {host}}}\n"})


def build(root: Path, *args: str) -> Result:
    return invoke("build", "--site", root, "--today", DEMO_DAY, *args)


@pytest.mark.parametrize(
    ("host", "files", "beside"),
    [
        ("netlify", {"_headers"}, set()),
        ("cloudflare-pages", {"_headers"}, set()),
        ("github-pages", {".nojekyll"}, {"github-pages.yml"}),
        ("apache", {".htaccess"}, set()),
        ("ftp", {".htaccess"}, set()),
        ("nginx", set(), {"nginx.conf"}),
        ("caddy", set(), {"Caddyfile"}),
        ("lighttpd", set(), {"lighttpd.conf"}),
        ("s3", set(), {"s3.md", "headers-everywhere.json", "headers-private.json", "index-pages.js"}),
    ],
)
def test_every_host_gets_what_it_needs(host: str, files: set[str], beside: set[str], tmp_path: Path) -> None:
    root = site_with(tmp_path / "site", host, mode="sealed")
    result = build(root)
    assert result.code == 0, result
    there = {path.name for path in (root / "output").iterdir() if path.name[0] in "._"}
    assert there == files == set(control_files(host, BASE))
    made = {path.name for path in (root / "hosting").iterdir()} if (root / "hosting").exists() else set()
    assert made == beside
    for name in files:
        assert (root / "output" / name).read_bytes() == control_files(host, BASE)[name]
        assert is_control(name)
    again = build(root, "--no-cache")
    assert " 0 files written" in again.stdout


def test_without_a_host_nothing_is_written_for_one(tmp_path: Path) -> None:
    root = minimal_site(tmp_path / "site")
    assert build(root).code == 0
    assert not (root / "hosting").exists()
    assert not [path for path in (root / "output").iterdir() if path.name[0] in "._"]


@pytest.mark.parametrize("host", HOSTS)
def test_every_place_is_filled_in(host: str) -> None:
    for files in (control_files(host, BASE), beside_files(host, BASE), beside_files(host, "")):
        for name, content in files.items():
            words = {word for word in content.decode().split("@")[1::2] if word.isalpha()}
            assert not words, f"{name}: {words}"


@pytest.mark.parametrize("host", ["netlify", "cloudflare-pages"])
def test_headers_file_names_each_header_once_for_a_page(host: str) -> None:
    """These hosts join the values of two rules, so a page must not get one header from both."""
    rules: dict[str, dict[str, str]] = {}
    for line in control_files(host, BASE)["_headers"].decode().splitlines():
        if line.startswith("/"):
            rules[line] = {}
        elif not line.strip().startswith("!"):
            name, _, value = line.strip().partition(": ")
            assert name not in rules[list(rules)[-1]]
            rules[list(rules)[-1]][name] = value
    assert rules["/*"] == HEADERS
    assert rules["/p/*"] == PRIVATE_HEADERS
    for pattern in ("/p/*", "/assets/*"):
        assert not rules["/*"].keys() & rules[pattern].keys()


def test_apache_knows_the_path_of_the_site() -> None:
    text = control_files("ftp", "https://practice.example/a+b/room/")[".htaccess"].decode()
    assert "ErrorDocument 404 /a+b/room/404.html" in text
    assert r'SetEnvIf Request_URI "^/a\+b/room/p/"' in text
    assert "RewriteEngine" not in control_files("ftp", "http://localhost:8000/")[".htaccess"].decode()


def test_plain_http_promises_no_https() -> None:
    for host in ("nginx", "caddy", "lighttpd"):
        (content,) = beside_files(host, "http://127.0.0.1:8000/").values()
        assert b"Strict-Transport-Security" not in content
        assert b"ssl" not in content
        (content,) = beside_files(host, BASE).values()
        assert b"max-age=31536000" in content


def test_the_policies_for_cloudfront_say_every_header() -> None:
    files = beside_files("s3", BASE)
    for name, wanted in (
        ("headers-everywhere.json", HEADERS),
        ("headers-private.json", {**HEADERS, **PRIVATE_HEADERS}),
    ):
        policy = json.loads(files[name])
        assert len(policy["Comment"]) <= 128
        custom = {item["Header"]: item["Value"] for item in policy["CustomHeadersConfig"]["Items"]}
        assert policy["CustomHeadersConfig"]["Quantity"] == len(custom)
        security = policy["SecurityHeadersConfig"]
        told = {
            **custom,
            "Strict-Transport-Security": f"max-age={security['StrictTransportSecurity']['AccessControlMaxAgeSec']}",
            "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
            "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
            "X-Frame-Options": security["FrameOptions"]["FrameOption"],
            "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        }
        assert told == wanted


def test_the_function_for_cloudfront_finds_the_index(tmp_path: Path) -> None:
    node = program("node")
    if node is None:
        pytest.skip("Node is not installed")
    script = tmp_path / "index.js"
    ask = "for (const uri of ['/', '/a/', '/p/x.html']) console.log(handler({request: {uri}}).uri)"
    script.write_bytes(beside_files("s3", BASE)["index-pages.js"] + ask.encode())
    done = subprocess.run([node, str(script)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["/index.html", "/a/index.html", "/p/x.html"]


def test_the_workflow_builds_each_day_and_keeps_the_key_to_one_step() -> None:
    text = beside_files("github-pages", BASE)["github-pages.yml"].decode()
    workflow = yaml.safe_load(text)
    assert workflow[True]["schedule"][0]["cron"]  # YAML 1.1 reads `on` as true
    steps = workflow["jobs"]["site"]["steps"]
    assert [step.get("env") for step in steps if "env" in step] == [{"PORTALGEN_KEY": "${{ secrets.PORTALGEN_KEY }}"}]
    assert workflow["permissions"]["contents"] == "read"
    order = [step.get("uses", step.get("name", "")).partition("@")[0] for step in steps]
    refusing = next(number for number, name in enumerate(order) if name.startswith("Refuse"))
    assert order.index("Build") < refusing < order.index("actions/upload-pages-artifact")


def test_the_workflow_refuses_links_that_nobody_committed(tmp_path: Path) -> None:
    git, bash = program("git"), program("bash")
    if git is None or bash is None:
        pytest.skip("git is not installed")
    steps = yaml.safe_load(beside_files("github-pages", BASE)["github-pages.yml"])["jobs"]["site"]["steps"]
    script = next(step["run"] for step in steps if step.get("name", "").startswith("Refuse"))

    def run(*command: str) -> int:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60).returncode

    assert run(git, "init", "-q") == 0
    assert run(bash, "-e", "-c", script) == 0  # a site without clients
    lock = tmp_path / "portalgen.lock"
    row = '{"kind": "link", "salt": "%s", "state": "%s"}\n'
    lock.write_text(row % ("ab" * 16, "live"))
    assert run(bash, "-e", "-c", script) == 1  # never committed
    run(git, "add", "portalgen.lock")
    identity = ("-c", "user.name=Mira", "-c", "user.email=mira@practice.example")
    assert run(git, *identity, "commit", "-q", "-m", "Keep the lock") == 0
    (tmp_path / "output").mkdir()
    assert run(bash, "-e", "-c", script) == 0
    lock.write_text(row % ("ab" * 16, "expired"))  # its last day has passed: nothing new
    assert run(bash, "-e", "-c", script) == 0
    lock.write_text(row % ("ab" * 16, "live") + row % ("cd" * 16, "live"))
    assert run(bash, "-e", "-c", script) == 1


# --- hosting/ is the practitioner's -------------------------------------------------------------------


def test_a_changed_file_in_hosting_stays(tmp_path: Path) -> None:
    root = site_with(tmp_path / "site", "nginx")
    assert build(root).code == 0
    place = root / "hosting" / "nginx.conf"
    own = place.read_bytes().replace(b"/etc/letsencrypt/live/practice.example/", b"/etc/own/")
    assert not is_untouched(own)
    place.write_bytes(own)
    site_with(root, "nginx", base="https://other.example/")
    assert build(root).code == 0
    assert place.read_bytes() == own


def test_an_unchanged_file_in_hosting_follows_the_site(tmp_path: Path) -> None:
    root = site_with(tmp_path / "site", "caddy")
    assert build(root).code == 0
    place = root / "hosting" / "Caddyfile"
    first = place.read_bytes()
    assert is_untouched(first)
    site_with(root, "caddy", base="https://other.example/")
    assert build(root).code == 0
    assert b"other.example" in place.read_bytes()
    assert is_untouched(place.read_bytes())


def test_a_deleted_file_in_hosting_comes_back_though_nothing_else_changed(tmp_path: Path) -> None:
    root = site_with(tmp_path / "site", "caddy")
    assert build(root).code == 0
    place = root / "hosting" / "Caddyfile"
    place.unlink()
    assert build(root).code == 0
    assert is_untouched(place.read_bytes())


def test_somebody_elses_file_for_the_host_is_never_replaced(tmp_path: Path) -> None:
    root = minimal_site(tmp_path / "site")
    assert build(root).code == 0
    own = root / "output" / ".htaccess"
    own.write_text("# from the host's panel\n")
    assert build(root, "--no-cache").code == 0  # it is foreign and stays
    site_with(root, "apache")
    result = build(root)
    assert result.code == 4, result
    assert ".htaccess" in result.stderr
    assert own.read_text() == "# from the host's panel\n"


def test_another_host_takes_its_file_away_again(tmp_path: Path) -> None:
    root = site_with(tmp_path / "site", "apache")
    assert build(root).code == 0
    site_with(root, "netlify")
    assert build(root).code == 0
    assert not (root / "output" / ".htaccess").exists()
    assert (root / "output" / "_headers").exists()


# --- a host that publishes the list of its files ------------------------------------------------------


def test_github_pages_refuses_unlisted_pages_of_the_site_and_of_one_client(tmp_path: Path) -> None:
    result = build(site_with(tmp_path / "all", "github-pages"), "--json")
    assert result.code == 2, result
    assert "listed-host" in {problem["code"] for problem in result.json["problems"]}
    root = site_with(tmp_path / "address", "netlify")
    site = root / "content/site.yaml"
    site.write_text(re.sub("(?m)^base_url: .*", "base_url: https://mira.github.io/room/", site.read_text()))
    assert "listed-host" in {problem["code"] for problem in build(root, "--json").json["problems"]}
    root = site_with(tmp_path / "one", "github-pages", mode="sealed")
    client = "content/clients/ana/client.yaml"
    for name, text in {**MINIMAL_CLIENT, client: MINIMAL_CLIENT[client] + "privacy: unlisted\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    result = build(root, "--json")
    assert result.code == 2, result
    assert [(problem["path"], problem["code"]) for problem in result.json["problems"]] == [(client, "listed-host")]
