// Jobs that were given up: read them, replay them, or be rid of them.

import { useEffect, useState } from "preact/hooks";
import type { DeadLetter, Listing, Told } from "../answers";
import { send } from "../api";
import { callPreview } from "../format/json";
import { plural, whole } from "../format/number";
import { ask, attempt, tell } from "../parts/ask";
import { link, Pager, SelectFilter, TextFilter } from "../parts/controls";
import { Icon } from "../parts/icon";
import { Empty, Shown } from "../parts/states";
import { REASONS, reasonWord } from "../parts/status";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { place } from "../place";
import { useResource } from "../resource";
import { mayWrite } from "../session";
import { Heading } from "../shell";

const PAGE = 50;
/** From so many on, the number has to be typed. */
const MANY = 5;
const FILTERS = ["job_name", "reason", "queue"] as const;

type Verb = "replay" | "delete";
type Which = { ids: string[] } | Partial<Record<(typeof FILTERS)[number], string>>;

export function FailuresView() {
  const query = place.value.query;
  const filter = chosenFilter(query);
  const letters = useResource<Listing<DeadLetter>>("api/dead-letter", {
    ...filter,
    cursor: query.get("cursor"),
    offset: query.get("offset"),
    limit: PAGE,
  });
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const where = query.toString();
  useEffect(() => setTicked(new Set()), [where]);
  const filtered = Object.keys(filter).length > 0;
  const page = letters.data;
  const act = async (verb: Verb, which: Which) => {
    if (await bulk(verb, which)) setTicked(new Set());
    letters.refresh();
  };
  return (
    <>
      <Heading title="Failures">
        {mayWrite.value && page !== null && page.jobs.length > 0 && (
          <BulkButtons word={filtered ? "all matching" : "all"} act={(verb) => act(verb, filter)} />
        )}
      </Heading>
      <p class="quiet lead">
        Dead letters: jobs that are not tried again by themselves. They keep until they are deleted.
      </p>
      <div class="filters">
        <TextFilter name="job_name" label="Job name, or a pattern such as mail.*" wide />
        <TextFilter name="queue" label="Queue" />
        <SelectFilter
          name="reason"
          label="Any reason"
          choices={Object.entries(REASONS).map(([value, word]) => ({ value, word }))}
        />
      </div>
      {ticked.size > 0 && (
        <Ticked count={ticked.size} act={(verb) => act(verb, { ids: [...ticked] })} clear={() => setTicked(new Set())} />
      )}
      <Shown of={letters} rows={8}>
        {(shown) => (
          <>
            {shown.jobs.length === 0 ? (
              <Nothing filtered={filtered} />
            ) : (
              <Letters letters={shown.jobs} ticked={ticked} tick={setTicked} />
            )}
            <Pager page={shown} unit="dead letter" />
          </>
        )}
      </Shown>
    </>
  );
}

function chosenFilter(query: URLSearchParams): Partial<Record<(typeof FILTERS)[number], string>> {
  const set = FILTERS.map((name) => [name, query.get(name) ?? ""] as const);
  return Object.fromEntries(set.filter(([, value]) => value !== ""));
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (!filtered) return <Empty title="No dead letters">Every job was done, or is still being tried.</Empty>;
  return (
    <Empty icon="search" title="No dead letter matches">
      <a href={link("failures")}>Clear all filters</a>
    </Empty>
  );
}

function BulkButtons({ word, act }: { word: string; act: (verb: Verb) => void }) {
  return (
    <>
      <button type="button" onClick={() => act("replay")}>
        <Icon name="replay" /> Replay {word}
      </button>
      <button type="button" onClick={() => act("delete")}>
        <Icon name="trash" /> Delete {word}
      </button>
    </>
  );
}

function Ticked({ count, act, clear }: { count: number; act: (verb: Verb) => void; clear: () => void }) {
  return (
    <div class="ticked" role="region" aria-label="Ticked dead letters">
      <strong>{whole(count)} ticked</strong>
      <BulkButtons word="these" act={act} />
      <button type="button" class="plain" onClick={clear}>
        Untick
      </button>
    </div>
  );
}

