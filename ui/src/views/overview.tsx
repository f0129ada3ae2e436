// How things are, and what needs somebody now.

import { useState } from "preact/hooks";
import type { Attention, History, HistoryPoint, Queue, Stats, Worker } from "../answers";
import { duration } from "../format/time";
import { compact, rate, whole } from "../format/number";
import { countsOf } from "../history";
import { stats } from "../live";
import { Chart } from "../parts/chart";
import { link, Tabs } from "../parts/controls";
import { Icon, type IconName } from "../parts/icon";
import { Empty, Failure, Loading, Shown } from "../parts/states";
import { When } from "../parts/when";
import { place } from "../place";
import { useResource } from "../resource";
import { session } from "../session";
import { Heading } from "../shell";
import { QueueTable } from "./queue_table";

const WINDOWS: Record<string, number> = { "1h": 3_600, "24h": 86_400, "7d": 604_800, "90d": 7_776_000 };
const GLANCE = 8;
// The figures at the top come with the events. What the server has to add up may be some seconds old,
// so that an open overview costs it next to nothing.
const UNHURRIED = 5_000;
const FIRST_ITEMS = 6;
const MORE_ITEMS = 50;

export function OverviewView() {
  const chosen = place.value.query.get("window") ?? "1h";
  const window = chosen in WINDOWS ? chosen : "1h";
  return (
    <>
      <Heading title="Overview" />
      <Now />
      <NeedsAttention />
      <section aria-labelledby="history-title">
        <div class="section-head">
          <h2 id="history-title">History</h2>
          <Tabs
            name="window"
            label="Period"
            fallback="1h"
            choices={Object.keys(WINDOWS).map((value) => ({ value, word: value.replace(/(\D)$/, " $1") }))}
          />
        </div>
        <Charts window={window} />
      </section>
      <Glance />
    </>
  );
}

function Now() {
  const workers = useResource<Worker[]>("api/workers", {}, UNHURRIED);
  const held = stats.value;
  const active = workers.data?.filter((worker) => worker.status === "active").length;
  return (
    <dl class="figures">
      <Figure word="Queued" value={held && compact(held.queued)} href={link("jobs", { status: "queued" })} />
      <Figure word="Processing" value={held && compact(held.processing)} href={link("jobs", { status: "processing" })} />
      <Figure word="Done" value={held && approximate(held)} href={link("jobs", { status: "done" })} />
      <Figure word="Dead letters" value={held && compact(held.dead_letter)} href={link("failures")} />
      <Figure word="Active workers" value={active === undefined ? null : whole(active)} href={link("workers")} />
    </dl>
  );
}

function approximate(held: Stats): string {
  return (held.estimated ? "~" : "") + compact(held.done);
}

function Figure({ word, value, href }: { word: string; value: string | null; href: string }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        <a href={href}>{value ?? "–"}</a>
      </dd>
    </div>
  );
}

const SEVERITY: Record<string, { icon: IconName; word: string }> = {
  critical: { icon: "warning", word: "Critical" },
  warning: { icon: "warning", word: "Warning" },
  info: { icon: "info", word: "Note" },
};

function NeedsAttention() {
  const attention = useResource<Attention>("api/attention", {}, UNHURRIED);
  return (
    <section aria-labelledby="attention-title">
      <h2 id="attention-title">Needs attention</h2>
      <Shown of={attention} rows={1}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="calm">
              <Icon name="done" /> All is well. Nothing needs you now.
            </p>
          ) : (
            <Items items={items} />
          )
        }
      </Shown>
    </section>
  );
}

function Items({ items }: Attention) {
  const [shown, setShown] = useState(FIRST_ITEMS);
  return (
    <>
      <ul class="attention">
        {items.slice(0, shown).map((item) => (
          <li key={item.title} class={`severity-${item.severity}`}>
            <Icon name={SEVERITY[item.severity]?.icon ?? "info"} />
            <span>
              <span class="hidden">{SEVERITY[item.severity]?.word}: </span>
              <Titled item={item} />
              <bdi class="quiet">{item.detail}</bdi>
            </span>
          </li>
        ))}
      </ul>
      {items.length > shown && (
        <p class="note">
          <button type="button" class="plain" onClick={() => setShown(shown + MORE_ITEMS)}>
            Show more ({whole(items.length - shown)} left)
          </button>
        </p>
      )}
    </>
  );
}

