"""The public pages: which exist, and what each shows. Drafts, hidden services and unconsented referrals have none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from markupsafe import Markup

from portalgen.content.model import Shared
from portalgen.content.problems import Finding
from portalgen.content.records.offer import Document, Guide, Policy, Service
from portalgen.content.records.offer import Page as PageFile
from portalgen.rules.money import Money
from portalgen.site.links import Directory
from portalgen.site.markdown import Writer
from portalgen.site.offer import Offer
from portalgen.site.pages import Page
from portalgen.site.views import (
    ContactView,
    FeesView,
    GuidesView,
    GuideView,
    HomeView,
    MediaView,
    PageLink,
    Picture,
    PoliciesView,
    PolicyView,
    ReferralsView,
    ServicesView,
    ServiceView,
    StoryView,
    TermsListView,
    TermsView,
    TextView,
)

MEDIA = {
    "image": ("svg", "png", "jpg", "jpeg", "webp", "gif", "avif"),
    "audio": ("mp3", "ogg", "m4a", "wav", "opus"),
    "video": ("mp4", "webm"),
}
SITE = "content/site.yaml"


def directory(shared: Shared) -> Directory:
    """All public addresses, and which source file each comes from."""
    sources: dict[str, str] = {}
    hidden: set[str] = set()
    for page in shared.pages.values():
        sources[page.path] = "" if page.id == "home" else f"{page.id}/"
    for folder, documents in (
        ("services", shared.services),
        ("policies", shared.policies),
        ("guides", shared.guides),
        ("terms", shared.terms),
    ):
        for document in documents.values():
            if getattr(document, "hidden", False) is False and getattr(document, "public", True):
                sources[document.path] = f"{folder}/{document.id}/"
            else:
                hidden |= {document.path, f"{folder}/{document.id}/"}
    for path in shared.broken:
        folder, _, name = path.removeprefix("content/").rpartition("/")
        stem = name.rpartition(".")[0]
        sources[path] = f"{stem}/" if folder == "pages" else f"{folder}/{stem}/"
    addresses = set(sources.values()) | {"", "contact/", "fees/", *shared.static}
    for address, present in (
        ("services/", shared.services),
        ("policies/", any(policy.public for policy in shared.policies.values())),
        ("guides/", shared.guides),
        ("terms/", shared.terms),
        ("referrals/", listed_referrals(shared)),
    ):
        if present or any(path.startswith(f"content/{address[:-1]}") for path in shared.broken):
            addresses.add(address)
    return Directory(sources, frozenset(addresses), frozenset(hidden))


def listed_referrals(shared: Shared) -> bool:
    """Whether any colleague agreed to be listed."""
    return any(referral.consent_to_list for referral in shared.referrals.values())


class PublicPages:
    """Makes the public pages of one practice for one day; `findings` are problems in their texts."""

    def __init__(self, shared: Shared, offer: Offer, writer: Writer, today: dt.date) -> None:
        self.shared, self.offer, self.writer, self.today = shared, offer, writer, today
        self.findings: list[Finding] = []

    def pages(self) -> Iterator[Page]:
        """All of them; addresses are unique unless a page of the practitioner takes one of ours."""
        shared = self.shared
        yield self._home()
        for page in shared.pages.values():
            if page.id != "home":
                yield self._story(page) if page.id == "story" else self._text(page)
        services = self.offer.services
        if shared.services:
            yield Page(
                address="services/",
                template="services.html",
                view=ServicesView(services=tuple(self.offer.card(s) for s in services)),
                source=SITE,
            )
        for service in services:
            view = self._service(service)
            yield Page(
                address=view.card.address,
                template="service.html",
                view=view,
                source=service.path,
                title=service.name,
                description=service.summary or "",
            )
        yield Page(address="fees/", template="fees.html", view=self._fees(), source=SITE)
        yield from self._policies()
        yield from self._terms()
        yield from self._guides()
        yield Page(
            address="contact/",
            template="contact.html",
            view=ContactView(concerns=self._policy_link("concerns")),
            source=SITE,
        )
        if listed_referrals(shared):
            listed = sorted((r for r in shared.referrals.values() if r.consent_to_list), key=lambda r: (r.name, r.id))
            view_ = ReferralsView(referrals=tuple(self.offer.referral(r) for r in listed))
            yield Page(address="referrals/", template="referrals.html", view=view_, source="content/referrals.yaml")

    def _body(self, document: Document, address: str) -> Markup:
        rendered = self.writer.render(document.body, source=document.path, page=address, line=document.body_line)
        self.findings += rendered.findings
        return rendered.html

    def _home(self) -> Page:
        page = self.shared.pages.get("home")
        practice = self.shared.site.practice
        services = self.offer.services
        lows = [
            card.price.low
            for card in map(self.offer.card, services)
            if card.price.low and card.price.kind in ("amount", "range")
        ]
        own = [low for low in lows if low.currency == practice.currency and low.amount > 0]
        story = self.shared.pages.get("story")
        view = HomeView(
            title=page.title if page else practice.name,
            summary=(page.summary or "") if page else "",
            body=self._body(page, "") if page else Markup(""),
            photo=_photo(page) or _photo(story),
            services=tuple(self.offer.card(service) for service in services),
            first_session=self._policy_link("session"),
            story=PageLink(title=story.title, address="story/", summary=story.summary or "") if story else None,
            fees_from=min(own, key=lambda low: low.amount) if own else None,
            closed_to_new=bool(services) and all(service.closed_to_new for service in services),
        )
        return Page(
            address="",
            template="home.html",
            view=view,
            source=page.path if page else SITE,
            title=view.title,
            description=view.summary,
        )

    def _text(self, page: PageFile) -> Page:
        address = f"{page.id}/"
        view = TextView(title=page.title, summary=page.summary or "", body=self._body(page, address))
        return Page(
            address=address,
            template="page.html",
            view=view,
            source=page.path,
            title=page.title,
            description=page.summary or "",
        )

    def _story(self, page: PageFile) -> Page:
        view = StoryView(
            title=page.title,
            summary=page.summary or "",
            body=self._body(page, "story/"),
            believes=page.believes,
            own_experience=page.own_experience or "",
            training=page.training,
            photo=_photo(page),
            services=tuple(self.offer.card(service) for service in self.offer.services),
        )
        return Page(
            address="story/",
            template="story.html",
            view=view,
            source=page.path,
            title=page.title,
            description=page.summary or "",
        )

    def _service(self, service: Service, *, text: bool = True) -> ServiceView:
        card = self.offer.card(service)
        practice = self.shared.site.practice
        story = self.shared.pages.get("story")
        currency = service.currency or practice.currency
        return ServiceView(
            card=card,
            body=self._body(service, card.address) if text else Markup(""),
            for_=service.for_,
            not_for=service.not_for,
            packages=self.offer.packages(service),
            deposit=Money(service.deposit, currency) if service.deposit else None,
            coming_prices=self.offer.coming_prices(service),
            cancellation=self.offer.cancellation(service.cancellation or self.offer.default_cancellation()),
            guides=tuple(_guide_link(g) for g in self._live_guides() if service.id in g.services),
            referrals=listed_referrals(self.shared),
            story=PageLink(title=story.title, address="story/") if story else None,
            first_session=self._policy_link("session"),
            booking=service.booking_url or "",
        )

    def _fees(self) -> FeesView:
        tax = self.shared.site.practice.tax
        return FeesView(
            services=tuple(self._service(service, text=False) for service in self.offer.services),
            terms=tuple(self.offer.terms(terms) for terms in self.shared.terms.values()),
            methods=self.offer.methods(),
            tax_status=tax.status,
            tax_mention=tax.legal_mention or tax.exempt_reason or "",
            currencies=tuple(
                dict.fromkeys(s.currency or self.shared.site.practice.currency for s in self.offer.services)
            ),
        )

    def _policies(self) -> Iterator[Page]:
        public = [policy for policy in self.shared.policies.values() if policy.public]
        links = {policy.id: _policy_page(policy) for policy in sorted(public, key=policy_order)}
        if public:
            yield Page(
                address="policies/",
                template="policies.html",
                view=PoliciesView(policies=tuple(links.values())),
                source=SITE,
            )
        for policy in public:
            address = f"policies/{policy.id}/"
            view = PolicyView(
                title=policy.title,
                language=policy.language or self.shared.site.practice.language,
                summary=policy.summary or "",
                kind=policy.kind,
                effective=policy.effective,
                version=policy.version,
                body=self._body(policy, address),
                cancellation=self.offer.cancellation(policy.id),
                others=tuple(link for key, link in links.items() if key != policy.id),
            )
            yield Page(
                address=address,
                template="policy.html",
                view=view,
                source=policy.path,
                title=policy.title,
                description=policy.summary or "",
            )

    def _terms(self) -> Iterator[Page]:
        views: list[TermsView] = []
        for terms in self.shared.terms.values():
            address = f"terms/{terms.id}/"
            text = self.writer.render(terms.text or "", source=terms.path, page=address)
            self.findings += text.findings
            views.append(self.offer.terms(terms, text.html))
            yield Page(address=address, template="terms.html", view=views[-1], source=terms.path, title=views[-1].title)
        if views:
            yield Page(
                address="terms/", template="terms-list.html", view=TermsListView(terms=tuple(views)), source=SITE
            )

    def _live_guides(self) -> list[Guide]:
        live = [guide for guide in self.shared.guides.values() if not is_retired(guide, self.today)]
        return sorted(live, key=lambda guide: (guide.title, guide.id))

    def _guides(self) -> Iterator[Page]:
        if self.shared.guides:
            links = tuple(_guide_link(guide) for guide in self._live_guides())
            yield Page(address="guides/", template="guides.html", view=GuidesView(guides=links), source=SITE)
        for guide in self.shared.guides.values():
            address = f"guides/{guide.id}/"
            services = [self.shared.services[key] for key in guide.services]
            view = GuideView(
                title=guide.title,
                summary=guide.summary,
                body=self._body(guide, address),
                steps=guide.steps,
                when_to_contact=guide.when_to_contact or "",
                media=tuple(
                    MediaView(kind=media_kind(m.file), file=m.file, alt=m.alt or "", transcript=m.transcript or "")
                    for m in guide.media
                ),
                services=tuple(PageLink(title=s.name, address=f"services/{s.id}/") for s in services if not s.hidden),
                retired=is_retired(guide, self.today),
                language=guide.language or "",
            )
            yield Page(
                address=address,
                template="guide.html",
                view=view,
                source=guide.path,
                title=guide.title,
                description=guide.summary,
                listed=not view.retired,
            )

    def _policy_link(self, kind: str) -> PageLink | None:
        found = next((p for p in self.shared.policies.values() if p.kind == kind and p.public), None)
        return _policy_page(found) if found else None


def _photo(page: PageFile | None) -> Picture | None:
    return Picture(file=page.photo, alt=page.photo_alt or "") if page and page.photo else None


def _policy_page(policy: Policy) -> PageLink:
    return PageLink(title=policy.title, address=f"policies/{policy.id}/", summary=policy.summary or "")


KIND_ORDER = (
    "session",
    "cancellation",
    "communication",
    "boundaries",
    "concerns",
    "privacy",
    "reviews",
    "ending",
    "other",
)


def policy_order(policy: Policy) -> tuple[int, str, str]:
    """The order in which a reader needs them: the first session first, the ending last."""
    return (KIND_ORDER.index(policy.kind), policy.title, policy.id)


def _guide_link(guide: Guide) -> PageLink:
    return PageLink(title=guide.title, address=f"guides/{guide.id}/", summary=guide.summary)


def is_retired(guide: Guide, today: dt.date) -> bool:
    """Whether the guide is no longer offered; its page stays for those who have it."""
    return guide.retired if isinstance(guide.retired, bool) else guide.retired <= today


def media_kind(file: str) -> str:
    """image, audio, video or file, by the file's ending."""
    ending = file.rpartition(".")[2].lower()
    return next((kind for kind, endings in MEDIA.items() if ending in endings), "file")
