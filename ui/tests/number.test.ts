import assert from "node:assert/strict";
import { test } from "node:test";
import { about, bytes, compact, percent, plural, rate } from "../src/format/number";

test("numbers are short from ten thousand on", () => {
  assert.equal(compact(9_999), "9,999");
  assert.equal(compact(13_925), "13.9K");
  assert.equal(compact(1_204_000), "1.2M");
  assert.equal(compact(null), "–");
});

test("an estimate looks like one", () => {
  assert.equal(about(1_204_000, true), "~1.2M");
  assert.equal(about(1_204, false), "1,204");
});

test("a success rate is never rounded up to everything", () => {
  assert.equal(percent(100), "100 %");
  assert.equal(percent(99.99), "99.9 %");
  assert.equal(percent(0), "0 %");
});

test("rates keep a decimal only where it matters", () => {
  assert.equal(rate(0), "0");
  assert.equal(rate(0.01), "<0.1");
  assert.equal(rate(3.25), "3.3");
  assert.equal(rate(312.4), "312");
});

test("bytes go by thousands", () => {
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(96_000_000), "96 MB");
  assert.equal(bytes(1_500), "1.5 kB");
  assert.equal(bytes(999_600), "1.0 MB");
});

test("one is singular", () => {
  assert.equal(plural(1, "job"), "1 job");
  assert.equal(plural(1_200, "entry", "entries"), "1,200 entries");
});
