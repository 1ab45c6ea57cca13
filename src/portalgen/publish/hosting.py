"""What a host needs to serve the site well: headers, the page for wrong addresses, https (sealing §6).

Some hosts read a file that lies in the output (`control_files`), others are set up with one that the practitioner puts
in place (`beside_files`, written into `hosting/`). Pure: the name of the host and the site's address in, bytes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

from portalgen import __version__
from portalgen.publish import hosting_texts as texts

HEADERS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""On every answer. The pages carry the rest of their content security policy themselves: policies intersect."""

PRIVATE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache, no-transform, private",
    "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet",
}
"""On every answer below `p/` besides."""

LASTING = "public, max-age=31536000, immutable"
"""The caching of files below `assets/`, whose names change with their content."""

CONTROL = (".htaccess", ".nojekyll", "_headers", "_redirects", "_routes.json", "_worker.js", "CNAME")
"""Files in the output that steer a host; a host need not hand them out."""

_MARK = "portalgen-made:"
_DIGITS = 16


class Powers(msgspec.Struct, frozen=True):
    """What a host can do about headers: at all, and on answers for addresses where nothing is."""

    headers: bool = True
    on_errors: bool = True


POWERS: Mapping[str, Powers] = {
    "netlify": Powers(on_errors=False),
    "github-pages": Powers(headers=False, on_errors=False),
    "s3": Powers(on_errors=False),
}
"""Hosts of which less can be expected than of all others; where it could not be tried, it is not demanded."""


class Site(msgspec.Struct, frozen=True):
    """The address of a site in parts. `path` begins and ends with `/`; without a base address it is `/`."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def secure(self) -> bool:
        """Whether readers come over https, as they do everywhere but on the practitioner's own machine."""
        return self.scheme == "https"

    @property
    def folder(self) -> str:
        """Where a server's settings look for the site; the part of the address after the host is a folder in it."""
        return f"/var/www/{self.host}"


def site_of(base_url: str) -> Site:
    """The parts of a base address; of an empty one, those of a site that could be anywhere."""
    parts = urlsplit(base_url or "https://practice.example/")
    return Site(parts.scheme, parts.hostname or "", parts.port, parts.path.rstrip("/") + "/")


def is_control(path: str) -> bool:
    """Whether a file of the output is for the host and not for readers."""
    return path in CONTROL or path.startswith(".well-known/")


def control_files(host: str | None, base_url: str) -> Mapping[str, bytes]:
    """What the output holds for this host besides the pages, by path. `base_url` may be empty."""
    site = site_of(base_url)
    match host:
        case "netlify" | "cloudflare-pages":
            return {"_headers": _headers_file(host).encode()}
        case "apache" | "ftp":
            return {".htaccess": _htaccess(site).encode()}
        case "github-pages":
            return {".nojekyll": b""}
        case _:
            return {}


def beside_files(host: str | None, base_url: str) -> Mapping[str, bytes]:
    """What the practitioner puts in place at this host, by its path below `hosting/`; each file is marked as made."""
    site = site_of(base_url)
    made: Mapping[str, str] = {}
    match host:
        case "nginx":
            made = {"nginx.conf": _nginx(site)}
        case "caddy":
            made = {"Caddyfile": _caddy(site)}
        case "lighttpd":
            made = {"lighttpd.conf": _lighttpd(site)}
        case "s3":
            made = {
                "s3.md": _filled(texts.S3, site, lasting=LASTING, private=PRIVATE_HEADERS["Cache-Control"]),
                "headers-everywhere.json": _policy(site, "everywhere", HEADERS),
                "headers-private.json": _policy(site, "private", {**HEADERS, **PRIVATE_HEADERS}),
                "index-pages.js": _filled(texts.INDEX_FUNCTION, site),
            }
        case "github-pages":
            made = {
                "github-pages.yml": _filled(texts.WORKFLOW, site, wheel=f"portalgen-{__version__}-py3-none-any.whl")
            }
        case _:
            pass
    return {path: marked(text) for path, text in made.items()}


def marked(text: str) -> bytes:
    """A text whose mark, `portalgen-made:` and zeros, becomes a hash of all of it."""
    return text.replace(_MARK + "0" * _DIGITS, _MARK + sha256(text.encode()).hexdigest()[:_DIGITS], 1).encode()


def is_untouched(content: bytes) -> bool:
    """Whether a file is as some version of portalgen wrote it, so that nothing of anybody is lost with it."""
    sign = content.find(_MARK.encode())
    if sign < 0:
        return False
    at = sign + len(_MARK)
    blank = content[:at] + b"0" * _DIGITS + content[at + _DIGITS :]
    return sha256(blank).hexdigest()[:_DIGITS].encode() == content[at : at + _DIGITS]


def _lines(form: Callable[[str, str], str], headers: Mapping[str, str], indent: str) -> str:
    return "\n".join(indent + form(name, value) for name, value in headers.items())


