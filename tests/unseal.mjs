// A second hand: derives, seals and opens by the construction of sealing §2, with WebCrypto and nothing of portalgen's.
//
//   node unseal.mjs derive M_HEX SALT_HEX GENERATION          key id, token, locator, R, fragment
//   node unseal.mjs open FRAGMENT < PAGE.html                 {"exp", "files": [{"n", "t", "b64"}], "S", "K", "N"}
//   node unseal.mjs seal R_HEX < FILES.json > SEALED          the same JSON, sealed

import { readFileSync } from "node:fs";

const { subtle } = globalThis.crypto;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const join = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
const u16 = (n) => new Uint8Array([n >> 8, n & 255]);
const u32 = (n) => new Uint8Array([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
const u64 = (n) => join(u32(Math.floor(n / 2 ** 32)), u32(n % 2 ** 32));

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

function b32(bytes) {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return bits.match(/.{1,5}/g).map((five) => ALPHABET[parseInt(five.padEnd(5, "0"), 2)]).join("");
}

function unb32(text) {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return new Uint8Array(bits.match(/.{8}/g).map((eight) => parseInt(eight, 2)));
}

async function hmac(key, data) {
  const made = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", made, data));
}

const extract = (salt, secret) => hmac(salt, secret);

async function expand(prk, info, length) {
  let last = new Uint8Array(0), all = new Uint8Array(0);
  for (let n = 1; all.length < length; n++) {
    last = await hmac(prk, join(last, info, [n]));
    all = join(all, last);
  }
  return all.slice(0, length);
}

const E = (...fields) => join(...fields.map((field) => join(u16(field.length), field)));

async function check(secret) {
  const digest = await subtle.digest("SHA-256", join(utf8("portalgen/v1/check"), secret));
  return new Uint8Array(digest).slice(0, 3);
}

const H0 = join(utf8("PGS1"), [1, 1, 0, 0], new Uint8Array(16));

function padme(length) {
  const e = Math.floor(Math.log2(length)), s = Math.floor(Math.log2(e)) + 1, unit = 2 ** (e - s);
  return Math.max(16384, Math.ceil(length / unit) * unit);
}

async function synthetic(R, plain) {
  const ks = await expand(await extract(utf8("portalgen/seal/v1"), R), utf8("siv"), 32);
  return hmac(ks, join(H0, u64(plain.length), plain));
}

async function message(R, S) {
  const made = await expand(await extract(S, R), utf8("portalgen/seal/v1/msg"), 44);
  return { K: made.slice(0, 32), N: made.slice(32) };
}

async function derive(M, salt, generation) {
  const prk = await extract(utf8("portalgen/v1"), M);
  const of = (purpose, length, ...context) => expand(prk, E(utf8(purpose), ...context), length);
  const context = [salt, u32(generation)];
  const R = await of("sealed-secret", 32, ...context);
  return {
    key_id: hex(await of("key-id", 8)),
    token: b32(await of("unlisted-token", 20, ...context)),
    locator: b32(await of("sealed-locator", 20, ...context)),
    R: hex(R),
    fragment: b32(join(R, await check(R))),
  };
}

async function seal(R, { exp, files }) {
  let o = 0;
  const rows = files.map(({ n, t, b64 }) => {
    const l = Buffer.from(b64, "base64").length, row = { l, n, o, t };
    o += l;
    return row;
  });
  const manifest = utf8(JSON.stringify({ exp, files: rows, v: 1 }));
  const body = join(u32(manifest.length), manifest, ...files.map(({ b64 }) => Buffer.from(b64, "base64")), [0x80]);
  const plain = join(body, new Uint8Array(padme(body.length) - body.length));
  const S = await synthetic(R, plain), { K, N } = await message(R, S);
  const key = await subtle.importKey("raw", K, "AES-GCM", false, ["encrypt"]);
  const how = { name: "AES-GCM", iv: N, additionalData: join(H0, S) };
  return join(H0, S, new Uint8Array(await subtle.encrypt(how, key, plain)));
}

function must(holds, what) {
  if (!holds) throw new Error(what);
}

async function open(fragment, page) {
  must(fragment.length === 56, "a fragment has 56 characters");
  const bytes = unb32(fragment), R = bytes.slice(0, 32);
  must(hex(bytes.slice(32)) === hex(await check(R)), "the checksum of the fragment");
  const [, base64] = /<script type="application\/octet-stream" id="sealed">([A-Za-z0-9+/=]*)<\/script>/.exec(page);
  const sealed = new Uint8Array(Buffer.from(base64, "base64"));
  must(hex(sealed.slice(0, 24)) === hex(H0), "the head");
  const S = sealed.slice(24, 56), { K, N } = await message(R, S);
  const key = await subtle.importKey("raw", K, "AES-GCM", false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: N, additionalData: sealed.slice(0, 56) };
  const plain = new Uint8Array(await subtle.decrypt(how, key, sealed.slice(56)));
  must(hex(await synthetic(R, plain)) === hex(S), "S is that of the text");
  const size = new DataView(plain.buffer).getUint32(0);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(plain.slice(4, 4 + size));
  const manifest = JSON.parse(text);
  must(manifest.v === 1, "the version of the manifest");
  let at = 4 + size, offset = 0;
  const files = manifest.files.map(({ l, n, o, t }) => {
    must(o === offset, "offsets run on without gaps");
    const content = plain.slice(at, at + l);
    at += l;
    offset += l;
    return { n, t, b64: Buffer.from(content).toString("base64") };
  });
  must(files[0].n === "page.html", "the first file is the page");
  const sorted = JSON.stringify({ exp: manifest.exp, files: manifest.files.map(({ l, n, o, t }) => ({ l, n, o, t })), v: 1 });
  must(sorted === text, "the manifest is written in the one way");
  must(plain[at] === 0x80 && plain.slice(at + 1).every((byte) => byte === 0), "the padding");
  must(plain.length === padme(at + 1), "the length");
  return { exp: manifest.exp, files, S: hex(S), K: hex(K), N: hex(N), tag: hex(sealed.slice(-16)) };
}

const [what, ...given] = process.argv.slice(2);
const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const input = () => readFileSync(0);
if (what === "derive") console.log(JSON.stringify(await derive(fromHex(given[0]), fromHex(given[1]), Number(given[2]))));
else if (what === "open") console.log(JSON.stringify(await open(given[0], input().toString("latin1"))));
else if (what === "seal") process.stdout.write(await seal(fromHex(given[0]), JSON.parse(input().toString())));
else throw new Error(`derive, open or seal, not ${what}`);
