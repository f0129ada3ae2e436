import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryPoint } from "../src/answers";
import { countsOf } from "../src/history";

const START = Date.parse("2026-11-22T00:00:00Z");

function points(number: number, minutes: number, done: number | null = 10): HistoryPoint[] {
  return Array.from({ length: number }, (_, index) => ({
    at: new Date(START + index * minutes * 60_000).toISOString(),
    done, failed: 2, dead_letter: 1, depth: null, run_p50_ms: null, run_p95_ms: null, wait_p95_ms: null,
  }));
}

test("few points are drawn as they are", () => {
  const counts = countsOf(points(60, 1), 1, START + 3_600_000);
  assert.equal(counts.times.length, 60);
  assert.equal(counts.minutes, 1);
  assert.equal(counts.perMinute[0], 10);
});

test("many points are added up, and nothing is lost", () => {
  const counts = countsOf(points(288, 5), 5, START + 86_400_000);
  assert.equal(counts.times.length, 96);
  assert.equal(counts.minutes, 15);
  assert.equal(counts.perMinute[0], 2);
  assert.equal(counts.failed.reduce<number>((total, value) => total + (value ?? 0), 0), 576);
});

test("a stretch that is not over yet has no rate", () => {
  const counts = countsOf(points(60, 1), 1, START + 59.5 * 60_000);
  assert.equal(counts.perMinute.at(-1), null);
  assert.equal(counts.perMinute.at(-2), 10);
  assert.equal(counts.failed.at(-1), 2);
});

test("what is unknown stays unknown", () => {
  const counts = countsOf(points(60, 1, null), 1, START + 3_600_000);
  assert.ok(counts.perMinute.every((value) => value === null));
});
