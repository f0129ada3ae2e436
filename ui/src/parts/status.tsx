// A status is told by shape and word, never by colour alone.

import { now } from "../live";
import type { Status } from "../answers";
import { Icon, type IconName } from "./icon";

const MARKS: Record<string, { icon: IconName; word: string }> = {
  queued: { icon: "queued", word: "Queued" },
  scheduled: { icon: "scheduled", word: "Scheduled" },
  processing: { icon: "processing", word: "Processing" },
  done: { icon: "done", word: "Done" },
  cancelled: { icon: "cancelled", word: "Cancelled" },
  dead_letter: { icon: "dead", word: "Dead letter" },
  active: { icon: "done", word: "Active" },
  stopping: { icon: "pause", word: "Stopping" },
  stopped: { icon: "stop", word: "Stopped" },
  stale: { icon: "warning", word: "Not heard of" },
  paused: { icon: "pause", word: "Paused" },
};

export function StatusMark({ status }: { status: string }) {
  const { icon, word } = MARKS[status] ?? { icon: "info", word: status };
  return (
    <span class={`status status-${status}`}>
      <Icon name={icon} />
      <span>{word}</span>
    </span>
  );
}

/** A queued job that is not due yet is called scheduled: nothing is late about it. */
export function shownStatus(job: { status: Status; scheduled_at: string | null }): string {
  const due = job.scheduled_at ? Date.parse(job.scheduled_at) : 0;
  return job.status === "queued" && due > now.value + 1_000 ? "scheduled" : job.status;
}

export function statusWord(status: string): string {
  return MARKS[status]?.word ?? status;
}

export const REASONS: Record<string, string> = {
  max_retries_exceeded: "Retries exhausted",
  permanent_failure: "Permanent failure",
  invalid_arguments: "Invalid arguments",
  timeout: "Timed out",
  job_not_found: "Job not found",
  worker_crashed: "Worker crashed",
  manual: "Moved by hand",
};

export function reasonWord(reason: string | null): string {
  if (!reason) return "–";
  return REASONS[reason] ?? reason.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
}
