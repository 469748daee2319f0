// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// The encoding of caveats, and back. Both directions check the same rules, so
// that there is one encoding of each meaning.

import { canonicalPrefix, readNetwork, writeNetwork } from "./values.js";

export class CapabilityError extends Error {
  name = "CapabilityError";
}

const TYPES = ["", "operation", "api", "path-prefix", "method", "query", "body-field", "address", "not-after", "not-before", "uses", "bound-key"];
const MAX_ITEMS = 64;
const MAX_ITEM = 1024;
const MAX_NAME = 256;
const MAX_USES = 2 ** 30;
const MAX_TIME = 253402300799;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** validText decodes UTF-8, or gives null. */
function validText(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** validName decodes a name without control characters, or gives null. */
export function validName(bytes, most = MAX_NAME) {
  if (bytes.length === 0 || bytes.length > most || bytes.some((b) => b < 0x20 || b === 0x7f)) return null;
  return validText(bytes);
}

const validMethod = (bytes) => matching(bytes, /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}$/);
const validPath = (bytes) => { const s = validText(bytes); return s !== null && canonicalPrefix(s) ? s : null; };
const validValue = (bytes) => validText(bytes);

function matching(bytes, form) {
  const s = validText(bytes);
  return s !== null && form.test(s) ? s : null;
}

const SETS = { operation: validName, api: validName, "path-prefix": validPath, method: validMethod, address: writeNetwork };

const INTEGER = /^(0|-?[1-9][0-9]{0,15})$/;

/** decodeBody gives the description of a caveat's body, or null. */
function decodeBody(type, body) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case "not-after":
    case "not-before": {
      const at = body.length === 8 ? Number(view.getBigUint64(0)) : Infinity;
      return at <= MAX_TIME ? { type, time: new Date(at * 1000).toISOString().replace(".000Z", "Z") } : null;
    }
    case "uses": {
      const count = body.length === 4 ? view.getUint32(0) : 0;
      return count >= 1 && count <= MAX_USES ? { type, count } : null;
    }
    case "bound-key":
      return body.length === 32 ? { type, thumbprint: writeBase64url(body) } : null;
  }
  const items = readList(body);
  if (items === null) return null;
  if (type === "body-field") return decodeField(items);
  if (type === "query") {
    const name = validName(items.shift() ?? new Uint8Array());
    const values = readSet(items, validValue);
    return name !== null && values !== null ? { type, name, values } : null;
  }
  const values = readSet(items, SETS[type]);
  return values !== null ? { type, values } : null;
}

function readSet(items, valid) {
  if (items.length === 0 || items.length > MAX_ITEMS || items.some((b) => b.length > MAX_ITEM)) return null;
  const values = items.map((b) => valid(b));
  return values.includes(null) ? null : values;
}

function readList(body) {
  const items = [];
  for (let at = 0; at < body.length;) {
    if (body.length - at < 2) return null;
    const n = body[at] << 8 | body[at + 1];
    at += 2;
    if (body.length - at < n) return null;
    items.push(body.subarray(at, at += n));
  }
  return items;
}

function decodeField(items) {
  const [pointer, kind, text] = items.map(validText);
  if (items.length !== 3 || pointer === null || text === null) return null;
  if (items[0].length > MAX_NAME || items[2].length > MAX_ITEM || !/^(\/([^/~]|~[01])*){0,8}$/su.test(pointer)) return null;
  const value = scalar(kind, text);
  return value === undefined ? null : { type: "body-field", pointer, value };
}

function scalar(kind, text) {
  switch (kind) {
    case "string": return text;
    case "number": return INTEGER.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case "boolean": return text === "true" ? true : text === "false" ? false : undefined;
    case "null": return text === "" ? null : undefined;
  }
  return undefined;
}

