// All jobs, newest first; what is shown is in the address.

import type { Job, Listing, Stats } from "../answers";
import { callPreview } from "../format/json";
import { between, duration } from "../format/time";
import { about, compact } from "../format/number";
import { now, stats } from "../live";
import { link, Pager, Tabs, TextFilter } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { shownStatus, StatusMark } from "../parts/status";
import { Said } from "../parts/text";
import { When } from "../parts/when";
import { place } from "../place";
import { useResource } from "../resource";
import { Heading } from "../shell";

const PAGE = 50;
const FILTERS = ["query", "status", "queue", "job_name", "cursor"] as const;

export function JobsView() {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, place.value.query.get(name)]));
  const jobs = useResource<Listing<Job>>("api/jobs/search", { ...asked, limit: PAGE });
  const filtered = FILTERS.some((name) => asked[name]);
  return (
    <>
      <Heading title="Jobs" />
      <Tabs name="status" label="Status" choices={statuses(stats.value)} />
      <div class="filters">
        <TextFilter name="query" label="Search name, id, queue, arguments" wide />
        <TextFilter name="queue" label="Queue" />
        <TextFilter name="job_name" label="Job name" />
      </div>
      <Shown of={jobs} rows={10}>
        {(page) => (
          <>
            {page.jobs.length === 0 ? <Nothing filtered={filtered} /> : <JobTable jobs={page.jobs} />}
            <Pager page={page} unit="job" />
          </>
        )}
      </Shown>
    </>
  );
}

function statuses(held: Stats | null) {
  const count = (value: number | undefined, estimated = false) =>
    value === undefined ? {} : { count: estimated ? about(value, true) : compact(value) };
  return [
    { value: "", word: "All" },
    { value: "queued", word: "Queued", ...count(held?.queued) },
    { value: "processing", word: "Processing", ...count(held?.processing) },
    { value: "done", word: "Done", ...count(held?.done, held?.estimated) },
    { value: "cancelled", word: "Cancelled", ...count(held?.cancelled, held?.estimated) },
    { value: "dead_letter", word: "Dead letters", ...count(held?.dead_letter) },
  ];
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (!filtered) return <Empty icon="jobs" title="No jobs yet">Enqueue one, and it shows here by itself.</Empty>;
  return (
    <Empty icon="search" title="No job matches">
      <a href={link("jobs")}>Clear all filters</a>
    </Empty>
  );
}

function JobTable({ jobs }: { jobs: readonly Job[] }) {
  return (
    <table class="jobs">
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Status</th>
          <th scope="col" class="wide">Queue</th>
          <th scope="col" class="number wide">Attempt</th>
          <th scope="col" class="number wide">Took</th>
          <th scope="col" class="number">When</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </tbody>
    </table>
  );
}

function JobRow({ job }: { job: Job }) {
  const status = shownStatus(job);
  return (
    <tr data-row>
      <th scope="row" class="main">
        <a data-main href={`${job.status === "dead_letter" ? "failures" : "jobs"}/${encodeURIComponent(job.id)}`}>
          <Said>{job.job_name}</Said>
        </a>
        <bdi class="second">{callPreview(job.args) || "no arguments"}</bdi>
      </th>
      <td>
        <StatusMark status={status} />
      </td>
      <td class="wide">
        <Said>{job.queue}</Said>
      </td>
      <td class="number wide">
        {job.attempts}
        <span class="quiet">/{job.max_attempts}</span>
      </td>
      <td class="number wide">{duration(took(job))}</td>
      <td class="number">
        <When at={moment(job)} />
      </td>
    </tr>
  );
}

function took(job: Job): number | null {
  if (job.status === "processing" && job.started_at) return now.value - Date.parse(job.started_at);
  return between(job.started_at, job.finished_at);
}

/** The time that matters about a job as it is. */
function moment(job: Job): string | null {
  switch (job.status) {
    case "queued":
      return job.scheduled_at ?? job.created_at;
    case "processing":
      return job.started_at ?? job.created_at;
    case "dead_letter":
      return job.updated_at ?? job.created_at;
    default:
      return job.finished_at ?? job.updated_at ?? job.created_at;
  }
}
