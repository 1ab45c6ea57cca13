"""What reading the whole folder gives: the part all clients share, and one value per client."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from portalgen.content.records.client import Client, Plan, Session
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.estimate import Estimate
from portalgen.content.records.log import LogEntry
from portalgen.content.records.offer import Agreement, Guide, Letter, Page, Policy, Service, Terms
from portalgen.content.records.practice import SiteFile
from portalgen.content.records.private import Lessons, Review, Supervision
from portalgen.content.records.referral import Referral


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """All of `content/` but the client folders. Mappings are by id, in the order of their ids."""

    site: SiteFile
    pages: Mapping[str, Page]
    services: Mapping[str, Service]
    policies: Mapping[str, Policy]
    guides: Mapping[str, Guide]
    agreements: Mapping[str, Agreement]
    letters: Mapping[str, Letter]
    terms: Mapping[str, Terms]
    referrals: Mapping[str, Referral]
    static: tuple[str, ...]  # paths like static/room.svg, sorted
    broken: tuple[str, ...] = ()  # files that are left out because of an error; empty in a site that is whole
    supervision: tuple[Supervision, ...]
    reviews: tuple[Review, ...]
    lessons: Lessons | None


class ClientFolder(msgspec.Struct, frozen=True, kw_only=True):
    """One client's folder. Lists keep the order of their file; `files` are paths below the folder's `files/`."""

    id: str
    client: Client
    plan: Plan | None
    sessions: tuple[Session, ...]
    payments: tuple[Payment, ...]
    log: tuple[LogEntry, ...]
    invoices: Mapping[str, Invoice]
    credit_notes: Mapping[str, CreditNote]
    estimates: Mapping[str, Estimate]
    files: tuple[str, ...]

    @property
    def billing(self) -> tuple[Invoice | CreditNote, ...]:
        """The documents that are issued to the client: invoices, then credit notes."""
        return (*self.invoices.values(), *self.credit_notes.values())

    def source(self, kind: str) -> str:
        """The path, relative to the site, of a one-file kind of this client (`payments.yaml` …)."""
        return f"content/clients/{self.id}/{kind}"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The whole folder, well formed: every record typed, every id that is referred to present."""

    shared: Shared
    clients: Mapping[str, ClientFolder]