function Letters({ letters, ticked, tick }: {
  letters: readonly DeadLetter[];
  ticked: ReadonlySet<string>;
  tick: (ids: ReadonlySet<string>) => void;
}) {
  const all = letters.every((letter) => ticked.has(letter.id));
  const toggle = (id: string) => {
    const changed = new Set(ticked);
    if (!changed.delete(id)) changed.add(id);
    tick(changed);
  };
  return (
    <table class="jobs">
      <thead>
        <tr>
          {mayWrite.value && (
            <th scope="col" class="tick">
              <input
                type="checkbox"
                aria-label="Tick all on this page"
                checked={all}
                onChange={() => tick(all ? new Set() : new Set(letters.map((letter) => letter.id)))}
              />
            </th>
          )}
          <th scope="col">Job</th>
          <th scope="col" class="wide">Reason</th>
          <th scope="col" class="wide">Queue</th>
          <th scope="col" class="number wide">Attempts</th>
          <th scope="col" class="number wide">Replayed</th>
          <th scope="col" class="number">Given up</th>
        </tr>
      </thead>
      <tbody>
        {letters.map((letter) => (
          <tr key={letter.id} data-row class={ticked.has(letter.id) ? "is-ticked" : ""}>
            {mayWrite.value && (
              <td class="tick">
                <input
                  type="checkbox"
                  aria-label={`Tick ${letter.job_name}, ${letter.id}`}
                  checked={ticked.has(letter.id)}
                  onChange={() => toggle(letter.id)}
                />
              </td>
            )}
            <LetterCells letter={letter} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const ERROR_SHOWN = 200;

function LetterCells({ letter }: { letter: DeadLetter }) {
  const [error = ""] = (letter.last_error ?? "").slice(0, ERROR_SHOWN).split("\n", 1);
  return (
    <>
      <th scope="row" class="main">
        <a data-main href={`failures/${encodeURIComponent(letter.id)}`}>
          <Said>{letter.job_name}</Said>
        </a>
        <bdi class="second">{error || callPreview(letter.args)}</bdi>
      </th>
      <td class="short wide">{reasonWord(letter.dead_letter_reason)}</td>
      <td class="wide">
        <Said>{letter.queue}</Said>
      </td>
      <td class="number wide">
        {letter.attempts}
        <span class="quiet">/{letter.max_attempts}</span>
      </td>
      <td class="number wide">
        {letter.resurrection_count === 0 ? <span class="none">–</span> : `${letter.resurrection_count} ×`}
      </td>
      <td class="number">
        <When at={letter.moved_to_dead_letter_at} />
      </td>
    </>
  );
}

const WORDS = {
  replay: { title: "Replay", text: "A new job is enqueued for each; the dead letters stay.", action: "Replay" },
  delete: { title: "Delete", text: "They are gone for good and cannot be replayed.", action: "Delete" },
} as const;

/** Count first, have the count confirmed, then do it; true when something was done. */
async function bulk(verb: Verb, which: Which): Promise<boolean> {
  const path = `api/dead-letter/${verb}`;
  let count: number;
  try {
    count = (await send<Told>("POST", path, { filter: which, dry_run: true })).count ?? 0;
  } catch (error) {
    tell((error as Error).message, true);
    return false;
  }
  if (count === 0) {
    tell("Nothing matches any more.");
    return false;
  }
  const { title, text, action } = WORDS[verb];
  const sure = await ask({
    title: `${title} ${plural(count, "dead letter")}?`,
    text,
    action: `${action} ${whole(count)}`,
    danger: verb === "delete",
    ...(count >= MANY ? { typed: String(count) } : {}),
  });
  return sure && attempt(() => send<Told>("POST", path, { filter: which, dry_run: false }));
}
