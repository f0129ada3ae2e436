// A time relative to now; the exact one, in the viewer's zone, on hover and focus.

import { now } from "../live";
import { exact, relative } from "../format/time";

export function When({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
  const time = at ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(time)) return <span class="none">{none}</span>;
  return (
    <time class="when" dateTime={new Date(time).toISOString()} data-tip={exact(time)}>
      {relative(time, now.value)}
    </time>
  );
}

/** Both at once, where there is room. */
export function WhenInFull({ at }: { at: string | null | undefined }) {
  const time = at ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(time)) return <span class="none">–</span>;
  return (
    <time class="when" dateTime={new Date(time).toISOString()}>
      {exact(time)} <span class="quiet">· {relative(time, now.value)}</span>
    </time>
  );
}
