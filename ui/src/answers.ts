// What the server answers, as far as the page reads it.

export type Status = "queued" | "processing" | "done" | "cancelled" | "dead_letter";

export interface Stats {
  total: number;
  queued: number;
  processing: number;
  done: number;
  dead_letter: number;
  cancelled: number;
  estimated?: boolean;
}

export interface Session {
  role: "reader" | "operator";
  writes: boolean;
  signed_in_by: "key" | "host" | "open";
  version: string;
  metrics: boolean;
  prefix: string;
  environment: string;
}

export interface Attention {
  items: {
    severity: "critical" | "warning" | "info";
    title: string;
    detail: string;
    view: string;
    query: Record<string, string>;
  }[];
}

export interface HistoryPoint {
  at: string;
  done: number | null;
  failed: number | null;
  dead_letter: number | null;
  depth: number | null;
  run_p50_ms: number | null;
  run_p95_ms: number | null;
  wait_p95_ms: number | null;
}

export interface History {
  resolution: string;
  covers_since: string | null;
  points: HistoryPoint[];
}

export interface Job {
  id: string;
  job_name: string;
  args: unknown;
  status: Status;
  queue: string;
  priority: number;
  attempts: number;
  max_attempts: number;
  crashes: number;
  dedup_key: string | null;
  scheduled_at: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  updated_at: string | null;
  last_error: string | null;
  result: unknown;
  worker_id: string | null;
  producer_id: string | null;
  dead_letter_reason: string | null;
}

export interface DeadLetter extends Job {
  moved_to_dead_letter_at: string;
  resurrection_count: number;
  last_resurrection_at: string | null;
  last_resurrection_job_id: string | null;
  tags: string[];
}

export interface Listing<Row> {
  jobs: Row[];
  total_count: number;
  estimated?: boolean;
  has_more: boolean;
  next_cursor: string | null;
}

export interface Queue {
  queue: string;
  total_jobs: number;
  queued: number;
  processing: number;
  done: number;
  cancelled: number;
  dead_letter: number;
  avg_processing_time_ms: number | null;
  oldest_age_s: number | null;
  throughput_per_minute: number | null;
  wait_p50_ms: number | null;
  wait_p95_ms: number | null;
  run_p50_ms: number | null;
  run_p95_ms: number | null;
}

export interface Worker {
  id: string;
  hostname: string;
  pid: number;
  queues: string[] | null;
  concurrency: number;
  status: "active" | "stopping" | "stopped" | "stale";
  started_at: string;
  last_heartbeat: string;
  running: string[];
  memory_bytes: number | null;
}

export interface Schedule {
  id: string;
  name: string;
  job_name: string;
  schedule_type: "cron" | "interval";
  schedule_value: string;
  timezone: string;
  catch_up: string;
  overlap: string;
  jitter: number;
  priority: number;
  queue: string;
  status: "active" | "paused";
  last_run: string | null;
  next_run: string | null;
  run_count: number;
  last_job_id: string | null;
}

export interface JobType {
  job_name: string;
  total_count: number;
  completed_count: number;
  dead_letter_count: number;
  queued_count: number;
  success_rate: number | null;
  avg_processing_time_ms: number | null;
  last_run: string | null;
}

export interface Drift {
  window_minutes: number;
  skewed_names: { job_name: string; queued: number; dead_letter: number; last_seen: string | null }[];
}

export interface AuditEntry {
  at: string;
  actor: string;
  action: string;
  target: string | null;
  address: string | null;
  detail: unknown;
}

export interface Told {
  message: string;
  count?: number;
  job_id?: string;
}
