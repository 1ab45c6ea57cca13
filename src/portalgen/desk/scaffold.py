"""New practices and new files."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from portalgen.content.convert import suggest
from portalgen.content.kinds import KINDS
from portalgen.content.layout import bad_name
from portalgen.content.records.base import Misfit
from portalgen.content.scalars import parse_id
from portalgen.content.schema import schemas
from portalgen.content.yamltext import parse

STARTER = Path(__file__).parent / "starter"
DRAFT_WORDS = "# A draft: it appears nowhere until it has a number and a date."
DRAFT = f"{DRAFT_WORDS}\n# number: …\n# issued: …\n"
"""What a draft says below its id. Issuing it takes the first line away and fills in the others."""


class ScaffoldRefused(Exception):
    """The new file or folder cannot be made there."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def start(folder: Path, *, demo: bool = False, today: dt.date | None = None) -> list[Path]:
    """Makes a practice in an empty or new folder and returns its files. Raises `ScaffoldRefused`."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldRefused(f"{folder} is not empty", "name a new folder")
    day = today or _here()
    made = []
    for source, name in sorted(_demo_files() if demo else _starter_files()):
        target = folder / name.replace("@YEAR@", str(day.year))
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix in (".yaml", ".md"):
            text = source.read_text(encoding="utf-8")
            if not demo:
                text = text.replace("@TODAY@", day.isoformat()).replace("@YEAR@", str(day.year))
            target.write_text(text, encoding="utf-8", newline="\n")
        else:
            shutil.copyfile(source, target)
        made.append(target)
    return made


def _here() -> dt.date:
    """The day where the practitioner sits."""
    return dt.datetime.now().astimezone().date()


def demo_folder() -> Path:
    """Where the demo practice's content lies: inside the package, or at the top of a checkout."""
    here = Path(__file__).resolve()
    packed = here.parent.parent / "_demo"
    return packed if packed.is_dir() else here.parents[3] / "content"


def _demo_files() -> Iterator[tuple[Path, str]]:
    content = demo_folder()
    yield STARTER / "gitignore", ".gitignore"
    for path in content.rglob("*"):
        if path.is_file():
            yield path, f"content/{path.relative_to(content).as_posix()}"


def _starter_files() -> Iterator[tuple[Path, str]]:
    for path in STARTER.rglob("*"):
        if path.is_file():
            name = path.relative_to(STARTER).as_posix()
            yield path, ".gitignore" if name == "gitignore" else name


def make(site: Path, kind: str, name: str, today: dt.date | None = None) -> Path:
    """Makes one new file with the fields its kind requires; an invoice is made for the client `name`."""
    content = site / "content"
    if not content.is_dir():
        raise ScaffoldRefused(
            f"there is no folder content in {site.resolve()}", "name the practice's folder with --site"
        )
    if bad := bad_name(name):
        raise ScaffoldRefused(bad.message, bad.hint)
    try:
        parse_id(name)
    except Misfit as misfit:
        raise ScaffoldRefused(misfit.message, misfit.hint) from None
    day = today or _here()
    if kind == "invoice":
        return _invoice(content, name, day)
    path = {
        "client": content / "clients" / name / "client.yaml",
        "policy": content / "policies" / f"{name}.md",
    }.get(kind, content / f"{kind}s" / f"{name}.md")
    title = name.replace("-", " ").capitalize()
    return _write(
        path,
        TEXTS[kind]
        .replace("@ID@", name)
        .replace("@TITLE@", title)
        .replace("@NAME@", name.replace("-", " ").title())
        .replace("@TODAY@", day.isoformat()),
    )


