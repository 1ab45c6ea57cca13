"""What the names of files tell of people (domain X6): nothing, where the practice is discreet."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath

from portalgen.content.model import ClientFolder, Shared
from portalgen.content.records.client import Client
from portalgen.content.records.documents import Invoice
from portalgen.site.printing import file_name

_WHOLE_WORD = 3
"""A name of so few letters counts where it stands alone: Ana is in "analysis" by chance."""


def attached_names(shared: Shared, folder: ClientFolder, invoice: Invoice) -> Mapping[str, str]:
    """What the files attached to an invoice are called on its page, by the names they have in the client's folder.

    One that tells who the client or a contact is, is called by the invoice's number.
    """
    if not invoice.attachments:
        return {}
    files = [attachment.file for attachment in invoice.attachments]
    names = {file: file for file in files}
    if shared.site.privacy.discreet:
        number = invoice.number or invoice.id
        free = (f"{number}-{n}" for n in itertools.count(1))
        for file in files:
            if tells_name(folder.client, file):
                ending = PurePosixPath(file).suffix.lstrip(".")
                names[file] = next(
                    name for stem in free if (name := file_name(stem, ending or "bin")) not in names.values()
                )
    return names


def tells_name(client: Client, text: str) -> bool:
    """Whether a text has a word of the name of the client or of a contact in it."""
    own = [client.name.display, client.name.legal or "", *(contact.name for contact in client.contacts)]
    words = set(_words(text))
    return any(
        name in words or (len(name) > _WHOLE_WORD and any(name in word for word in words))
        for name in itertools.chain.from_iterable(_words(text) for text in own)
    )


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [word for word in re.split(r"[\W\d_]+", plain) if len(word) > 1]
