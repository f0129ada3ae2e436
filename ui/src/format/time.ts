// Times and durations in words: short, and of one width where they stand in columns.

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** A length of time in milliseconds, in the two units that say most: "1 h 12 min", "340 ms". */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  const length = Math.max(ms, 0);
  if (length < 1) return length === 0 ? "0 ms" : "<1 ms";
  if (length < 999.5) return `${Math.round(length)} ms`;
  if (length < 9_950) return `${(length / 1000).toFixed(1)} s`;
  if (length < 59_500) return `${Math.round(length / 1000)} s`;
  return twoUnits(length);
}

function twoUnits(ms: number): string {
  // Rounded to the smaller of the two units first, so that 59.9 s becomes a minute and not 60 s.
  const step = ms < 3_570_000 ? 1_000 : ms < 86_370_000 ? 60_000 : 3_600_000;
  let rest = Math.round(ms / step) * step;
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(" ");
}

/** How far `at` is from `now`, both in milliseconds: "in 5 min", "3 h ago", "now". */
export function relative(at: number, now: number): string {
  const distance = Math.abs(at - now);
  if (distance < 1_500) return "now";
  const words = oneUnit(distance);
  return at > now ? `in ${words}` : `${words} ago`;
}

function oneUnit(ms: number): string {
  for (const [size, name] of UNITS) {
    if (ms >= size) return `${Math.floor(ms / size)} ${name}`;
  }
  return "1 s";
}

/** The exact time in the viewer's zone, with the zone: "22 Nov 2026, 14:05:09.120 CET". */
export function exact(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "–";
  const parts = Object.fromEntries(EXACT.formatToParts(date).map((part) => [part.type, part.value]));
  const clock = `${parts.hour}:${parts.minute}:${parts.second}.${parts.fractionalSecond}`;
  return `${parts.day} ${parts.month} ${parts.year}, ${clock} ${parts.timeZoneName}`;
}

const EXACT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
  timeZoneName: "short",
});

/** The zone times are shown in. */
export function viewerZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Milliseconds between two ISO times; null where one is missing. */
export function between(from: string | null, to: string | null): number | null {
  if (!from || !to) return null;
  const span = Date.parse(to) - Date.parse(from);
  return Number.isFinite(span) ? span : null;
}
