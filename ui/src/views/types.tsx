// Jobs by their name: how many, how well, how long.

import type { Drift, JobType } from "../answers";
import { duration } from "../format/time";
import { compact, percent } from "../format/number";
import { link, TextFilter } from "../parts/controls";
import { Icon } from "../parts/icon";
import { Empty, Shown } from "../parts/states";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { place } from "../place";
import { useResource } from "../resource";
import { Heading } from "../shell";

const MOST = 500;
// These count every job there is.
const UNHURRIED = 5_000;

export function TypesView() {
  const types = useResource<JobType[]>("api/jobs/types", {}, UNHURRIED);
  const wanted = (place.value.query.get("query") ?? "").toLowerCase();
  return (
    <>
      <Heading title="Job types" />
      <Unknown />
      <div class="filters">
        <TextFilter name="query" label="Search job types" wide />
      </div>
      <Shown of={types} rows={6}>
        {(rows) => <Table rows={rows.filter((row) => row.job_name.toLowerCase().includes(wanted))} />}
      </Shown>
    </>
  );
}

/** Jobs wait here for code that no live worker has. */
function Unknown() {
  const drift = useResource<Drift>("api/tasks/drift", {}, UNHURRIED);
  const names = drift.data?.skewed_names ?? [];
  if (names.length === 0) return null;
  return (
    <div class="banner">
      <Icon name="warning" />
      <div>
        <strong>No live worker knows these jobs</strong>
        <ul>
          {names.slice(0, 10).map((one) => (
            <li key={one.job_name}>
              <a href={link("jobs", { job_name: one.job_name })}>
                <Said>{one.job_name}</Said>
              </a>{" "}
              <span class="quiet">
                {compact(one.queued)} queued, {compact(one.dead_letter)} dead
              </span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Table({ rows }: { rows: readonly JobType[] }) {
  if (rows.length === 0) return <Empty icon="types" title="No job types">They show with the first job of each name.</Empty>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Job name</th>
          <th scope="col" class="number">Total</th>
          <th scope="col" class="number wide">Queued</th>
          <th scope="col" class="number wide">Done</th>
          <th scope="col" class="number">Dead</th>
          <th scope="col" class="number wide">Success</th>
          <th scope="col" class="number wide">Takes</th>
          <th scope="col" class="number">Last run</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, MOST).map((row) => (
          <tr key={row.job_name} data-row>
            <th scope="row" class="main">
              <a data-main href={link("jobs", { job_name: row.job_name })}>
                <Said>{row.job_name}</Said>
              </a>
            </th>
            <td class="number">{compact(row.total_count)}</td>
            <td class="number wide">{compact(row.queued_count)}</td>
            <td class="number wide">{compact(row.completed_count)}</td>
            <td class="number">{row.dead_letter_count === 0 ? <span class="none">0</span> : compact(row.dead_letter_count)}</td>
            <td class="number wide">{percent(row.success_rate)}</td>
            <td class="number wide">{duration(row.avg_processing_time_ms)}</td>
            <td class="number">
              <When at={row.last_run} none="never" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
