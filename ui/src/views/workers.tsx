// Who works, on what, and since when.

import type { Worker } from "../answers";
import { bytes, plural, whole } from "../format/number";
import { relative } from "../format/time";
import { now } from "../live";
import { Empty, Shown } from "../parts/states";
import { StatusMark } from "../parts/status";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { useResource } from "../resource";
import { Heading } from "../shell";

const SHOWN = 6;

export function WorkersView() {
  const workers = useResource<Worker[]>("api/workers");
  return (
    <>
      <Heading title="Workers" />
      <Shown of={workers} rows={4}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty icon="workers" title="No workers">
              Nothing runs until one is started: <code>soniq worker</code>
            </Empty>
          ) : (
            <Table rows={rows} />
          )
        }
      </Shown>
    </>
  );
}

function Table({ rows }: { rows: readonly Worker[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide">Queues</th>
          <th scope="col" class="number">Running</th>
          <th scope="col" class="number wide">Memory</th>
          <th scope="col" class="number wide">Up</th>
          <th scope="col" class="number">Heartbeat</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <WorkerRow key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function WorkerRow({ row }: { row: Worker }) {
  const up = relative(Date.parse(row.started_at), now.value).replace(/ ago$/, "");
  return (
    <>
      <tr data-row tabIndex={-1} class={row.status === "active" ? "" : "is-off"}>
        <th scope="row" class="main">
          <Said>{row.hostname}</Said>
          <bdi class="second">
            process {row.pid} · {row.id.slice(-8)}
          </bdi>
        </th>
        <td>
          <StatusMark status={row.status} />
        </td>
        <td class="wide">
          {row.queues === null ? <span class="quiet">all</span> : <bdi>{row.queues.join(", ")}</bdi>}
        </td>
        <td class="number">
          {whole(row.running.length)}
          <span class="quiet">/{row.concurrency}</span>
        </td>
        <td class="number wide">{bytes(row.memory_bytes)}</td>
        <td class="number wide">{row.status === "stopped" ? "–" : up}</td>
        <td class="number">
          <When at={row.last_heartbeat} />
        </td>
      </tr>
      {row.running.length > 0 && <Running ids={row.running} />}
    </>
  );
}

function Running({ ids }: { ids: readonly string[] }) {
  return (
    <tr class="under">
      <td colSpan={7}>
        <span class="quiet">Runs </span>
        {ids.slice(0, SHOWN).map((id) => (
          <a key={id} class="mono" href={`jobs/${encodeURIComponent(id)}`} data-tip={id}>
            {id.slice(-8)}
          </a>
        ))}
        {ids.length > SHOWN && <span class="quiet">and {plural(ids.length - SHOWN, "other")}</span>}
      </td>
    </tr>
  );
}
