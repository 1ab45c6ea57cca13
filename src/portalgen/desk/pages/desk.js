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
  let stale = false;
  let source = null;

  // never under somebody's fingers: a reload would lose the place of the keyboard
  function refresh() {
    if (stale && document.activeElement === document.body) location.reload();
  }

  function changed() {
    stale = true;
    refresh();
  }

  function connect() {  // only while the page is seen, since browsers open no more than six to one server
    source = new EventSource("/_portalgen/events");
    for (const kind of ["message", "style"]) source.addEventListener(kind, changed);
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
