// Who changed what, when, and from where.

import type { AuditEntry } from "../answers";
import { preview } from "../format/json";
import { Pager } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { place } from "../place";
import { useResource } from "../resource";
import { Heading } from "../shell";

const PAGE = 100;

interface AuditPage {
  entries: AuditEntry[];
  total_count?: number | null;
  has_more: boolean;
  next_cursor: string | null;
}

export function AuditView() {
  const audit = useResource<AuditPage>("api/audit", { limit: PAGE, cursor: place.value.query.get("cursor") });
  return (
    <>
      <Heading title="Audit" />
      <p class="quiet lead">Every change made through this dashboard.</p>
      <Shown of={audit} rows={5}>
        {(page) =>
          page.entries.length === 0 ? (
            <Empty icon="audit" title="Nothing was changed yet">
              A replay, a deletion, a pause: each leaves a line here.
            </Empty>
          ) : (
            <>
              <Table rows={page.entries} />
              <Pager page={page} unit="entry" units="entries" />
            </>
          )
        }
      </Shown>
    </>
  );
}

function Table({ rows }: { rows: readonly AuditEntry[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Action</th>
          <th scope="col">Who</th>
          <th scope="col" class="wide">From</th>
          <th scope="col" class="wide">Detail</th>
          <th scope="col" class="number">When</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={`${row.at} ${index}`} data-row tabIndex={-1}>
            <th scope="row" class="main">
              <bdi>{actionWords(row)}</bdi>
              <span class="second">
                <Target entry={row} />
              </span>
            </th>
            <td>
              <Said>{row.actor}</Said>
            </td>
            <td class="wide">
              <bdi class="mono">{row.address ?? "–"}</bdi>
            </td>
            <td class="wide detail">
              <bdi>{detailWords(row.detail)}</bdi>
            </td>
            <td class="number">
              <When at={row.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const WORDS: Record<string, string> = {
  "dead_letter.replay": "Replayed dead letters",
  "dead_letter.delete": "Deleted dead letters",
  "job.cancel": "Cancelled a job",
  "job.delete": "Deleted a job",
  "schedule.pause": "Paused a schedule",
  "schedule.resume": "Resumed a schedule",
  "schedule.run": "Ran a schedule",
};

/** Plugins may record actions of their own; they are shown as they are named. */
function actionWords({ action, target }: AuditEntry): string {
  const words = WORDS[action] ?? action;
  return ID.test(target ?? "") ? words.replace("dead letters", "a dead letter") : words;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function Target({ entry }: { entry: AuditEntry }) {
  const target = entry.target ?? "";
  const view = entry.action.startsWith("dead_letter.") ? "failures" : "jobs";
  if (!ID.test(target)) return <bdi>{target}</bdi>;
  return <a href={`${view}/${target}`}>{target}</a>;
}

function detailWords(detail: unknown): string {
  if (detail === null || detail === undefined) return "";
  return typeof detail === "string" ? detail.slice(0, 200) : preview(detail, 160);
}
