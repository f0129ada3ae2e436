import assert from "node:assert/strict";
import { test } from "node:test";
import { callPreview, preview } from "../src/format/json";

test("arguments read like a call", () => {
  assert.equal(callPreview({ user_id: 42, tags: ["a", "b"], note: null }), 'user_id=42, tags=["a", "b"], note=null');
  assert.equal(callPreview({}), "");
});

test("a preview is one line of bounded length, whatever the value", () => {
  const deep = { text: "x".repeat(1_000_000), list: Array.from({ length: 100_000 }, (_, n) => ({ n })) };
  for (const text of [preview(deep, 120), callPreview(deep, 120)]) {
    assert.ok(text.length <= 120, `${text.length} characters`);
    assert.doesNotMatch(text, /\n/);
  }
});

test("a preview of a large value looks at little of it", () => {
  let looks = 0;
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key${n}`, n]));
  const watched = new Proxy(wide, {
    get: (target, name) => {
      looks += 1;
      return Reflect.get(target, name) as unknown;
    },
  });
  preview(watched, 80);
  assert.ok(looks < 100, `${looks} looks`);
});

test("line breaks in text stay in their line", () => {
  assert.equal(preview("one\ntwo"), '"one\\ntwo"');
});