/** decodeCaveat describes one encoded caveat. */
export function decodeCaveat(bytes) {
  const type = TYPES[bytes[0]] || "unknown";
  const body = bytes.subarray(3);
  if (type === "unknown") {
    return { type, number: bytes[0], body: Array.from(body, (b) => b.toString(16).padStart(2, "0")).join("") };
  }
  const c = decodeBody(type, body);
  if (c === null) throw new CapabilityError(`${type}: malformed`);
  return c;
}

/** encodeCaveat gives the bytes of a description. What it writes can be read. */
export function encodeCaveat(c) {
  const number = TYPES.indexOf(c?.type || "none");
  if (number < 0) throw new CapabilityError("not the type of a caveat");
  const body = encodeBody(c);
  if (body === null || body.length > 0xffff || decodeBody(c.type, body) === null) throw new CapabilityError(`${c.type}: malformed`);
  return new Uint8Array([number, body.length >> 8, body.length & 0xff, ...body]);
}

function encodeBody(c) {
  switch (c.type) {
    case "not-after":
    case "not-before": {
      const at = seconds(c.time);
      return at === null ? null : wide(BigInt(at));
    }
    case "uses":
      return Number.isInteger(c.count) && c.count >= 1 && c.count <= MAX_USES
        ? new Uint8Array([c.count >>> 24, c.count >>> 16 & 255, c.count >>> 8 & 255, c.count & 255]) : null;
    case "bound-key":
      return typeof c.thumbprint === "string" ? readBase64url(c.thumbprint) : null;
    case "body-field": {
      const kind = c.value === null ? "null" : typeof c.value;
      return list([c.pointer, kind, c.value === null ? "" : kind === "number" ? String(c.value) : kind === "boolean" ? `${c.value}` : c.value]);
    }
    case "query":
      return Array.isArray(c.values) ? list([c.name, ...c.values]) : null;
    case "address":
      return Array.isArray(c.values) ? list(c.values.map(readNetwork)) : null;
  }
  return Array.isArray(c.values) ? list(c.values) : null;
}

/** seconds reads a time of RFC 3339 in whole seconds, or gives null. */
function seconds(time) {
  const m = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(time);
  // Date.parse takes February 30th for March 2nd.
  if (m === null || Number.isNaN(Date.parse(m[1])) || new Date(m[1]).toISOString().slice(0, 10) !== m[1]) return null;
  const at = Date.parse(time) / 1000;
  return at >= 0 && at <= MAX_TIME ? at : null;
}

function wide(n) {
  const b = new Uint8Array(8);
  new DataView(b.buffer).setBigUint64(0, n);
  return b;
}

/** list encodes texts and bytes; null when one is neither. */
function list(items) {
  const out = [];
  for (const item of items) {
    // TextEncoder would write another character for half of a surrogate pair.
    if (!(item instanceof Uint8Array) && (typeof item !== "string" || /\p{Surrogate}/u.test(item))) return null;
    const bytes = item instanceof Uint8Array ? item : encoder.encode(item);
    if (bytes.length > MAX_ITEM) return null;
    out.push(bytes.length >> 8, bytes.length & 255, ...bytes);
  }
  return new Uint8Array(out);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** readBase64url takes the one unpadded spelling, or gives null. */
export function readBase64url(text) {
  const out = new Uint8Array(Math.floor(text.length * 3 / 4));
  let bits = 0, held = 0, at = 0;
  for (const c of text) {
    const v = ALPHABET.indexOf(c);
    if (v < 0) return null;
    bits = (bits << 6 | v) & 0xfff;
    if ((held += 6) >= 8) out[at++] = bits >> (held -= 8) & 255;
  }
  return text.length % 4 === 1 || (bits & (1 << held) - 1) !== 0 ? null : out;
}

export function writeBase64url(bytes) {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const n = bytes[i] << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
    const chars = Math.min(bytes.length - i, 3) + 1;
    for (let k = 0; k < chars; k++) out += ALPHABET[n >> 18 - 6 * k & 63];
  }
  return out;
}
