// Text that others wrote: isolated, so that right-to-left letters in it move nothing around it.

import { useState } from "preact/hooks";
import { whole } from "../format/number";

const FOLD_AT = 1_200;
const STEP = 32_768;

export function Said({ children }: { children: string | null | undefined }) {
  return <bdi>{children ?? "–"}</bdi>;
}

/** Long text, of which more is shown on demand. */
export function LongText({ text, label, error = false }: { text: string; label: string; error?: boolean }) {
  const [shown, setShown] = useState(FOLD_AT);
  const rest = text.length - shown;
  return (
    <div class={error ? "long error" : "long"}>
      <pre tabIndex={0} role="region" aria-label={label}>
        <bdi>{rest > 0 ? text.slice(0, shown) : text}</bdi>
      </pre>
      {rest > 0 && (
        <button type="button" class="plain" onClick={() => setShown(shown + STEP)}>
          Show more ({whole(rest)} characters left)
        </button>
      )}
    </div>
  );
}
