// Points of the history that are counts: these add up, so that many can be drawn as few.

import type { HistoryPoint } from "./answers";

/** More bars than this stand too close to tell one from the next. */
const MOST = 120;

export interface Counts {
  /** Seconds since the epoch. */
  times: number[];
  /** Minutes that each stands for. */
  minutes: number;
  perMinute: (number | null)[];
  failed: (number | null)[];
  dead: (number | null)[];
}

/** Counts of points that each stand for so many minutes; neighbours are added up where there are many. */
export function countsOf(points: readonly HistoryPoint[], minutes: number, now: number): Counts {
  const size = Math.ceil(points.length / MOST);
  const length = minutes * size;
  const groups: HistoryPoint[][] = [];
  // From the newest back, so that the newest group is whole.
  for (let end = points.length; end > 0; end -= size) groups.unshift(points.slice(Math.max(end - size, 0), end));
  const begun = groups.map((group) => Date.parse(group[0]?.at ?? ""));
  return {
    times: begun.map((at) => at / 1000),
    minutes: length,
    // What is not over yet would look like a drop.
    perMinute: groups.map((group, index) => {
      const done = sum(group.map((point) => point.done));
      const over = (begun[index] ?? 0) + group.length * minutes * 60_000 <= now;
      return done === null || !over ? null : done / (group.length * minutes);
    }),
    failed: groups.map((group) => sum(group.map((point) => point.failed))),
    dead: groups.map((group) => sum(group.map((point) => point.dead_letter))),
  };
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