def _invoice(content: Path, client: str, day: dt.date) -> Path:
    folder = content / "clients" / client
    if not (folder / "client.yaml").is_file():
        guess = suggest(client, [folder.name for folder in content.glob("clients/*") if folder.is_dir()])
        hint = f"did you mean {guess}?" if guess else f"make one with: portalgen new client {client}"
        raise ScaffoldRefused(f"there is no client '{client}'", hint)
    base = f"{client[:40]}-{day.isoformat()}"
    taken = {path.stem for path in content.glob("clients/*/invoices/*.yaml")}
    name = next(n for n in (base, *(f"{base}-{count}" for count in range(2, 1000))) if n not in taken)
    service = _own_service(folder) or _priced_service(content)
    line = f"  - service: {service}" if service else "  - description: What it is for\n    unit_price: 0.00"
    terms = sorted(path.stem for path in content.glob("terms/*.yaml"))
    known = re.search(r"^terms:", (folder / "client.yaml").read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    extra = f"terms: {terms[0]}\n" if terms and not known else ""
    return _write(
        folder / "invoices" / f"{name}.yaml",
        TEXTS["invoice"].replace("@ID@", name).replace("@LINE@", line).replace("@TERMS@", extra),
    )


def _own_service(folder: Path) -> str:
    """What this client comes for: the service of the last session written down, else the first in client.yaml."""
    for name, key in (("sessions.yaml", "service"), ("client.yaml", "services")):
        path = folder / name
        data = parse(path.read_text(encoding="utf-8-sig", errors="replace")).data if path.is_file() else None
        entry = data[-1] if isinstance(data, list) and data else data
        value = entry.get(key) if isinstance(entry, dict) else None
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str) and (folder.parents[1] / "services" / f"{first}.md").is_file():
            return first
    return ""


def _priced_service(content: Path) -> str:
    for path in sorted(content.glob("services/*.md")):
        if re.search(r"^price:\s*['\"]?\d", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE):
            return path.stem
    return ""


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ScaffoldRefused(f"{path} is already there", "choose another id, or edit that file") from None
    return path


def modeline(name: str) -> str:
    """The first line that makes an editor with a YAML language server check a file of this kind where it lies."""
    kind = next(kind for kind in KINDS if kind.name == name)
    place = f"content/clients/*/{kind.path}" if kind.scope == "client" else f"content/{kind.path}"
    return f"# yaml-language-server: $schema={'../' * place.count('/')}.vscode/portalgen/{name}.json"


def write_schemas(site: Path) -> list[str]:
    """Writes a schema per kind and VS Code's settings for them; returns the paths, relative to the site."""
    folder = site / ".vscode" / "portalgen"
    folder.mkdir(parents=True, exist_ok=True)
    settings_file = site / ".vscode" / "settings.json"
    settings: dict[str, object] = {}
    if settings_file.exists():
        try:
            settings = json.loads(settings_file.read_text(encoding="utf-8"))
        except ValueError:
            raise ScaffoldRefused(
                f"{settings_file} is not plain JSON", "take its comments out, or move it aside"
            ) from None
    files, globs = [], {}
    for name, schema in sorted(schemas().items()):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        files.append(path.relative_to(site).as_posix())
    for kind in KINDS:
        if kind.form != "markdown":
            place = f"content/clients/*/{kind.path}" if kind.scope == "client" else f"content/{kind.path}"
            globs[f"./.vscode/portalgen/{kind.name}.json"] = place
    settings["yaml.schemas"] = globs
    settings_file.write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return [*files, settings_file.relative_to(site).as_posix()]


TEXTS = {
    "client": """id: @ID@
name: {display: @NAME@}          # add legal: … when invoices need another name
# status: active                 # lead, active, paused, ended or archived
# email: name@example.org
# address: {line1: …, postcode: …, city: …}
# terms: standard                # a file in content/terms
# rhythm: {every: 2w, reason: …}
# guides:
#   - {guide: after-a-session, since: @TODAY@, note: …}
# preferences:
#   - {text: …, share: true}     # shown to the client only with share: true
# notes: |                       # private, never published
#   …
""",
    "invoice": f"""id: @ID@
{DRAFT}@TERMS@lines:
@LINE@
#   quantity: 1
#   date: …
""",
    "service": """---
name: @TITLE@
summary: One sentence that says what it is.
price: on_request                # 80.00, free, on_request or {from: 50.00, to: 90.00}
# duration_minutes: 50
# format: in_person              # in_person, video, phone or home
# public_description: Session    # what invoices say
# for: [Whom it suits]
# not_for: [Whom it does not suit]
---

## What happens

Tell your client what to expect.
""",
    "policy": """---
title: @TITLE@
kind: other                      # session, cancellation, communication, boundaries, concerns, ending, privacy, reviews
effective: @TODAY@
summary: One sentence that says what holds.
---

Write it as you would say it.
""",
    "guide": """---
title: @TITLE@
summary: One sentence that says what it helps with.
steps:
  - The first thing to try.
when_to_contact: When to write or call.
# services: [individual]
---

## What we did

Tell your client what may come up, and that it is all right.
""",
    "agreement": """---
title: @TITLE@
version: 1
effective: @TODAY@
draft: true                      # take this away when the text is ready
---

Between {{ practice.legal_name }} and {{ client.legal_name }}.

## What we agree

1. …
""",
}
