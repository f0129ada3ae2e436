-- compatible_with: 1

CREATE TABLE soniq_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    job_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'done', 'cancelled')),
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL DEFAULT 0,
    claim INTEGER NOT NULL DEFAULT 0,
    dedup_key TEXT,
    scheduled_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    updated_at TEXT NOT NULL,
    unknown_since TEXT,
    worker_id TEXT,
    producer_id TEXT,
    -- What may be long comes last, so that a scan reads none of it.
    last_error TEXT,
    args TEXT NOT NULL,
    result TEXT
);

-- The claim walks one range of it per queue and priority; it holds no job that is not claimable.
CREATE INDEX soniq_jobs_claim ON soniq_jobs (queue, priority, scheduled_at, id)
    WHERE status = 'queued' AND crashes = 0;

-- Jobs that have crashed a worker: empty in health.
CREATE INDEX soniq_jobs_suspects ON soniq_jobs (priority, scheduled_at, id)
    WHERE status = 'queued' AND crashes > 0;

-- Spans queued and processing, so that a requeued job can never clash with a newer one.
CREATE UNIQUE INDEX soniq_jobs_dedup ON soniq_jobs (dedup_key)
    WHERE dedup_key IS NOT NULL AND status IN ('queued', 'processing');

-- For recovery: as small as what is running.
CREATE INDEX soniq_jobs_held ON soniq_jobs (worker_id) WHERE status = 'processing';

CREATE INDEX soniq_jobs_ended ON soniq_jobs (finished_at) WHERE finished_at IS NOT NULL;

-- For lists, newest first; written once a job, at its insert.
CREATE INDEX soniq_jobs_newest ON soniq_jobs (created_at, id);

-- Jobs that wait for a worker that knows them: empty in health.
CREATE INDEX soniq_jobs_unknown ON soniq_jobs (unknown_since)
    WHERE status = 'queued' AND unknown_since IS NOT NULL;

CREATE TABLE soniq_dead_letter_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    job_name TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    dedup_key TEXT,
    dead_letter_reason TEXT NOT NULL,
    original_created_at TEXT NOT NULL,
    moved_to_dead_letter_at TEXT NOT NULL,
    resurrection_count INTEGER NOT NULL DEFAULT 0,
    last_resurrection_at TEXT,
    last_resurrection_job_id TEXT,
    tags TEXT,
    created_at TEXT NOT NULL,
    last_error TEXT,
    args TEXT NOT NULL
);

CREATE INDEX soniq_dead_letter_jobs_moved ON soniq_dead_letter_jobs (moved_to_dead_letter_at);

CREATE TABLE soniq_workers (
    id TEXT NOT NULL PRIMARY KEY,
    hostname TEXT NOT NULL,
    pid INTEGER NOT NULL,
    queues TEXT,
    concurrency INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'stopping', 'stopped')),
    last_heartbeat TEXT NOT NULL,
    heartbeat_interval REAL NOT NULL,
    started_at TEXT NOT NULL,
    version TEXT NOT NULL,
    job_names TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE soniq_leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    term INTEGER NOT NULL,
    expires_at TEXT NOT NULL
);
