// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Run by `go test` and by `node --test`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { attenuate, CapabilityError, encodeCaveat, inspect, verify } from "./capability.js";
import { decodeCaveat } from "./caveats.js";

const vectors = JSON.parse(readFileSync(new URL("../testdata/vectors.json", import.meta.url), "utf8"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));

for (const { name, caveat, encoding } of vectors.caveats) {
  test(`caveat: ${name}`, () => {
    assert.equal(hex(encodeCaveat(caveat)), encoding);
    assert.deepEqual(decodeCaveat(bytes(encoding)), caveat);
  });
}

for (const { name, encoding, text } of vectors.bad_caveats) {
  test(`malformed caveat: ${name}`, async () => {
    assert.throws(() => decodeCaveat(bytes(encoding)), CapabilityError);
    assert.throws(() => inspect(text), CapabilityError);
    await assert.rejects(verify(text, vectors.secret), CapabilityError);
  });
}

for (const { name, caveat } of vectors.bad_descriptions) {
  test(`description: ${name}`, () => assert.throws(() => encodeCaveat(caveat), CapabilityError));
}

for (const { name, text, caveats, tags, header, ...root } of vectors.tokens) {
  test(`token: ${name}`, async () => {
    assert.deepEqual(inspect(text), { version: 1, ...root, caveats });
    assert.equal(await verify(text, vectors.secret), true);
    assert.equal(await verify(text, new TextEncoder().encode(vectors.secret)), true);
    assert.equal(await verify(text, `${vectors.secret}.`), false);
    // Made anew from the token without caveats, one by one.
    let made = `dwc_${Buffer.from(header + tags[0], "hex").toString("base64url")}`;
    for (const c of caveats) made = await attenuate(made, c);
    assert.equal(made, text);
  });
}

for (const { name, from, caveats, to } of vectors.attenuated) {
  test(`attenuated: ${name}`, async () => assert.equal(await attenuate(from, ...caveats), to));
}

for (const { name, from, caveats } of vectors.not_attenuated) {
  test(`not attenuated: ${name}`, async () => assert.rejects(attenuate(from, ...caveats), CapabilityError));
}

for (const { name, at, text } of vectors.refused) {
  test(`refused: ${name}`, async () => {
    if (at === "parse") {
      assert.throws(() => inspect(text), CapabilityError);
      await assert.rejects(verify(text, vectors.secret), CapabilityError);
    } else {
      inspect(text);
      assert.equal(await verify(text, vectors.secret), false);
    }
  });
}

test("half of a surrogate pair is no text", () => {
  assert.throws(() => encodeCaveat({ type: "operation", values: ["\ud800"] }), CapabilityError);
});

test("what is no token, no secret and no caveat throws", async () => {
  for (const text of [undefined, null, 7, {}, "dwc_" + "A".repeat(5000)]) assert.throws(() => inspect(text), CapabilityError);
  for (const c of [undefined, null, "method", { type: "__proto__" }, { type: "" }]) assert.throws(() => encodeCaveat(c), CapabilityError);
  await assert.rejects(verify(vectors.tokens[0].text, undefined));
});

test("every changed character makes a token that does not verify", async () => {
  const { text } = vectors.tokens[2];
  for (let i = 4; i < text.length; i++) {
    const changed = text.slice(0, i) + (text[i] === "A" ? "B" : "A") + text.slice(i + 1);
    let ok;
    try {
      ok = await verify(changed, vectors.secret);
    } catch (e) {
      assert.ok(e instanceof CapabilityError, String(e));
      ok = false;
    }
    assert.equal(ok, false, `character ${i}`);
  }
});
