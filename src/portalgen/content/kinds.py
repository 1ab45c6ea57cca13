"""Every kind of source file: where it lies, how it is written, which record it holds. The one list of them."""

from __future__ import annotations

from typing import Literal

import msgspec

from portalgen.content.records.base import Record
from portalgen.content.records.client import Client, Plan, Session
from portalgen.content.records.documents import CreditNote, Invoice, Payment
from portalgen.content.records.estimate import Estimate
from portalgen.content.records.log import LogEntry
from portalgen.content.records.offer import Agreement, Guide, Letter, Page, Policy, Service, Terms
from portalgen.content.records.practice import SiteFile
from portalgen.content.records.private import Lessons, Review, Supervision
from portalgen.content.records.referral import Referral


class Kind(msgspec.Struct, frozen=True):
    """`path` is the place below `content/` (or below the client's folder), `*` standing for the id.

    `form`: a YAML mapping, a YAML list of mappings, or Markdown with front matter.
    """

    name: str
    path: str
    form: Literal["yaml", "list", "markdown"]
    record: type[Record]
    scope: Literal["site", "client"] = "site"

    @property
    def many(self) -> bool:
        """Whether there is a file for each id, not one fixed file."""
        return "*" in self.path


KINDS = (
    Kind("site", "site.yaml", "yaml", SiteFile),
    Kind("page", "pages/*.md", "markdown", Page),
    Kind("service", "services/*.md", "markdown", Service),
    Kind("policy", "policies/*.md", "markdown", Policy),
    Kind("guide", "guides/*.md", "markdown", Guide),
    Kind("agreement", "agreements/*.md", "markdown", Agreement),
    Kind("letter", "letters/*.md", "markdown", Letter),
    Kind("letter", "letters/repair/*.md", "markdown", Letter),
    Kind("terms", "terms/*.yaml", "yaml", Terms),
    Kind("referral", "referrals.yaml", "list", Referral),
    Kind("supervision", "private/supervision.yaml", "list", Supervision),
    Kind("review", "private/reviews.yaml", "list", Review),
    Kind("lessons", "private/lessons.md", "markdown", Lessons),
    Kind("client", "client.yaml", "yaml", Client, "client"),
    Kind("plan", "plan.md", "markdown", Plan, "client"),
    Kind("session", "sessions.yaml", "list", Session, "client"),
    Kind("payment", "payments.yaml", "list", Payment, "client"),
    Kind("log", "log.yaml", "list", LogEntry, "client"),
    Kind("invoice", "invoices/*.yaml", "yaml", Invoice, "client"),
    Kind("credit-note", "credit-notes/*.yaml", "yaml", CreditNote, "client"),
    Kind("estimate", "estimates/*.yaml", "yaml", Estimate, "client"),
)
