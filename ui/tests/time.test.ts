import assert from "node:assert/strict";
import { test } from "node:test";
import { between, duration, exact, relative } from "../src/format/time";

test("a duration is told in the two units that say most", () => {
  assert.equal(duration(0), "0 ms");
  assert.equal(duration(0.4), "<1 ms");
  assert.equal(duration(340.4), "340 ms");
  assert.equal(duration(1_234), "1.2 s");
  assert.equal(duration(42_000), "42 s");
  assert.equal(duration(72_000), "1 min 12 s");
  assert.equal(duration(3_600_000 + 12 * 60_000), "1 h 12 min");
  assert.equal(duration(50 * 3_600_000), "2 d 2 h");
});

test("a duration just below a unit becomes that unit, not sixty of the one before", () => {
  assert.equal(duration(999.6), "1.0 s");
  assert.equal(duration(59_700), "1 min");
  assert.equal(duration(3_599_900), "1 h");
  assert.equal(duration(86_399_000), "1 d");
});

test("an unknown duration is a dash, one that clocks made negative is none", () => {
  assert.equal(duration(null), "–");
  assert.equal(duration(Number.NaN), "–");
  assert.equal(duration(-5), "0 ms");
});

test("a time is told from now, past and future alike", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  assert.equal(relative(now - 400, now), "now");
  assert.equal(relative(now - 5_000, now), "5 s ago");
  assert.equal(relative(now + 5 * 60_000, now), "in 5 min");
  assert.equal(relative(now - 26 * 3_600_000, now), "1 d ago");
});

test("the exact time is in the viewer's zone, and says which", () => {
  // The tests run in Berlin.
  assert.match(exact(Date.parse("2026-11-22T12:00:00.120Z")), /^22 Nov 2026, 13:00:00\.120 (CET|GMT\+1)$/);
  assert.match(exact(Date.parse("2026-07-01T12:00:00Z")), /^1 July? 2026, 14:00:00\.000 (CEST|GMT\+2)$/);
  assert.equal(exact(Number.NaN), "–");
});

test("a span with an unknown end is unknown", () => {
  assert.equal(between("2026-11-22T12:00:00Z", "2026-11-22T12:00:01.5Z"), 1500);
  assert.equal(between("2026-11-22T12:00:00Z", null), null);
  assert.equal(between("yesterday", "2026-11-22T12:00:00Z"), null);
});
