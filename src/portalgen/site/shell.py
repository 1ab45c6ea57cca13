"""The page around what is sealed: it opens its content in the reader's browser (sealing §5).

It is made once a site, and is the same for every link but for the sealed bytes: it names no client, no language of a
client and no day, so that the host learns nothing from it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

import msgspec
from markupsafe import Markup

from portalgen.content.model import Shared
from portalgen.content.problems import Finding
from portalgen.site.catalogue import languages
from portalgen.site.theme import Frame, TemplateProblem, Theme
from portalgen.site.views import PracticeView, SealedView

TEMPLATE = "sealed.html"
MESSAGES = ("gate", "missing", "cut", "gone", "ended", "damaged", "newer", "framed", "insecure", "old")
WORDS = ("open", "secure", "paste", "ask")
SAFE_SCHEMES = ("https:", "mailto:", "tel:")
"""Addresses that any page may lead to; the script knows them itself."""
_ADDRESS = "p/x.html"
_HERE = "SEALED-BYTES"


class Shell(msgspec.Struct, frozen=True):
    """What stands before and after the sealed bytes of every link."""

    head: bytes
    tail: bytes

    def around(self, sealed: bytes) -> bytes:
        """The finished page `p/LOCATOR.html`, with the sealed bytes in base64 (RFC 4648 §4)."""
        return b"".join((self.head, base64.b64encode(sealed), self.tail))


def shell_of(theme: Theme, shared: Shared, practice: PracticeView) -> Shell:
    """The page around every sealed link of a site. Raises `TemplateProblem` when a template of the site fails."""
    home = shared.site.practice.language
    setup = {
        "gate": shared.site.privacy.gate,
        "schemes": list(schemes(shared, practice)),
        "style": "../" + theme.published("theme.css"),
        "words": [_words(theme, language) for language in spoken(home, practice.languages)],
    }
    view = SealedView(
        look=Markup(theme.sealed_style),
        script=Markup(theme.scripts["unlock.js"]),
        setup=Markup(_json(setup)),
        sealed=_HERE,
    )
    frame = Frame(address=_ADDRESS, title=practice.name, private=True, language=home)
    text = theme.render(TEMPLATE, frame=frame, practice=practice, nav=(), footer=(), view=view)
    head, mark, tail = text.partition(_HERE)
    if not mark or _HERE in tail:
        raise _problem(TEMPLATE, "this template must hold {{ view.sealed }} once: the sealed page stands there")
    return Shell(head.encode(), tail.encode())


def spoken(home: str, others: Iterable[str]) -> tuple[str, ...]:
    """The languages that the gate speaks: the practice's first, then those of its others that have a catalogue."""
    known = {"en", *(name.partition("_")[0] for name in languages())}
    return tuple(dict.fromkeys((home, *(one for one in others if one.partition("-")[0].lower() in known))))


def schemes(shared: Shared, practice: PracticeView) -> tuple[str, ...]:
    """Further schemes that links on this site's pages have: text messages to the practice, and payments by UPI."""
    channels = {channel.href.partition(":")[0] + ":" for channel in practice.channels if channel.href}
    payments = {"upi:" for method in shared.site.practice.methods if method.kind == "upi"}
    return tuple(sorted((channels | payments) - {*SAFE_SCHEMES}))


def _words(theme: Theme, language: str) -> dict[str, object]:
    """All that the gate says in a language, as plain text."""
    environment = theme.environment(language)
    with theme.guarded():
        says = getattr(environment.get_template("parts/gate.html").module, "says", {})
    try:
        messages = {name: {part: _plain(says[name][part]) for part in ("title", "text")} for name in MESSAGES}
        words = {name: _plain(says[name]) for name in WORDS}
    except (KeyError, TypeError):
        raise _problem("parts/gate.html", f"its table 'says' must hold {', '.join((*MESSAGES, *WORDS))}") from None
    return {"lang": language, "dir": str(environment.globals["direction"]), **messages, **words}


def _plain(text: object) -> str:
    return text.unescape() if isinstance(text, Markup) else str(text)


def _json(value: object) -> str:
    """JSON that may stand in a script element (HTML, restrictions for contents of script elements)."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _problem(template: str, message: str) -> TemplateProblem:
    hint = "mend it, or take the file away to have the built-in one again"
    return TemplateProblem(Finding(path=f"templates/{template}", line=1, code="template", message=message, hint=hint))