def _filled(text: str, site: Site, **more: str) -> str:
    """A text with `@name@` replaced."""
    values = {
        "host": site.host,
        "path": site.path,
        "folder": site.folder,
        "output": (site.folder + site.path).rstrip("/"),
        "bucket": site.host or "BUCKET",
        "mark": f"{_MARK}{'0' * _DIGITS}",
        **more,
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _headers_file(host: str) -> str:
    """Netlify and Cloudflare join values when two rules name one header, so no two rules do."""
    form = "{}: {}".format
    # Cloudflare's own, which lets scripts of any site read pages; it would have to know their addresses
    closed = "  ! Access-Control-Allow-Origin\n" if host == "cloudflare-pages" else ""
    return (
        f"/*\n{_lines(form, HEADERS, '  ')}\n{closed}/p/*\n{_lines(form, PRIVATE_HEADERS, '  ')}\n"
        f"/assets/*\n  Cache-Control: {LASTING}\n"
    )


def _htaccess(site: Site) -> str:
    def line(name: str, value: str, when: str = "") -> str:
        return f'Header always set {name} "{value}"{when}'

    private = "\n".join(
        _lines(partial(line, when=f" env={name}"), PRIVATE_HEADERS, "  ")
        for name in ("PORTALGEN_PRIVATE", "REDIRECT_PORTALGEN_PRIVATE")
    )
    lasting = f'  Header always set Cache-Control "{LASTING}" env=PORTALGEN_LASTING'
    return _filled(
        texts.HTACCESS,
        site,
        headers=_lines(line, HEADERS, "  "),
        private=private,
        lasting=lasting,
        pattern=_pattern(site.path),
        https=texts.HTACCESS_HTTPS if site.secure else "",
    )


def _nginx(site: Site) -> str:
    everywhere = HEADERS if site.secure else _without_hsts()
    listen = _filled(texts.NGINX_HTTPS, site) if site.secure else f"  listen {site.host}:{site.port or 80};\n"
    return _filled(
        texts.NGINX,
        site,
        listen=listen,
        headers=_lines(lambda name, value: f'add_header {name} "{value}" always;', everywhere, "  "),
        cache=PRIVATE_HEADERS["Cache-Control"],
        robots=PRIVATE_HEADERS["X-Robots-Tag"],
        lasting=LASTING,
        pattern=_pattern(site.path),
    )


def _caddy(site: Site) -> str:
    everywhere = HEADERS if site.secure else _without_hsts()
    port = f":{site.port}" if site.port else ""
    form = '{} "{}"'.format
    return _filled(
        texts.CADDY,
        site,
        address=f"{site.host}{port}" if site.secure else f"http://{site.host}{port}",
        headers=_lines(form, everywhere, "\t\t"),
        private=_lines(form, PRIVATE_HEADERS, "\t\t"),
        lasting=LASTING,
    )


def _lighttpd(site: Site) -> str:
    def block(headers: Mapping[str, str], indent: str) -> str:
        return ",\n".join(f'{indent}"{name}" => "{value}"' for name, value in headers.items())

    everywhere = HEADERS if site.secure else _without_hsts()
    return _filled(
        texts.LIGHTTPD,
        site,
        headers=block(everywhere, " " * 4),
        private=block({**everywhere, **PRIVATE_HEADERS}, " " * 6),
        lasting=block({**everywhere, "Cache-Control": LASTING}, " " * 6),
        tls=_filled(texts.LIGHTTPD_HTTPS, site) if site.secure else "",
        pattern=_pattern(site.path),
    )


def _policy(site: Site, name: str, headers: Mapping[str, str]) -> str:
    """A CloudFront response headers policy, as `aws cloudfront create-response-headers-policy` takes it."""
    custom = {name: headers[name] for name in headers if name not in _CLOUDFRONT_KNOWS}
    config = {
        "Name": f"portalgen-{name}-{site.host.replace('.', '-')}",
        "Comment": f"{_MARK}{'0' * _DIGITS}",
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {
                "Override": True,
                "AccessControlMaxAgeSec": int(headers["Strict-Transport-Security"].partition("=")[2]),
                "IncludeSubdomains": False,
                "Preload": False,
            },
            "ContentTypeOptions": {"Override": True},
            "ReferrerPolicy": {"Override": True, "ReferrerPolicy": headers["Referrer-Policy"]},
            "FrameOptions": {"Override": True, "FrameOption": headers["X-Frame-Options"]},
            "ContentSecurityPolicy": {
                "Override": True,
                "ContentSecurityPolicy": headers["Content-Security-Policy"],
            },
        },
        "CustomHeadersConfig": {
            "Quantity": len(custom),
            "Items": [{"Header": name, "Value": value, "Override": True} for name, value in custom.items()],
        },
    }
    return json.dumps(config, indent=2) + "\n"


_CLOUDFRONT_KNOWS = tuple(HEADERS)[:5]


def _without_hsts() -> Mapping[str, str]:
    """Over plain http, on the practitioner's own machine, the promise of https would be wrong."""
    return {name: value for name, value in HEADERS.items() if name != "Strict-Transport-Security"}


def _pattern(path: str) -> str:
    """A path inside a regular expression."""
    return path.replace(".", r"\.").replace("+", r"\+")
