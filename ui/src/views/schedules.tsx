// What runs by itself, and when next.

import type { Schedule, Told } from "../answers";
import { send } from "../api";
import { whole } from "../format/number";
import { now } from "../live";
import { ask, attempt } from "../parts/ask";
import { link } from "../parts/controls";
import { Icon } from "../parts/icon";
import { Empty, Shown } from "../parts/states";
import { StatusMark } from "../parts/status";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { cadence } from "../format/cadence";
import { useResource } from "../resource";
import { mayWrite } from "../session";
import { Heading } from "../shell";

export function SchedulesView() {
  const schedules = useResource<Schedule[]>("api/schedules");
  return (
    <>
      <Heading title="Schedules" />
      <Shown of={schedules} rows={5}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty icon="schedules" title="No schedules">
              Decorate a job with <code>@app.periodic</code> and start a scheduler.
            </Empty>
          ) : (
            <Table rows={rows} refresh={schedules.refresh} />
          )
        }
      </Shown>
    </>
  );
}

function Table({ rows, refresh }: { rows: readonly Schedule[]; refresh: () => void }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Schedule</th>
          <th scope="col" class="wide">Rhythm</th>
          <th scope="col" class="wide">Status</th>
          <th scope="col" class="number wide">Last run</th>
          <th scope="col" class="number wide">Runs</th>
          <th scope="col" class="number">Next run</th>
          {mayWrite.value && (
            <th scope="col" class="actions">
              <span class="hidden">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} data-row class={row.status === "paused" ? "is-off" : ""}>
            <Cells row={row} />
            {mayWrite.value && (
              <td class="actions">
                <Buttons row={row} refresh={refresh} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cells({ row }: { row: Schedule }) {
  const { words, code } = cadence(row.schedule_type, row.schedule_value);
  return (
    <>
      <th scope="row" class="main">
        <a data-main href={link("jobs", { job_name: row.job_name })}>
          <Said>{row.name}</Said>
        </a>
        <bdi class="second">{row.name === row.job_name ? `queue ${row.queue}` : row.job_name}</bdi>
      </th>
      <td class="wide short">
        {code ? <code>{words}</code> : words}
        {code && <span class="second">{row.timezone}</span>}
      </td>
      <td class="wide">
        <StatusMark status={row.status} />
      </td>
      <td class="number wide">
        {row.last_job_id ? (
          <a href={`jobs/${encodeURIComponent(row.last_job_id)}`}>
            <When at={row.last_run} none="by hand" />
          </a>
        ) : (
          <When at={row.last_run} none="never" />
        )}
      </td>
      <td class="number wide">{whole(row.run_count)}</td>
      <td class="number">
        <NextRun row={row} />
      </td>
    </>
  );
}

const LATE_MS = 60_000;

/** A schedule whose time has passed waits for a scheduler: none may be running. */
function NextRun({ row }: { row: Schedule }) {
  if (row.status === "paused") return <span class="none">paused</span>;
  const late = row.next_run !== null && Date.parse(row.next_run) < now.value - LATE_MS;
  return (
    <span class={late ? "overdue" : ""}>
      {late && "due "}
      <When at={row.next_run} />
    </span>
  );
}

function Buttons({ row, refresh }: { row: Schedule; refresh: () => void }) {
  const path = `api/schedules/${encodeURIComponent(row.name)}`;
  const paused = row.status === "paused";
  const turn = paused ? "resume" : "pause";
  const runNow = async () => {
    const sure = await ask({
      title: "Run it now?",
      text: `${row.name} is enqueued once, at once. Its next run stays when it is.`,
      action: "Run now",
    });
    if (sure) await attempt(() => send<Told>("POST", `${path}/run`), refresh);
  };
  return (
    <>
      <button type="button" aria-label={`Run ${row.name} now`} onClick={runNow}>
        <Icon name="play" /> <span class="wide-word">Run now</span>
      </button>
      <button
        type="button"
        aria-label={`${paused ? "Resume" : "Pause"} ${row.name}`}
        onClick={() => attempt(() => send<Told>("POST", `${path}/${turn}`), refresh)}
      >
        <Icon name={paused ? "replay" : "pause"} /> <span class="wide-word">{paused ? "Resume" : "Pause"}</span>
      </button>
    </>
  );
}