function Titled({ item }: { item: Attention["items"][number] }) {
  return (
    <a href={link(item.view === "dead-letter" ? "failures" : item.view, item.query)}>
      <bdi>{item.title}</bdi>
    </a>
  );
}

function Charts({ window }: { window: string }) {
  const history = useResource<History>("api/history", { window }, UNHURRIED);
  if (history.data === null) {
    return history.error ? <Failure error={history.error} retry={history.refresh} /> : <Loading rows={4} />;
  }
  const { points, resolution } = history.data;
  if (points.length === 0) return <Empty icon="info" title="No history yet">It begins with the first finished job.</Empty>;
  return (
    <div class={history.stale ? "stale" : ""}>
      {history.error && <Failure error={history.error} retry={history.refresh} />}
      <Plots points={points} minutes={bucketMinutes(resolution, points)} span={WINDOWS[window] ?? 3_600} />
      <Since since={history.data.covers_since} points={points} />
    </div>
  );
}

function Plots({ points, minutes, span }: { points: HistoryPoint[]; minutes: number; span: number }) {
  const times = points.map((point) => Date.parse(point.at) / 1000);
  const column = (key: Exclude<keyof HistoryPoint, "at">) => points.map((point) => point[key]);
  const counted = countsOf(points, minutes, Date.now());
  const length = counted.minutes;
  const shared = { times, span };
  return (
    <div class="charts">
      <Chart
        {...shared}
        times={counted.times}
        title="Throughput"
        unit="jobs a minute"
        word={rate}
        lines={[{ name: "Done", colour: "accent", values: counted.perMinute, shape: "area" }]}
      />
      <Chart
        {...shared}
        times={counted.times}
        title="Failures"
        counts
        unit={`in ${bucketWord(length)}`}
        word={compact}
        lines={[
          // Each dead letter is one of the failed attempts: its bar stands in front of theirs.
          { name: "Failed attempts", colour: "amber", values: counted.failed, shape: "bars" },
          { name: "Dead letters", colour: "red", values: counted.dead, shape: "bars" },
        ]}
      />
      <Chart
        {...shared}
        title="Latency"
        word={duration}
        lines={[
          { name: "Run p50", colour: "accent", values: column("run_p50_ms") },
          { name: "Run p95", colour: "accent-soft", values: column("run_p95_ms") },
          { name: "Wait p95", colour: "amber", values: column("wait_p95_ms") },
        ]}
      />
      <Chart
        {...shared}
        title="Depth"
        missing="How many wait is kept by the Metrics plugin."
        counts
        unit="jobs queued"
        word={compact}
        lines={[{ name: "Queued", colour: "accent", values: column("depth"), shape: "area" }]}
      />
    </div>
  );
}

/** Minutes a point stands for. */
export function bucketMinutes(resolution: string, points: readonly { at: string }[]): number {
  const named: Record<string, number> = { "1min": 1, "5min": 5, "1hour": 60, "1day": 1_440 };
  const known = named[resolution];
  if (known) return known;
  const [first, second] = points;
  return first && second ? Math.max((Date.parse(second.at) - Date.parse(first.at)) / 60_000, 1) : 1;
}

function bucketWord(minutes: number): string {
  if (minutes >= 1_440) return "a day";
  if (minutes >= 60) return "an hour";
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

function Since({ since, points }: { since: string | null; points: HistoryPoint[] }) {
  const begins = points[0] ? Date.parse(points[0].at) : 0;
  if (!since || Date.parse(since) <= begins) return null;
  return (
    <p class="quiet note">
      Complete since <When at={since} />.
      {session.value?.metrics === false && " The Metrics plugin keeps what is older, for 90 days."}
    </p>
  );
}

function Glance() {
  const queues = useResource<Queue[]>("api/queues", { order: "busy", limit: GLANCE }, UNHURRIED);
  return (
    <section aria-labelledby="queues-title">
      <div class="section-head">
        <h2 id="queues-title">Queues</h2>
        <a href={link("queues")}>All queues</a>
      </div>
      <Shown of={queues} rows={3}>
        {(data) => <QueueTable rows={data} />}
      </Shown>
    </section>
  );
}
