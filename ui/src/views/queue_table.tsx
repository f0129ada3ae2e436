// Queues as rows: what waits, what runs, and how long it takes.

import type { Queue } from "../answers";
import { duration } from "../format/time";
import { compact, rate } from "../format/number";
import { link } from "../parts/controls";
import { Empty } from "../parts/states";
import { Said } from "../parts/text";

export function QueueTable({ rows }: { rows: readonly Queue[] }) {
  if (rows.length === 0) return <Empty icon="queues" title="No queues">A queue is there as soon as a job is in it.</Empty>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" class="number">Queued</th>
          <th scope="col" class="number wide">Oldest</th>
          <th scope="col" class="number">Processing</th>
          <th scope="col" class="number">Jobs/min</th>
          <th scope="col" class="number wide">Wait p95</th>
          <th scope="col" class="number wide">Run p50</th>
          <th scope="col" class="number wide">Run p95</th>
          <th scope="col" class="number">Dead</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.queue} data-row>
            <th scope="row" class="main">
              <a data-main href={link("jobs", { queue: row.queue })}>
                <Said>{row.queue}</Said>
              </a>
            </th>
            <td class="number">{zero(row.queued)}</td>
            <td class="number wide">{row.oldest_age_s === null ? "–" : duration(row.oldest_age_s * 1000)}</td>
            <td class="number">{zero(row.processing)}</td>
            <td class="number">{rate(row.throughput_per_minute)}</td>
            <td class="number wide">{duration(row.wait_p95_ms)}</td>
            <td class="number wide">{duration(row.run_p50_ms)}</td>
            <td class="number wide">{duration(row.run_p95_ms)}</td>
            <td class="number">{zero(row.dead_letter)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function zero(value: number) {
  return value === 0 ? <span class="none">0</span> : compact(value);
}
