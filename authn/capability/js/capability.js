// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Capability tokens: parse, narrow, inspect and verify. No dependencies; node
 * 18 or newer, and browsers (WebCrypto, so https: or localhost). The format
 * stands in docs/capability-format.md. Caveats are described by plain objects,
 * as `durward capability inspect --json` writes them:
 *
 *   {type: "operation" | "api" | "path-prefix" | "method", values: [text]}
 *   {type: "query", name, values: [text]}
 *   {type: "body-field", pointer, value: text | integer | boolean | null}
 *   {type: "address", values: ["192.0.2.0/24"]}
 *   {type: "not-after" | "not-before", time: "2030-01-01T00:00:00Z"}
 *   {type: "uses", count}
 *   {type: "bound-key", thumbprint}
 *
 * Every function throws a CapabilityError for what it cannot take. No message
 * holds any of a token.
 */

import {
  CapabilityError, decodeCaveat, encodeCaveat, readBase64url, validName, writeBase64url,
} from "./caveats.js";

export { CapabilityError, encodeCaveat };

const crypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto; // node 18 has no global one

const PREFIX = "dwc_";
const MAX_TEXT = 4096;
const MAX_CAVEATS = 32;
const MAX_FIELDS = 8;
const MAX_COUNTS = 4;
const MAX_TIME = 253402300799;
const TAG = 32;
const LABEL = new TextEncoder().encode("durward-capability-v1");

const fail = (reason) => { throw new CapabilityError(reason); };

/** split takes the bytes of a token apart. */
function split(raw) {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  let at = 1;
  const need = (n) => { if (raw.length - at < n) fail("the token ends early"); };
  const take = () => {
    need(1);
    const n = raw[at++];
    need(n);
    return raw.subarray(at, at += n);
  };
  if (raw[0] !== 1) fail("the token's version is not known");
  const keyId = String.fromCharCode(...take());
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(keyId)) fail("the key id is malformed");
  need(16);
  const id = hex(raw.subarray(at, at += 16));
  const consumer = String.fromCharCode(...take());
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(consumer)) fail("the consumer is malformed");
  const who = take();
  const subject = who.length === 0 ? "" : validName(who, 255) ?? fail("the subject is malformed");
  need(8);
  const issued = Number(view.getBigUint64(at));
  if (issued > MAX_TIME) fail("the time of issue is malformed");
  at += 8;
  const header = raw.subarray(0, at);
  need(TAG);
  const end = raw.length - TAG;
  const encodings = [];
  while (at < end) {
    if (end - at < 3) fail("a caveat ends early");
    const size = 3 + view.getUint16(at + 1);
    if (end - at < size) fail("a caveat ends early");
    if (encodings.length === MAX_CAVEATS) fail("the token has more than 32 caveats");
    encodings.push(raw.subarray(at, at += size));
  }
  return { keyId, id, consumer, subject, issued, header, encodings, body: raw.subarray(0, end), tag: raw.subarray(end) };
}

function read(text) {
  if (typeof text !== "string" || text.length > MAX_TEXT || !text.startsWith(PREFIX)) fail("not the text of a token");
  const raw = readBase64url(text.slice(PREFIX.length));
  if (raw === null || raw.length === 0) fail("not the text of a token");
  const parts = split(raw);
  return { ...parts, caveats: parts.encodings.map(decodeCaveat) };
}

/**
 * inspect says what a token claims. It needs no key, and proves nothing.
 * Caveats of unknown types have {type: "unknown", number, body}.
 */
export function inspect(text) {
  const { keyId, id, consumer, subject, issued, caveats } = read(text);
  return { version: 1, key_id: keyId, id, consumer, subject, issued: new Date(issued * 1000).toISOString().replace(".000Z", "Z"), caveats };
}

/**
 * attenuate gives a token that also has these caveats, in this order. It needs
 * no key: anybody who holds a token can narrow it.
 */
export async function attenuate(text, ...caveats) {
  const token = read(text);
  const added = caveats.map(encodeCaveat);
  checkOrder(token.caveats, caveats);
  let tag = token.tag;
  for (const encoding of added) tag = await hmac(tag, encoding);
  const narrowed = PREFIX + writeBase64url(join([token.body, ...added, tag]));
  if (narrowed.length > MAX_TEXT) fail("the token would be longer than 4 KiB");
  return narrowed;
}

function checkOrder(had, added) {
  if (had.length + added.length > MAX_CAVEATS) fail("the token would have more than 32 caveats");
  let ends = had.some((c) => c.type === "not-after");
  let fields = had.filter((c) => c.type === "body-field").length;
  let counts = had.filter((c) => c.type === "uses").length;
  for (const { type } of added) {
    if (type === "not-after") ends = true;
    if (type === "uses" && !ends) fail("uses: a not-after must stand before it");
    if (type === "uses" && ++counts > MAX_COUNTS) fail("the token would have more than 4 use counts");
    if (type === "body-field" && ++fields > MAX_FIELDS) fail("the token would have more than 8 body-field caveats");
  }
}

/**
 * verify tells whether a token was minted with the secret (text or bytes) and
 * then only narrowed, by caveats of known types. Whether they hold for a
 * request is for the gateway to say.
 */
export async function verify(text, secret) {
  const token = read(text);
  let tag = await hmac(typeof secret === "string" ? new TextEncoder().encode(secret) : secret, LABEL);
  for (const part of [token.header, ...token.encodings]) tag = await hmac(tag, part);
  let different = 0;
  for (let i = 0; i < TAG; i++) different |= tag[i] ^ token.tag[i];
  return different === 0 && token.caveats.every((c) => c.type !== "unknown");
}

async function hmac(key, message) {
  const k = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", k, message));
}

function join(parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
