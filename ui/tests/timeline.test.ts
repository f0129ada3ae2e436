import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "../src/answers";
import { cadence } from "../src/format/cadence";

Object.assign(globalThis, {
  document: { baseURI: "http://host/" },
  location: { pathname: "/", search: "" },
});
const { steps } = await import("../src/views/timeline");
const { bucketMinutes } = await import("../src/views/overview");

const NOW = Date.parse("2026-11-22T12:00:00Z");

function job(changes: Partial<Job>): Job {
  return {
    id: "1", job_name: "a", args: {}, status: "queued", queue: "default", priority: 100,
    attempts: 0, max_attempts: 4, crashes: 0, dedup_key: null, scheduled_at: "2026-11-22T11:00:00Z",
    created_at: "2026-11-22T11:00:00Z", started_at: null, finished_at: null, updated_at: null,
    last_error: null, result: null, worker_id: null, producer_id: null, dead_letter_reason: null,
    ...changes,
  };
}

const words = (changes: Partial<Job>) => steps(job(changes), NOW).map((step) => step.word);

test("a finished job tells how long it waited and ran", () => {
  const told = steps(
    job({ status: "done", attempts: 1, started_at: "2026-11-22T11:00:00.250Z", finished_at: "2026-11-22T11:00:01Z" }),
    NOW,
  );
  assert.deepEqual(told.map((step) => step.word), ["Enqueued", "Started", "Done"]);
  assert.equal(told[1]?.span, "after 250 ms");
  assert.equal(told[2]?.span, "ran 750 ms");
});

test("a job put off tells when it falls due, and waits from then on", () => {
  assert.deepEqual(words({ scheduled_at: "2026-11-22T13:00:00Z" }), ["Enqueued", "Falls due"]);
  const told = steps(
    job({ status: "processing", attempts: 2, scheduled_at: "2026-11-22T11:30:00Z", started_at: "2026-11-22T11:30:02Z" }),
    NOW,
  );
  assert.deepEqual(told.map((step) => step.word), ["Enqueued", "Fell due", "Started"]);
  assert.equal(told[2]?.span, "after 2.0 s, attempt 2");
});

test("every end has its step", () => {
  const at = "2026-11-22T11:05:00Z";
  assert.deepEqual(words({ status: "cancelled", finished_at: at }), ["Enqueued", "Cancelled"]);
  assert.deepEqual(words({ status: "dead_letter", scheduled_at: null, updated_at: at }), ["Enqueued", "Given up"]);
});

test("steps are in the order in which they happened, also after a retry was put off", () => {
  const retried = words({
    scheduled_at: "2026-11-22T12:30:00Z",
    started_at: "2026-11-22T11:00:01Z",
    attempts: 1,
  });
  assert.deepEqual(retried, ["Enqueued", "Started", "Falls due"]);
});

test("an interval is told in words, a cron expression as it is", () => {
  assert.deepEqual(cadence("interval", "900"), { words: "every 15 min", code: false });
  assert.deepEqual(cadence("cron", "0 7 * * 1-5"), { words: "0 7 * * 1-5", code: true });
});

test("a point of the history stands for its resolution, or for the gap to the next", () => {
  assert.equal(bucketMinutes("5min", []), 5);
  assert.equal(bucketMinutes("10min", [{ at: "2026-11-22T11:00:00Z" }, { at: "2026-11-22T11:10:00Z" }]), 10);
});
