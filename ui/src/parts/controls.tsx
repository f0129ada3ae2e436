// Filters and paging. All of it lives in the address.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Query } from "../api";
import { about } from "../format/number";
import { place, queryText, refine } from "../place";
import { Icon } from "./icon";

const TYPING_MS = 250;

/** A text filter: applied shortly after the last letter, at once on Enter. */
export function TextFilter({ name, label, wide = false }: { name: string; label: string; wide?: boolean }) {
  const current = place.value.query.get(name) ?? "";
  const [text, setText] = useState(current);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(current), [current]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (value: string) => {
    clearTimeout(timer.current);
    if (value.trim() !== current) refine({ [name]: value.trim(), cursor: null, offset: null }, "replace");
  };
  return (
    <label class={wide ? "filter wide" : "filter"}>
      {wide && <Icon name="search" />}
      <input
        type="search"
        placeholder={label}
        aria-label={label}
        autoComplete="off"
        spellcheck={false}
        value={text}
        {...(wide ? { "data-search": "" } : {})}
        onInput={(event) => {
          const value = event.currentTarget.value;
          setText(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => apply(value), TYPING_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply(event.currentTarget.value);
        }}
      />
    </label>
  );
}

export interface Choice {
  value: string;
  word: string;
  count?: string;
}

/** Links that stand beside each other, one of which is where one is. */
export function Tabs({ name, label, choices, fallback = "" }: {
  name: string;
  label: string;
  choices: readonly Choice[];
  fallback?: string;
}) {
  const current = place.value.query.get(name) || fallback;
  return (
    <nav class="tabs" aria-label={label}>
      {choices.map((choice) => (
        <a
          key={choice.value}
          href={refined({ [name]: choice.value === fallback ? null : choice.value, cursor: null })}
          aria-current={choice.value === current ? "true" : undefined}
        >
          {choice.word}
          {choice.count && <span class="count">{choice.count}</span>}
        </a>
      ))}
    </nav>
  );
}

export function SelectFilter({ name, label, choices }: {
  name: string;
  label: string;
  choices: readonly Choice[];
}) {
  return (
    <label class="filter">
      <select
        aria-label={label}
        value={place.value.query.get(name) ?? ""}
        onChange={(event) => refine({ [name]: event.currentTarget.value, cursor: null, offset: null })}
      >
        <option value="">{label}</option>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.word}
          </option>
        ))}
      </select>
    </label>
  );
}

/** How many there are, and the way to the older ones. Back is the browser's. */
export function Pager({ page, unit, units = `${unit}s` }: {
  page: { total_count?: number | null; estimated?: boolean; has_more: boolean; next_cursor: string | null };
  unit: string;
  units?: string;
}) {
  const deeper = place.value.query.has("cursor");
  return (
    <div class="pager">
      <span class="quiet">
        {typeof page.total_count === "number" &&
          `${about(page.total_count, page.estimated)} ${page.total_count === 1 ? unit : units}`}
      </span>
      <span class="pager-links">
        {deeper && <a href={refined({ cursor: null })}>First page</a>}
        {page.has_more && page.next_cursor && (
          <a href={refined({ cursor: page.next_cursor })} rel="next">
            Next page <Icon name="chevron" />
          </a>
        )}
      </span>
    </div>
  );
}

/** This view's address with some filters changed, relative to the base. */
export function refined(changes: Query): string {
  const query: Query = { ...Object.fromEntries(place.value.query), ...changes };
  return link(place.value.path, query);
}

export function link(path: string, query: Query = {}): string {
  const text = queryText(query);
  // Relative to the base; the empty path is the base itself.
  return (path || "./") + (text ? `?${text}` : "");
}
