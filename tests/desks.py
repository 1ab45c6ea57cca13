"""A running preview with its desk, and how tests speak to it."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from portalgen.desk.board import Board
from portalgen.desk.engine import Engine
from portalgen.desk.preview import Preview
from portalgen.publish.printing import CACHE
from portalgen.publish.state import STATE_FOLDER, state_folder
from tests.support import DEMO_DAY, MINIMAL, MINIMAL_CLIENT, ROOT, Built, minimal_site

PATIENCE = 30.0
DAY = dt.date.fromisoformat(DEMO_DAY)
ANA = "content/clients/ana/"
STRANGERS = (
    ({"Host": "evil.example"}, 421),
    ({"Host": "127.0.0.1:1"}, 421),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
)
"""What a page of somebody else would send, and how it is turned away."""
SERVICE = "---\nname: Talking\nsummary: We talk.\nduration_minutes: 50\nprice: 60.00\n---\nWe sit and talk.\n"
SITE: Mapping[str, str] = {
    **MINIMAL_CLIENT,
    "content/site.yaml": MINIMAL["content/site.yaml"].replace(
        '    - {id: cash, kind: cash, label: Cash, instructions: "In the session, please."}\n',
        '    - {id: cash, kind: cash, label: Cash, instructions: "In the session, please."}\n'
        "    - {id: card, kind: card_in_person, label: Card}\n",
    ),
    "content/services/talking.md": SERVICE,
    ANA + "invoices/draft.yaml": "id: draft\nlines: [{description: Workshop, unit_price: 75.00}]\n",
    ANA + "sessions.yaml": (
        "- {id: s-1, start: 2026-11-10T10:00+00:00, end: 2026-11-10T10:50+00:00, service: talking, status: held}\n"
    ),
    ANA + "log.yaml": "# what we said\n- {at: 2026-11-09T09:00+00:00, channel: phone, direction: in, summary: Hello}\n",
    "content/clients/ben/client.yaml": "id: ben\nname: {display: Ben Ode}\nterms: net14\n",
}
"""Ana with an open invoice over 120.00, a draft and a session that waits; and Ben, with nothing."""


@dataclass(frozen=True)
class Answer:
    """What a request got."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Desk:
    """A preview of a site, with its desk."""

    site: Path
    board: Board
    url: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return self.url.rstrip("/")

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """One request, with these headers and no others."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            heads = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, heads, response.read().decode())
        finally:
            connection.close()

    def send(self, name: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """A form, as a browser sends it from a page of the desk, with its token."""
        heads = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        heads |= {"Sec-Fetch-Site": "same-origin", **(headers or {})}
        sent = {"token": self.board.token, **fields}
        return self.ask(f"/desk/{name}", method="POST", headers=heads, body=urlencode(sent))

    def done(self, name: str, fields: Mapping[str, str]) -> Answer:
        """A form that is carried out, and the page that says so."""
        answer = self.send(name, fields)
        assert answer.status == 303, answer.text
        return self.ask(answer.headers["location"])


def small_site(root: Path, files: Mapping[str, str] | None = None) -> Path:
    """Ana and Ben."""
    return minimal_site(root, {**SITE, **(files or {})})


def demo_site(root: Path, built: Built) -> Path:
    """The demo practice as it is: sealed. What was printed for a build is not printed again."""
    shutil.copytree(ROOT / "content", root / "content")
    shutil.copytree(built.site / STATE_FOLDER / CACHE, state_folder(root) / CACHE)
    return root


@contextmanager
def desk_of(site: Path, names: tuple[str, ...] = ()) -> Iterator[Desk]:
    """A preview of the site on the demo's day, once it shows the site."""
    board = Board(site, DAY, names)
    with Preview(site, Engine(site, DAY), port=0, board=board) as preview:
        desk = Desk(site, board, preview.url)
        assert desk.ask("/").status == 200
        yield desk


def written(site: Path) -> dict[str, bytes]:
    """Everything that is written in a site, without the state of portalgen itself."""
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and ".portalgen" not in path.parts
    }


def visible(text: str) -> str:
    """A page's words."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())
