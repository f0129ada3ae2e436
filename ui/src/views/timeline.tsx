// A job's life, step by step, with the time between the steps.

import type { Job } from "../answers";
import { between, duration } from "../format/time";
import { now } from "../live";
import { Icon, type IconName } from "../parts/icon";
import { WhenInFull } from "../parts/when";

export interface Step {
  word: string;
  at: string;
  icon: IconName;
  /** What passed between the step before and this one. */
  span?: string;
}

export function Timeline({ job }: { job: Job }) {
  return (
    <ol class="timeline">
      {steps(job, now.value).map((step) => (
        <li key={step.word} class={`step-${step.icon}`}>
          <Icon name={step.icon} />
          <div>
            <strong>{step.word}</strong>
            {step.span && <span class="quiet"> {step.span}</span>}
            <WhenInFull at={step.at} />
          </div>
        </li>
      ))}
    </ol>
  );
}

const A_MOMENT = 1_000;

/** The steps that the stored times tell of, oldest first. */
export function steps(job: Job, at: number): Step[] {
  const found: Step[] = [{ word: "Enqueued", at: job.created_at, icon: "queued" }];
  const putOff = between(job.created_at, job.scheduled_at);
  if (job.scheduled_at && putOff !== null && putOff > A_MOMENT) {
    const ahead = Date.parse(job.scheduled_at) > at;
    found.push({ word: ahead ? "Falls due" : "Fell due", at: job.scheduled_at, icon: "scheduled" });
  }
  if (job.started_at) {
    const waited = between(due(job), job.started_at);
    const again = job.attempts > 1 ? `attempt ${job.attempts}` : "";
    const after = waited !== null && waited >= 0 ? `after ${duration(waited)}` : "";
    found.push({ word: "Started", at: job.started_at, icon: "processing", span: [after, again].filter(Boolean).join(", ") });
  }
  const end = ending(job);
  if (end) found.push(end);
  return found.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

function due(job: Job): string {
  const putOff = between(job.created_at, job.scheduled_at);
  return job.scheduled_at && putOff !== null && putOff > 0 ? job.scheduled_at : job.created_at;
}

function ending(job: Job): Step | null {
  const took = between(job.started_at, job.finished_at);
  const ran = took !== null && took >= 0 ? { span: `ran ${duration(took)}` } : {};
  switch (job.status) {
    case "done":
      return job.finished_at ? { word: "Done", at: job.finished_at, icon: "done", ...ran } : null;
    case "cancelled":
      return { word: "Cancelled", at: job.finished_at ?? job.updated_at ?? job.created_at, icon: "cancelled" };
    case "dead_letter":
      return job.updated_at ? { word: "Given up", at: job.updated_at, icon: "dead" } : null;
    case "queued":
    case "processing":
      return null;
  }
}
