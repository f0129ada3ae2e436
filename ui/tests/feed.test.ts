import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, Feed, PAUSE } from "../src/feed";

/** A clock that stands still until it is moved. */
class HandClock implements Clock {
  private at = 0;
  private timers: { due: number; call: () => void }[] = [];

  now = () => this.at;

  after(ms: number, call: () => void) {
    const timer = { due: this.at + ms, call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }

  move(ms: number) {
    this.at += ms;
    const due = this.timers.filter((timer) => timer.due <= this.at);
    this.timers = this.timers.filter((timer) => timer.due > this.at);
    for (const timer of due) timer.call();
  }
}

/** A server that answers when told to. */
function server() {
  const open: { answer: (text: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const fetchIt = (signal: AbortSignal) =>
    new Promise<string>((answer, fail) => open.push({ answer, fail, signal }));
  return { open, fetchIt };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("many changes while an answer is under way are one more question, after a pause", async () => {
  const clock = new HandClock();
  const { open, fetchIt } = server();
  const answers: string[] = [];
  const feed = new Feed(fetchIt, (text) => answers.push(text), assert.fail, clock);
  feed.ask();
  feed.ask();
  feed.ask();
  open[0]?.answer("first");
  await settled();
  assert.equal(open.length, 1);
  clock.move(PAUSE);
  assert.equal(open.length, 2);
  open[1]?.answer("second");
  await settled();
  clock.move(10 * PAUSE);
  assert.deepEqual(answers, ["first", "second"]);
  assert.equal(open.length, 2);
});

test("a slow server is asked less often", async () => {
  const clock = new HandClock();
  const { open, fetchIt } = server();
  const feed = new Feed(fetchIt, () => undefined, assert.fail, clock);
  feed.ask();
  clock.move(2_000);
  open[0]?.answer("late");
  await settled();
  feed.ask();
  clock.move(7_900);
  assert.equal(open.length, 1);
  clock.move(100);
  assert.equal(open.length, 2);
});

test("a new question gives up the one under way, whose answer is not taken", async () => {
  const clock = new HandClock();
  const { open, fetchIt } = server();
  const answers: string[] = [];
  const feed = new Feed(fetchIt, (text) => answers.push(text), assert.fail, clock);
  feed.ask();
  feed.askNow();
  assert.equal(open[0]?.signal.aborted, true);
  open[0]?.answer("old");
  open[1]?.answer("new");
  await settled();
  assert.deepEqual(answers, ["new"]);
});

test("a server that is away is asked again without a change; one that refuses is not", async () => {
  const clock = new HandClock();
  const { open, fetchIt } = server();
  const errors: Error[] = [];
  const feed = new Feed(fetchIt, () => undefined, (error) => errors.push(error), clock);
  feed.ask();
  open[0]?.fail(Object.assign(new Error("away"), { status: 0 }));
  await settled();
  clock.move(PAUSE);
  assert.equal(open.length, 2);
  open[1]?.fail(Object.assign(new Error("not found"), { status: 404 }));
  await settled();
  clock.move(10 * PAUSE);
  assert.equal(open.length, 2);
  assert.deepEqual(errors.map((error) => error.message), ["away", "not found"]);
});

test("a view that is left asks nothing more", async () => {
  const clock = new HandClock();
  const { open, fetchIt } = server();
  const feed = new Feed(fetchIt, assert.fail, assert.fail, clock);
  feed.ask();
  feed.stop();
  open[0]?.answer("too late");
  await settled();
  feed.ask();
  clock.move(10 * PAUSE);
  assert.equal(open.length, 1);
});
