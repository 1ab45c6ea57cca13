"""The desk: what the practitioner has to do this week, and forms that do it. The preview shows it, no build does.

It answers at `/desk/` and below. Who asks is judged twice: the server answers to its own hosts only (DNS rebinding), to
this machine only, and here every request must come from a page of ours. What writes must show it in three ways: by
`Sec-Fetch-Site`, by `Origin`, and by the token of this run, which no other origin can read. A form is carried out once,
however often it is sent.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from portalgen.content.problems import render
from portalgen.desk import board_bills as bills
from portalgen.desk import board_contacts as contacts
from portalgen.desk.board_charts import ageing, money_in
from portalgen.desk.board_forms import Done, Form, Given, Wrong, first, sentence
from portalgen.desk.board_pages import Answer, Pages
from portalgen.desk.board_records import SEALED, OpenLink, Records, Seen
from portalgen.desk.board_week import week_of
from portalgen.desk.books import NotDone, Unclear
from portalgen.desk.command import broken_off, in_words, is_invented, private_base
from portalgen.desk.stage import Sealed
from portalgen.publish.access import KeyProblem
from portalgen.publish.hosting import HEADERS, PRIVATE_HEADERS
from portalgen.publish.state import OutputError, build_lock

PLACE = "/desk/"
_PATIENCE = 10.0
"""Seconds to wait for a build that is at work."""

_KEPT = 50
"""So many forms that were carried out are remembered."""

_FIELDS = 200
_ONCE = re.compile(r"[\w-]{8,40}", re.ASCII)
_BELOW = SEALED.removeprefix(PLACE)
_SEALED = re.compile(r"p/[a-z2-7]{32}\.html", re.ASCII)
_AS_HOSTED = {name: value for name, value in {**HEADERS, **PRIVATE_HEADERS}.items() if not name.startswith("Strict-")}
"""What a host says with a private page, but for what would bind this machine to https."""

_TYPE = "application/x-www-form-urlencoded"

ACTIONS: dict[str, tuple[Callable[[Records, Seen, Given], Form], Callable[[Path, dt.date | None, Given], Done]]] = {
    "invoice": (bills.invoice_form, bills.invoice_done),
    "issue": (bills.issue_form, bills.issue_done),
    "pay": (bills.pay_form, bills.pay_done),
    "log": (contacts.log_form, contacts.log_done),
    "rotate": (contacts.rotate_form, contacts.rotate_done),
}
"""By the last part of the address: the form, and what it does."""


class Board:
    """The desk of the site in `root`. `names`: hosts besides the server's own whose pages may send forms."""

    def __init__(self, root: Path, today: dt.date | None, names: Iterable[str] = ()) -> None:
        self.root, self.today = root, today
        self.names = frozenset(name.lower() for name in names)
        self.problems: Callable[[], Sequence[str]] = tuple
        """What keeps the preview from showing the site as it is; whose server asks this desk says so."""
        self.sealed: Callable[[str], Sealed] = lambda file: Sealed(None)
        """Makes a sealed page by its file in the output; from who shows the site, too."""
        self.token = secrets.token_urlsafe(32)
        self._pages = Pages(self.token)
        self._records = Records(root, today)
        self._writing = threading.Lock()
        self._done: OrderedDict[str, Done] = OrderedDict()

    @staticmethod
    def has(target: str) -> bool:
        """Whether an address, a path with its query, is the desk's."""
        path = unquote(target.partition("?")[0])
        return path == PLACE.rstrip("/") or path.startswith(PLACE)

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        """What a request gets. `target` is a path with its query, and the desk's."""
        path, _, query = target.partition("?")
        path = unquote(path)
        if refusal := self._refusal(method, headers):
            return _plain(403, refusal)
        if path == PLACE.rstrip("/"):
            return _moved(PLACE)
        try:
            return self._answer(method, path.removeprefix(PLACE), query, headers, body)
        except Exception:  # whatever it is, the browser has to get an answer, and the terminal the traceback
            told = broken_off("The desk")
            print(told, file=sys.stderr)
            return _plain(500, told)

    def _answer(self, method: str, name: str, query: str, headers: Message, body: bytes) -> Answer:
        if method == "POST":
            if name not in ACTIONS:
                return _plain(405, "Nothing can be sent here.", {"Allow": "GET, HEAD"})
            return self._post(name, headers, body)
        if method not in ("GET", "HEAD"):
            return _plain(405, "Here one can only look and send forms.", {"Allow": "GET, HEAD, POST"})
        try:
            given = _filled_in(query)
        except ValueError:
            return _plain(400, "This is no address of your desk.")
        if name.startswith(_BELOW):
            return self._sealed(name.removeprefix(_BELOW))
        return self._get(name, given)

    # --- who asks -------------------------------------------------------------------------------------

    def _refusal(self, method: str, headers: Message) -> str:
        """Why a request is not answered; empty when it is."""
        sites = [site.strip().lower() for site in headers.get_all("Sec-Fetch-Site") or []]
        known = ("same-origin",) if method == "POST" else ("same-origin", "none")
        if any(site not in known for site in sites):
            return "Another page may not lead to your desk. Type the address yourself."
        if method != "POST":
            return ""
        origins, hosts = headers.get_all("Origin") or [], headers.get_all("Host") or []
        if len(origins) != 1 or len(hosts) != 1 or not self._is_ours(origins[0].strip(), hosts[0].strip()):
            return "Only a page of your desk may send this."
        return ""

    def _is_ours(self, origin: str, host: str) -> bool:
        """Whether a page of this origin was served here: under the host it asks, or one that a proxy has for us."""
        parts = urlsplit(origin)
        place = parts.netloc.lower()
        whole = parts.scheme in ("http", "https") and origin.lower() == f"{parts.scheme}://{place}"
        return whole and "@" not in place and (place == host.lower() or place in self.names)

    # --- looking --------------------------------------------------------------------------------------

    def _get(self, name: str, given: Given) -> Answer:
        seen = self._records.look()
        if file := self._pages.file(name, seen.shared):
            return file
        if name.startswith("done/") and (done := self._done.get(name.removeprefix("done/"))):
            return self._pages.page("done.html", seen.shared, "", done=done)
        if seen.shared is None:
            line = "Mend what is said below, and your desk is here again."
            return self._message(seen, "Your site cannot be read", line, seen.errors, live=True)
        if name == "":
            return self._week(seen, first(given, "all"))
        if name.startswith("links/"):
            return self._links(seen, name.removeprefix("links/"))
        if name in ACTIONS:
            return self._form(name, seen, given)
        line = "It may have been a note of something that you did before the preview was started anew."
        return self._message(seen, "Nothing is here", line, status=404)

    def _message(
        self, seen: Seen, title: str, line: str, errors: Sequence[str] = (), *, status: int = 200, live: bool = False
    ) -> Answer:
        """A page that says something. `live`: it is looked at anew when a file changes."""
        return self._pages.page(
            "message.html", seen.shared, "", status, title=title, line=line, errors=errors, live=live
        )

    def _week(self, seen: Seen, whole: str) -> Answer:
        assert seen.shared is not None
        errors = dict.fromkeys((*seen.errors, *self.problems()))
        subjects, currency = seen.subjects.values(), seen.shared.site.practice.currency
        return self._pages.page(
            "week.html",
            seen.shared,
            PLACE,
            week=week_of(seen, whole),
            errors=tuple(errors),
            warnings=seen.warnings,
            left_out=seen.left_out,
            money_in=money_in(subjects, seen.day, currency),
            ageing=ageing(subjects, seen.day, currency),
        )

    def _links(self, seen: Seen, client: str) -> Answer:
        """The links of a client, or, without one, those to the pages of all."""
        assert seen.shared is not None
        if client in seen.left_out:
            line = "Mend what is said below, and their links are here again."
            return self._message(seen, f"The files of {client} have errors", line, seen.errors, live=True)
        if client and client not in seen.subjects and client not in seen.gone:
            line = "Their folder may have another name by now, or be gone."
            return self._message(seen, "There is no such client", line, status=404)
        base = private_base(seen.shared.site)
        folders = [folder for folder in seen.folders() if client in ("", folder.id)]
        general: tuple[str, ...] = ()
        ended: list[OpenLink] = []
        coming = False
        try:
            links = self._records.links(seen, [folder.id for folder in folders], portals=not client)
            if client:
                ended = self._records.ended(seen, client)
                coming = bool(folders) and self._records.coming(seen, client)
        except (KeyProblem, NotDone) as refused:
            links, general = {folder.id: [] for folder in folders}, _general(refused)
        portals = {id_: next((link for link in own if link.of == "portal"), None) for id_, own in links.items()}
        everyone = [(folder.id, folder.client.name.display, portals[folder.id]) for folder in folders]
        return self._pages.page(
            "links.html",
            seen.shared,
            f"{PLACE}links/",
            client=client,
            whose=folders[0].client.name.display if client and folders else client,
            rows=links.get(client, []) if client else everyone,
            ended=ended,
            coming=coming,
            sealed=any(link.sealed for own in (*links.values(), ended) for link in own),
            published=not (client and folders) or folders[0].client.publish,
            based=bool(base),
            base=base,
            invented=is_invented(base),
            general=general,
            left_out=() if client else seen.left_out,
            gone=tuple(name for name in seen.gone if client in ("", name)),
        )

    def _sealed(self, file: str) -> Answer:
        """A sealed page as its reader gets it. What it loads and leads to besides is the site in the preview."""
        if not _SEALED.fullmatch(file):
            return _moved(f"/{quote(file.lstrip('/'))}", "This is on your site.")
        found = self.sealed(file)
        if found.page is not None:
            return Answer(200, {"Content-Type": "text/html; charset=utf-8", **_AS_HOSTED}, found.page)
        seen = self._records.look()
        if found.problems:
            line = "Mend what is said below, and it opens here by itself."
            return self._message(seen, "This page cannot be sealed now", line, found.problems, live=True)
        line = "The link may have another address by now, or open pages that are not sealed."
        return self._message(seen, "There is no sealed page here", line, status=404, live=True)

    def _form(
        self,
        name: str,
        seen: Seen,
        given: Given,
        wrong: Wrong | None = None,
        status: int = 200,
    ) -> Answer:
        """A form with what was filled in, and with what is wrong about it."""
        general = list(wrong.general) if wrong else []
        try:
            form = ACTIONS[name][0](self._records, seen, given)
        except (KeyProblem, NotDone) as refused:
            general += _general(refused)
            form = Form(name, "This cannot be done now", (), (), "")
        if form.choosing and wrong is None and form.fields[0].name in given:
            wrong = Wrong({form.fields[0].name: form.choosing})
        known = {field.name for field in form.fields if form.submit and field.kind != "hidden"}
        problems = {field: text for field, text in (wrong.fields if wrong else {}).items() if field in known}
        general += [text for field, text in (wrong.fields if wrong else {}).items() if field not in known]
        folded = [field for field in form.fields if field.aside]
        return self._pages.page(
            "form.html",
            seen.shared,
            "",
            status,
            form=form,
            problems=problems,
            general=general,
            once=first(given, "once") or secrets.token_urlsafe(9),
            folded_out=any(field.value or field.name in problems for field in folded),
        )

    # --- doing ----------------------------------------------------------------------------------------

    def _post(self, name: str, headers: Message, body: bytes) -> Answer:
        if headers.get_content_type() != _TYPE:
            return _plain(415, "Only a form may be sent here.")
        try:
            given = _filled_in(body.decode("ascii"))
        except ValueError:
            return _plain(400, "This is no form.")
        if not hmac.compare_digest(first(given, "token").encode(), self.token.encode()):
            return self._again(name, given, Wrong({}, (_STALE,)), 403)
        with self._writing:
            once = _sending(first(given, "once"), body)
            if once not in self._done:
                try:
                    with build_lock(self.root, _PATIENCE):
                        done = ACTIONS[name][1](self.root, self.today, given)
                except Wrong as wrong:
                    return self._again(name, given, wrong)
                except (KeyProblem, NotDone, OutputError, Unclear, OSError) as refused:
                    return self._again(name, given, Wrong({}, _general(refused)))
                self._done[once] = done
                while len(self._done) > _KEPT:
                    self._done.popitem(last=False)
        return _moved(f"{PLACE}done/{once}")

    def _again(self, name: str, given: Given, wrong: Wrong, status: int = 422) -> Answer:
        """The form as it was sent, and what is wrong. Nothing was written."""
        seen = self._records.look()
        if seen.shared is None:
            line = "Nothing was written. Mend what is said below, then reload this page: it sends again what you typed."
            return self._message(seen, "Your site cannot be read", line, seen.errors, status=status)
        return self._form(name, seen, given, wrong, status)


def _sending(once: str, body: bytes) -> str:
    """What tells one sending of a form from others: the same form with something else in it is another."""
    return hashlib.sha256(body).hexdigest()[:24] if _ONCE.fullmatch(once) else secrets.token_urlsafe(9)


_STALE = "The preview was started anew since this form was opened. Look it over and send it again."


def _filled_in(text: str) -> Given:
    """What a query or a form says, also of fields that are empty. Raises `ValueError`."""
    return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)


def _general(refused: NotDone | KeyProblem | OutputError | Unclear | OSError) -> tuple[str, ...]:
    """What keeps an action from writing, in words; problems of files with their lines."""
    if isinstance(refused, NotDone):
        return tuple(render(problem, refused.loaded.excerpt(problem), colour=False) for problem in refused.problems)
    return (sentence(*(in_words(refused) if isinstance(refused, OSError) else (refused.message, refused.hint))),)


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}, f"{text}\n".encode())


def _moved(address: str, text: str = "It is done.") -> Answer:
    return _plain(303, text, {"Location": address})
