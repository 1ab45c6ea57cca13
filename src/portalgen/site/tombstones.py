"""What stands where a link led once: that it was replaced, ended or taken back, and whom to ask (sealing §4)."""

from __future__ import annotations

from portalgen.content.lock import LinkState
from portalgen.content.model import ClientFolder, Shared
from portalgen.site.pages import Page
from portalgen.site.render import Renderer
from portalgen.site.views import TombstoneView


class Tombstones:
    """Renders these pages for one site."""

    def __init__(self, renderer: Renderer, shared: Shared) -> None:
        self._renderer, self._shared = renderer, shared

    def page(self, address: str, state: LinkState, folder: ClientFolder | None) -> bytes:
        """The page at an address, in the client's language; a link in state `live` was taken back by the files.

        It says nothing of the client. Raises `TemplateProblem`.
        """
        client = folder.client if folder else None
        page = Page(
            address=address,
            template="ended.html",
            view=TombstoneView(reason="revoked" if state == "live" else state),
            source=self._shared.site.path,
            visibility="client",
            language=(client.language if client else "") or "",
        )
        country = (client.country if client else "") or self._shared.site.practice.country
        return self._renderer.html(page, country).encode()
