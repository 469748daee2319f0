// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Paths and networks in the one spelling that a caveat may have.

const SEGMENT = /^(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-F]{2})+$/;

/** canonicalPrefix tells whether p is a canonical path without a slash at its end, or "/". */
export function canonicalPrefix(p) {
  if (p === "/") return true;
  if (!p.startsWith("/")) return false;
  return p.slice(1).split("/").every((s) => SEGMENT.test(s) && s !== "." && s !== ".." && canonicalEscapes(s));
}

/** canonicalEscapes refuses escapes of what needs none, and of structure. */
function canonicalEscapes(segment) {
  return (segment.match(/%../g) ?? []).every((escape) => {
    const code = parseInt(escape.slice(1), 16);
    return code >= 0x20 && code !== 0x7f && !/[A-Za-z0-9._~/\\;-]/.test(String.fromCharCode(code));
  });
}

/** readNetwork gives the bytes of an address and its prefix length, or null. */
export function readNetwork(text) {
  const m = /^([0-9A-Fa-f.:]+)\/(0|[1-9][0-9]{0,2})$/.exec(text);
  const address = m === null ? null : m[1].includes(":") ? readIPv6(m[1]) : readIPv4(m[1]);
  if (address === null || Number(m[2]) > 128) return null;
  return new Uint8Array([...address, Number(m[2])]);
}

function readIPv4(text) {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9][0-9]{0,2})$/.test(p) && Number(p) < 256)) return null;
  return parts.map(Number);
}

function readIPv6(text) {
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(text);
  if (dotted !== null) {
    const v4 = readIPv4(dotted[2]);
    if (v4 === null) return null;
    text = dotted[1] + (v4[0] << 8 | v4[1]).toString(16) + ":" + (v4[2] << 8 | v4[3]).toString(16);
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((h) => h === "" ? [] : h.split(":"));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = tail === undefined ? head : [...head, ...Array(missing).fill("0"), ...tail];
  if (!groups.every((g) => /^[0-9A-Fa-f]{1,4}$/.test(g))) return null;
  return groups.flatMap((g) => [parseInt(g, 16) >> 8, parseInt(g, 16) & 255]);
}

/** writeNetwork gives the text of a network, or null for what is none. */
export function writeNetwork(bytes) {
  const bits = bytes[bytes.length - 1];
  const address = bytes.subarray(0, bytes.length - 1);
  if (address.length !== 4 && address.length !== 16 || bits > address.length * 8) return null;
  for (let i = bits; i < address.length * 8; i++) {
    if (address[i >> 3] & 0x80 >> (i & 7)) return null; // a bit behind the prefix
  }
  if (address.length === 4) return `${address.join(".")}/${bits}`;
  if (address.subarray(0, 10).every((b) => b === 0) && address[10] === 255 && address[11] === 255) return null; // IPv4-mapped
  return `${writeIPv6(address)}/${bits}`;
}

/** writeIPv6 is RFC 5952, section 4. */
function writeIPv6(bytes) {
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1]);
  let best = { at: -1, length: 1 }; // a single group of zeros stays
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > best.length) best = { at: i, length: n };
  }
  const text = (part) => part.map((g) => g.toString(16)).join(":");
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}
