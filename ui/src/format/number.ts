// Numbers for people: grouped digits, few of them, and "–" where there is none.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

type Maybe = number | null | undefined;

export function whole(value: Maybe): string {
  return value === null || value === undefined ? "–" : WHOLE.format(value);
}

/** Short from ten thousand on: 9,999 and 10K. */
export function compact(value: Maybe): string {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : COMPACT.format(value);
}

/** A count that may be an estimate. */
export function about(value: Maybe, estimated: boolean | undefined): string {
  return value !== null && value !== undefined && estimated ? `~${compact(value)}` : whole(value);
}

/** A rate with as many decimals as its size makes sense of. */
export function rate(value: Maybe): string {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) < 0.05) return "<0.1";
  if (Math.abs(value) < 10) return value.toFixed(1);
  return compact(Math.round(value));
}

/** A share, of 1 or of 100, as the server may give either; never rounded up to a false 100 %. */
export function percent(value: Maybe): string {
  if (value === null || value === undefined) return "–";
  if (value >= 100) return "100 %";
  const floored = Math.floor(value * 10) / 10;
  return `${Number.isInteger(floored) ? floored.toFixed(0) : floored.toFixed(1)} %`;
}

export function bytes(value: Maybe): string {
  if (value === null || value === undefined) return "–";
  if (value < 1_000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let size = value / 1_000;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
