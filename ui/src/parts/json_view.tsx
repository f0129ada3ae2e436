// A stored value as a tree. What is folded is not in the document, so its size does not matter.

import { useState } from "preact/hooks";
import { plural, whole } from "../format/number";
import { preview } from "../format/json";

const OPEN_DEPTH = 2;
const OPEN_WIDTH = 40;
const STEP = 100;
const STRING_FOLD = 400;
const STRING_STEP = 16_384;

export function JsonView({ value }: { value: unknown }) {
  return (
    <div class="json">
      <Value value={value} depth={0} />
    </div>
  );
}

function Value({ value, depth }: { value: unknown; depth: number }) {
  if (value !== null && typeof value === "object") return <Branch value={value} depth={depth} />;
  if (typeof value === "string") return <Text value={value} />;
  return <span class={`json-${value === null ? "null" : typeof value}`}>{String(value)}</span>;
}

function Text({ value }: { value: string }) {
  const [shown, setShown] = useState(STRING_FOLD);
  const rest = value.length - shown;
  if (rest <= 0) return <bdi class="json-string">{JSON.stringify(value)}</bdi>;
  return (
    <>
      <bdi class="json-string">{JSON.stringify(value.slice(0, shown)).slice(0, -1)}…</bdi>{" "}
      <button type="button" class="plain" onClick={() => setShown(shown + STRING_STEP)}>
        Show more ({whole(rest)} characters left)
      </button>
    </>
  );
}

function Branch({ value, depth }: { value: object; depth: number }) {
  const isList = Array.isArray(value);
  const names = isList ? null : Object.keys(value);
  const size = isList ? value.length : (names?.length ?? 0);
  const [open, setOpen] = useState(depth === 0 || (depth < OPEN_DEPTH && size <= OPEN_WIDTH));
  const [shown, setShown] = useState(STEP);
  if (size === 0) return <span class="json-null">{isList ? "[ ]" : "{ }"}</span>;
  const upTo = Math.min(shown, size);
  const members = names ? names.slice(0, upTo) : Array.from({ length: upTo }, (_, index) => index);
  return (
    <>
      <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? (isList ? "[" : "{") : preview(value, 80)}
        <span class="quiet"> {plural(size, isList ? "item" : "key")}</span>
      </button>
      {open && (
        <ul>
          {members.map((name) => (
            <li key={name}>
              <bdi class="json-key">{name}</bdi>
              {": "}
              <Value value={(value as Record<string | number, unknown>)[name]} depth={depth + 1} />
            </li>
          ))}
        </ul>
      )}
      {open && size > upTo && (
        <button type="button" class="plain" onClick={() => setShown(shown + STEP)}>
          Show more ({plural(size - upTo, "item")} left)
        </button>
      )}
    </>
  );
}
