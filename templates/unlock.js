"use strict";
// Opens a private page in its reader's browser. The key stands in the link after #, which a browser never sends.
// Every private page carries these same bytes, named by their hash in its content security policy.
(function () {
  const $ = (id) => document.getElementById(id);
  const setup = JSON.parse($("setup").textContent);
  const sealed = $("sealed").textContent;
  const look = document.querySelector("style");
  const says = wordsFor(navigator.languages || [navigator.language]);
  const wide = new TextEncoder();
  const HEAD = [0x50, 0x47, 0x53, 0x31, 1, 1].concat(Array(18).fill(0));
  const HTML = "http://www.w3.org/1999/xhtml", SVG = "http://www.w3.org/2000/svg";

  const words = (text) => new Set(text.split(" "));
  // What a page may be made of. Elements that are in neither list give way to what they hold.
  const ELEMENTS = words("a abbr address article aside b bdi bdo blockquote br caption cite code col colgroup data dd del " +
    "details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark menu " +
    "nav ol p pre q rp rt ruby s samp search section small span strong sub summary sup table tbody td tfoot th thead time " +
    "tr u ul var wbr");
  const DROPPED = words("script style meta base link iframe frame frameset noframes object embed applet param form input " +
    "button select textarea template noscript noembed title area map source track");
  const DRAWING = words("svg g path rect");
  const ATTRIBUTES = words("id class lang dir title role hidden open href download rel src alt width height colspan rowspan " +
    "scope headers start reversed value datetime tabindex translate span");
  const DRAWN = words("class role viewBox fill d shape-rendering width height x y");
  const SCHEMES = new Set(["https:", "mailto:", "tel:"].concat(setup.schemes));
  const PICTURE = /^data:image\/(png|jpeg|gif|webp)[;,]/i;
  const FILES = /^(application\/pdf|image\/(png|jpeg|gif|webp)|text\/(plain|csv|calendar))(;|$)/i;
  const RUNNABLE = /html|svg|javascript|ecmascript|xslt/i, RUNS = /\.(m?js|x?html?|xht|svgz?|mht|mhtml|xslt?)$/i;

  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("portalgen", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const files = new Map(), scrolled = new Map(), sheets = new Map();
  let key = "", shown = null, followed = false, blobs = [];

  function wordsFor(languages) {
    for (const language of languages) {
      const wanted = String(language).toLowerCase(), whole = wanted.split("-")[0];
      const found = setup.words.find((w) => w.lang.toLowerCase() === wanted) ||
        setup.words.find((w) => w.lang.toLowerCase().split("-")[0] === whole);
      if (found) return found;
    }
    return setup.words[0];
  }

  // --- what the reader is told ---

  function say(name) {
    $("title").textContent = says[name].title;
    $("text").textContent = says[name].text;
    $("main").hidden = $("text").hidden = false;
    $("act").hidden = name !== "gate" && name !== "insecure";
    $("paste").hidden = name !== "missing" && name !== "cut";
    $("open").textContent = says[name === "insecure" ? "secure" : "open"];
  }

  // --- the link ---

  // "#KEY/section/anchor", whatever a mail program hung on its end.
  function read(hash) {
    const found = /^#([a-z2-7]{56})(?:\/(.*)|[^a-z0-9].*)?$/i.exec(hash.replace(/[.,;:!?)>\]"'’”»]+$/, ""));
    return found && { key: found[1].toLowerCase(), rest: plain(found[2] || "").replace(/\/+$/, "") };
  }

  function plain(text) {
    try {
      return decodeURIComponent(text);
    } catch (error) {
      return text;
    }
  }

  function bytesOf(text) {
    const bytes = new Uint8Array(35);
    let held = 0, bits = 0, at = 0;
    for (const letter of text) {
      held = ((held << 5) | "abcdefghijklmnopqrstuvwxyz234567".indexOf(letter)) & 0xfff;
      bits += 5;
      if (bits >= 8) bytes[at++] = (held >> (bits -= 8)) & 0xff;
    }
    return bytes;
  }

  // The 32 bytes of a key; null when it was cut or mistyped.
  async function secretOf(text) {
    const bytes = bytesOf(text), secret = bytes.slice(0, 32), check = wide.encode("portalgen/v1/check");
    const both = new Uint8Array(check.length + 32);
    both.set(check);
    both.set(secret, check.length);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", both));
    return [0, 1, 2].every((n) => digest[n] === bytes[32 + n]) ? secret : null;
  }

  async function takePasted() {
    const text = $("link").value, joined = text.replace(/\s+/g, "");
    const link = /(?:([a-z2-7]{32})(?:\.html)?)?(?:#|%23)([a-z2-7]{56})(\/\S*)?/i;
    const found = link.exec(text) || link.exec(joined) || /^()([a-z2-7]{56})()$/i.exec(joined);
    if (!found || !(await secretOf(found[2].toLowerCase()))) return say("cut");
    const place = (found[1] || "").toLowerCase(), hash = `#${found[2].toLowerCase()}${found[3] || ""}`;
    location.assign(place && !location.pathname.includes(place) ? `${place}.html${hash}` : hash);
  }

  // --- opening ---

  async function unseal(secret) {
    let text;
    try {
      text = atob(sealed);
    } catch (error) {
      throw "damaged";
    }
    const bytes = new Uint8Array(text.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = text.charCodeAt(n);
    if (bytes.length < 72 || HEAD.slice(0, 4).some((byte, n) => bytes[n] !== byte)) throw "damaged";
    if (HEAD.some((byte, n) => bytes[n] !== byte)) throw "newer";
    const subtle = crypto.subtle;
    const whole = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    const how = { name: "HKDF", hash: "SHA-256", salt: bytes.slice(24, 56), info: wide.encode("portalgen/seal/v1/msg") };
    const made = new Uint8Array(await subtle.deriveBits(how, whole, 352));
    const one = await subtle.importKey("raw", made.slice(0, 32), "AES-GCM", false, ["decrypt"]);
    const with_ = { name: "AES-GCM", iv: made.slice(32), additionalData: bytes.slice(0, 56) };
    let inside;
    try {
      inside = await subtle.decrypt(with_, one, bytes.subarray(56));
    } catch (error) {
      throw "gone";
    }
    const size = new DataView(inside).getUint32(0), from = 4 + size;
    const manifest = JSON.parse(new TextDecoder().decode(new Uint8Array(inside, 4, size)));
    if (manifest.v !== 1) throw "newer";
    if (manifest.exp !== null && !(Date.now() < Date.parse(manifest.exp))) throw "ended";
    for (const row of manifest.files) {
      files.set(row.n, { type: row.t, bytes: new Uint8Array(inside, from + row.o, row.l) });
    }
  }

  async function open() {
    $("open").disabled = true;
    try {
      await unseal(await secretOf(key));
      await Promise.race([Promise.all(sheets.values()), new Promise((done) => setTimeout(done, 2000))]);
      history.scrollRestoration = "manual";
      document.addEventListener("click", (event) => (followed = !!event.target.closest("a")), true);
      show();
    } catch (error) {
      $("main").hidden = false;
      say(typeof error === "string" ? error : "damaged");
    }
  }

  // A style of the site. Until it is there, and where it is not, the page keeps the look it carries inside.
  function wear(address) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.media = "not all";
    link.href = address;
    sheets.set(address, new Promise((done) => {
      link.onload = () => done(link);
      link.onerror = () => done(null);
    }));
    document.head.append(link);
  }

  async function dress() {
    for (const sheet of sheets.values()) {
      const link = await sheet;
      if (!link) continue;
      link.media = "all";
      look.disabled = true;
    }
  }

  // --- showing ---

  const isPage = (file) => file && file.type.startsWith("text/html");

  // The section and the anchor that the end of a link names; what is no section is an anchor of the first page.
  function placeOf(rest) {
    const steps = rest.split("/");
    for (let n = steps.length; n > 0; n--) {
      const name = steps.slice(0, n).join("/");
      if (isPage(files.get(`${name}.html`))) return { name, anchor: steps.slice(n).join("/") };
    }
    return { name: "page", anchor: rest };
  }

  function show() {
    const { name, anchor } = placeOf(read(location.hash).rest);
    const first = shown === null, forward = followed;
    followed = false;
    if (name !== shown) {
      scrolled.set(shown, window.scrollY);
      render(name);
      shown = name;
      const main = document.querySelector("main");
      main.focus({ preventScroll: true });
      if (!anchor) window.scrollTo(0, first || forward ? 0 : scrolled.get(name) || 0);
    }
    const target = anchor && document.getElementById(anchor);
    if (target) {
      if (target.tabIndex < 0) target.tabIndex = -1;
      target.focus({ preventScroll: true });
      target.scrollIntoView();
    } else if (!anchor && forward) window.scrollTo(0, 0);
  }

  function render(name) {
    const text = new TextDecoder().decode(files.get(`${name}.html`).bytes);
    const page = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
    for (const link of page.head.querySelectorAll("link[rel~=stylesheet]")) {
      const address = link.getAttribute("href") || "";
      if (/^\.\.\/assets\/[\w.-]+\.css$/.test(address) && !sheets.has(address)) wear(address);
    }
    blobs.splice(0).forEach((address) => URL.revokeObjectURL(address));
    let main = page.body.querySelector("main");
    if (!main) {
      main = page.createElement("main");
      main.append(...page.body.childNodes);
      page.body.append(main);
    }
    main.id = main.id || "main";
    main.tabIndex = -1;
    clean(page.body, name === "page" ? `#${key}` : `#${key}/${name}`, `#${main.id}`);
    document.documentElement.lang = page.documentElement.lang;
    document.documentElement.dir = page.documentElement.dir || "ltr";
    document.title = page.title;
    document.body.className = page.body.className;
    document.body.replaceChildren(...page.body.childNodes);
    dress();
  }

  function clean(body, here, main) {
    for (const element of body.querySelectorAll("*")) {
      const name = element.localName, drawing = element.namespaceURI === SVG;
      if (!(drawing ? DRAWING.has(name) : element.namespaceURI === HTML && !DROPPED.has(name))) {
        element.remove();
      } else if (!drawing && !ELEMENTS.has(name)) {
        element.replaceWith(...element.childNodes);
      } else {
        const href = element.getAttribute("href"), src = element.getAttribute("src");
        for (const attribute of [...element.attributes]) {
          const known = (drawing ? DRAWN : ATTRIBUTES).has(attribute.name) || attribute.name.startsWith("aria-");
          const address = attribute.name === "href" || attribute.name === "src";
          if (!known || address || (drawing && /url|:/i.test(attribute.value))) element.removeAttributeNode(attribute);
        }
        if (name === "a" && href !== null) lead(element, href.trim(), here, main);
        if (name === "img" && src !== null) picture(element, src.trim());
      }
    }
  }

  // An address as a browser reads it; one that stays on this site has the host `own.invalid`.
  function readAddress(address) {
    try {
      return new URL(address, "https://own.invalid/p/");
    } catch (error) {
      return new URL("about:blank");
    }
  }

  function lead(link, address, here, main) {
    const file = files.get(plain(address)), url = readAddress(address), own = read(address);
    if (file && !isPage(file)) {
      const name = plain(address);
      if (RUNNABLE.test(file.type) || RUNS.test(name)) return;
      link.href = held(file, FILES.test(file.type) ? file.type : "application/octet-stream");
      link.download = name.slice(name.lastIndexOf("/") + 1);
    } else if (address === main) {
      link.href = address;
      link.addEventListener("click", skip);
    } else if (address.startsWith("#")) {
      link.href = own && own.key === key ? address : address.length > 1 ? `${here}/${address.slice(1)}` : here;
    } else if (url.host === "own.invalid") {
      link.href = address;
    } else if (SCHEMES.has(url.protocol)) {
      link.href = url.href;
      if (url.protocol === "https:") link.rel = "noopener noreferrer";
    }
  }

  // "Skip to the content" leads to no other place, so the address stays as it is.
  function skip(event) {
    const main = document.querySelector("main");
    event.preventDefault();
    followed = false;
    main.focus();
    main.scrollIntoView();
  }

  function picture(image, address) {
    const file = files.get(plain(address));
    if (file && /^image\//.test(file.type) && FILES.test(file.type)) image.src = held(file, file.type);
    else if (PICTURE.test(address) || readAddress(address).host === "own.invalid") image.src = address;
  }

  function held(file, type) {
    blobs.push(URL.createObjectURL(new Blob([file.bytes], { type })));
    return blobs[blobs.length - 1];
  }

  // --- the start ---

  async function start() {
    document.documentElement.lang = says.lang;
    document.documentElement.dir = says.dir;
    $("ask").textContent = says.ask;
    $("label").textContent = says.paste;
    $("go").textContent = says.open;
    window.addEventListener("hashchange", () => {
      const now = read(location.hash);
      if (shown !== null && now && now.key === key) show();
      else location.reload();
    });
    if (!window.isSecureContext && location.protocol === "http:") {
      $("open").onclick = () => (location.protocol = "https:");
      return say("insecure");
    }
    if (!window.crypto || !crypto.subtle || !document.body.replaceChildren) return say("old");
    if (window.top !== window.self) return say("framed");
    $("go").onclick = takePasted;
    $("link").onkeydown = (event) => event.key === "Enter" && takePasted();
    if (location.hash.length < 2) return say("missing");
    const link = read(location.hash);
    if (!link || !(await secretOf(link.key))) return say("cut");
    key = link.key;
    wear(setup.style);
    const [visit] = performance.getEntriesByType("navigation");
    if (!setup.gate || (visit && (visit.type === "reload" || visit.type === "back_forward"))) {
      $("main").hidden = true;
      return open();
    }
    $("open").onclick = open;
    say("gate");
  }

  start().catch(() => say("old"));
})();
