// How often a schedule runs, in words where words are shorter than the code.

import { duration } from "./time";

export interface Cadence {
  words: string;
  /** The words are a cron expression, to be set as code. */
  code: boolean;
}

export function cadence(type: string, value: string): Cadence {
  if (type !== "interval") return { words: value, code: true };
  const seconds = Number.parseFloat(value);
  if (!Number.isFinite(seconds)) return { words: `every ${value}`, code: false };
  return { words: `every ${duration(seconds * 1000)}`, code: false };
}
