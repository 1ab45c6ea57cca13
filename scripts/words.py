"""Gathers what pages and documents say and brings every catalogue up to date; the same text gives the same bytes.

    python scripts/words.py           # write src/portalgen/site/locale/
    python scripts/words.py --check   # write nothing; say what is not translated, and fail if anything is

New messages come into the catalogues without a translation, for a translator to fill; what nothing says goes.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "src" / "portalgen" / "site" / "locale"
SOURCES = (ROOT / "templates", ROOT / "src" / "portalgen")


def gathered() -> Catalog:
    """Every message of the templates and of the Python files, by the rules of babel.cfg."""
    config = io.StringIO((ROOT / "babel.cfg").read_text(encoding="utf-8"))
    methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    found = Catalog(fuzzy=False)
    for folder in SOURCES:
        for _, _, message, comments, context in extract_from_dir(
            str(folder), methods, options, comment_tags=["Translators:"]
        ):
            found.add(message, auto_comments=comments, context=context)
    return found


def as_text(catalogue: Catalog, header: str) -> str:
    """The catalogue, sorted, without places and dates, under this header."""
    body = io.BytesIO()
    write_po(body, catalogue, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    return header + body.getvalue().decode()


def main() -> int:
    """Refresh or check; the exit code."""
    check = "--check" in sys.argv[1:]
    template = gathered()
    files = {LOCALE / "portalgen.pot": as_text(template, "")}
    missing = 0
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/portalgen.po")):
        name = path.parent.parent.name
        text = path.read_text(encoding="utf-8")
        header = text[: text.index("\n\n") + 2]
        catalogue = read_po(io.StringIO(text), locale=name)
        partial = "_" in name  # a region's catalogue holds what differs from its language's
        if partial:
            for message in list(catalogue):
                if message.id and template.get(message.id, message.context) is None:
                    catalogue.delete(message.id, message.context)
        else:
            catalogue.update(template, no_fuzzy_matching=True)
            catalogue.obsolete.clear()
            open_ = [m for m in catalogue if m.id and not all(m.string if isinstance(m.string, tuple) else (m.string,))]
            missing += len(open_)
            print(f"{name}: {len(open_)} without a translation")
        files[path] = as_text(catalogue, header)
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'out of date' if check else 'written'}")
        if not check:
            path.write_text(files[path], encoding="utf-8")
    return int(check and bool(stale or missing))


if __name__ == "__main__":
    sys.exit(main())
