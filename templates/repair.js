"use strict";
// A mail filter may write %23 for the # of a private link; the server then looked for a page that is not there.
(function () {
  const link = /^(.*\/p\/[a-z2-7]{32})(?:\.html)?%(?:25)*23([a-z2-7]{56})((?:\/|%2f).*)?$/i.exec(location.pathname);
  if (!link) return;
  const section = (link[3] || "").replace(/%(?:25)*2f/gi, "/");
  const mend = document.getElementById("mend");
  document.getElementById("mended").href = `${location.origin}${link[1]}.html#${link[2].toLowerCase()}${section}`;
  document.getElementById("title").textContent = mend.dataset.title;
  mend.hidden = false;
  document.getElementById("lost").hidden = true;
})();
