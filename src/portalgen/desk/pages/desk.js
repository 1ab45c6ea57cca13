// The desk's own script: copies a link when asked, and shows the week anew when a file changed. All else works without it.
(() => {
  "use strict";

  const said = document.getElementById("said");

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* no permission, or no secure context: the old way */ }
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "unseen";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.firstChild.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.dataset.copy);
      button.focus();
      said.textContent = button.firstChild.textContent = done ? "Copied" : "Could not copy";
      setTimeout(() => {
        button.firstChild.textContent = label;
        said.textContent = "";
      }, 3000);
    });
  }

  if (!("live" in document.body.dataset)) return;
  const notice = document.getElementById("stale");
  let stale = false;
  let source = null;
  let soon = 0;

  // what the address names may come with a change; then it is gone to, as if it had been there from the start
  const named = () => document.getElementById(location.hash.slice(1));
  if (history.scrollRestoration === "manual" && named()) {
    named().scrollIntoView();
    named().focus({preventScroll: true});
  }

  function again() {
    history.scrollRestoration = location.hash && !named() ? "manual" : "auto";
    location.reload();
  }

  // never under somebody's fingers: a reload would lose the place of the keyboard
  function refresh() {
    if (!stale) return;
    if (document.activeElement === document.body) return again();
    if (notice.hidden) said.textContent = notice.textContent;
    notice.hidden = false;
  }

  function changed() {
    stale = true;
    clearTimeout(soon);
    soon = setTimeout(refresh, 100);  // one edit may be told of twice: when pages changed, and when all is worked off
  }

  notice.querySelector("a").addEventListener("click", event => {
    event.preventDefault();
    again();  // and the key of a sealed page stays in the address
  });
  document.addEventListener("focusout", () => setTimeout(refresh));

  function connect() {  // only while the page is seen, since browsers open no more than six to one server
    source = new EventSource("/_portalgen/edits");
    source.addEventListener("message", changed);
  }

  function disconnect() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    disconnect();
    if (document.hidden) return;
    changed();
    connect();
  });
  addEventListener("pagehide", disconnect);
  if (!document.hidden) connect();
})();
