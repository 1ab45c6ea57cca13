// Keeps an open page of the preview as it would be now. Served by `portalgen serve` only; no built site holds it.
(() => {
  "use strict";

  const own = document.currentScript;
  const pages = own.dataset.pages.split(" ").map(decodeURIComponent);  // what this page is made of; "*": wait for anything
  const waiting = document.getElementById("portalgen-problems");  // the page that stands in before there is a first build
  const KEPT = "portalgen-scroll";
  let build = own.dataset.build;
  let source = null;
  let restyled = "";
  let overlay = null;

  // --- reloading, without losing the place

  function reload() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([location.pathname, scrollX, scrollY]));
    } catch { /* no storage: the browser's own memory of the place has to do */ }
    location.reload();
  }

  function restore() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT));
      sessionStorage.removeItem(KEPT);
    } catch { /* as above */ }
    if (!kept || kept[0] !== location.pathname) return;
    const back = () => scrollTo({left: kept[1], top: kept[2], behavior: "instant"});
    back();
    addEventListener("load", back, {once: true});
  }

  // --- style sheets, exchanged without a reload

  const styleLinks = () => [...document.querySelectorAll('link[rel~="stylesheet"]:not([data-portalgen-old])')];

  function exchange(link, href) {
    const fresh = link.cloneNode();
    fresh.href = href;
    fresh.onload = fresh.onerror = () => link.remove();  // the old one stays until then: no flash of a bare page
    link.dataset.portalgenOld = "";
    link.after(fresh);
  }

  async function restyle() {
    const answer = await fetch(`/_portalgen/styles?page=${encodeURIComponent(pages[0])}`);
    const wanted = answer.ok ? await answer.json() : [];
    const links = styleLinks();
    if (wanted.length !== links.length) return reload();
    links.forEach((link, at) => {
      if (link.getAttribute("href") !== wanted[at]) exchange(link, wanted[at]);
    });
  }

  // --- what changed

  function addressOf(url) {
    try {
      return decodeURIComponent(new URL(url, location.href).pathname.slice(1));
    } catch {
      return "";
    }
  }

  function changed(list, number) {
    const touched = new Set(list);
    if (pages.some(page => page === "*" || touched.has(page))) return reload();
    // no page of ours, but maybe what it shows: pictures, fonts, style sheets whose name has no hash
    let used = performance.getEntriesByType("resource").map(entry => addressOf(entry.name)).filter(at => touched.has(at));
    if (restyled === number) {
      used = used.filter(at => !at.endsWith(".css"));
    } else {
      const links = styleLinks().filter(link => touched.has(addressOf(link.href)));
      const linked = links.map(link => addressOf(link.href));
      used = used.filter(at => !linked.includes(at));
      if (!used.length) links.forEach(link => exchange(link, `${link.getAttribute("href").split("?")[0]}?${number}`));
    }
    if (used.length) reload();
  }

  // --- problems

  const LOOK = `
    :host { all: initial; }
    section {
      position: fixed; z-index: 2147483647; inset: auto 0 0 0; max-height: 70vh; overflow: auto; box-sizing: border-box;
      padding: 16px 24px; background: #fffaf2; color: #2a1a12; border-top: 4px solid #a33a1d;
      font: 16px/1.5 system-ui, sans-serif;
    }
    header { display: flex; gap: 16px; align-items: baseline; justify-content: space-between; }
    h2 { margin: 0; font-size: 18px; }
    button { font: inherit; color: inherit; background: none; border: 1px solid; border-radius: 4px; padding: 4px 12px; }
    button:focus-visible, section:focus-visible { outline: 3px solid #1f5fbf; outline-offset: -3px; }
    pre { margin: 12px 0 0; font: 15px/1.5 ui-monospace, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
    @media (prefers-color-scheme: dark) {
      section { background: #221a16; color: #f6ebe2; border-color: #e58b6d; }
      button:focus-visible, section:focus-visible { outline-color: #8ab8ff; }
    }
    @media print { section { display: none; } }
  `;

  function element(name, text = "") {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  const texts = problems => problems.map(problem => element("pre", problem));

  function hide() {
    overlay?.remove();
    overlay = null;
  }

  function show(problems) {
    if (waiting) {
      if (!problems.length) return reload();
      const now = [...waiting.querySelectorAll("pre")];
      if (now.map(pre => pre.textContent).join("\0") === problems.join("\0")) return;
      now.forEach(pre => pre.remove());
      waiting.append(...texts(problems));
      return;
    }
    hide();
    if (!problems.length) return;
    overlay = element("div");
    overlay.id = "portalgen-overlay";
    const inside = overlay.attachShadow({mode: "open"});
    const look = new CSSStyleSheet();  // not an element: the page's own policy may forbid inline styles
    look.replaceSync(LOOK);
    inside.adoptedStyleSheets = [look];
    const box = element("section");
    box.setAttribute("role", "alert");
    box.tabIndex = 0;  // it may have to be scrolled by keyboard
    const title = problems.length === 1 ? "One problem keeps this page as it was" : `${problems.length} problems keep this page as it was`;
    const close = element("button", "Hide");
    close.type = "button";
    close.onclick = hide;
    const header = element("header");
    header.append(element("h2", title), close);
    inside.append(box);
    document.documentElement.append(overlay);
    box.append(header, ...texts(problems));  // after it stands in the page, so that a screen reader hears of it
  }

  addEventListener("keydown", event => {
    if (event.key === "Escape") hide();
  });

  // --- the connection; only while the page is seen, since browsers open no more than six to one server

  function connect() {
    if (source || document.hidden) return;
    const mine = source = new EventSource(`/_portalgen/events?build=${build}&page=${encodeURIComponent(pages[0])}`);
    const on = (kind, act) => mine.addEventListener(kind, event => {
      build = event.lastEventId;
      act(JSON.parse(event.data), build);
    });
    mine.onopen = hide;  // what is still wrong is told anew
    on("message", changed);
    on("problems", show);
    on("reload", reload);
    on("style", (list, number) => {
      if (!list.includes(pages[0])) return;
      restyled = number;
      restyle();
    });
    mine.onerror = () => {
      if (mine.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
      disconnect();
      setTimeout(connect, 1000);
    };
  }

  function disconnect() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => document.hidden ? disconnect() : connect());
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  restore();
  connect();
})();
