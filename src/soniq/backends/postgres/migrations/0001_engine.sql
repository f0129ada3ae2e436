-- Columns stand in the order that packs them best: fixed widths first, what may be absent last.
-- Lengths are limits of the type, not checks: a check would be made again by every claim and finish.
CREATE TABLE soniq_jobs (
    id uuid NOT NULL,
    scheduled_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    priority integer NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    crashes integer NOT NULL DEFAULT 0,
    claim integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'queued'
        CONSTRAINT soniq_jobs_status CHECK (status IN ('queued', 'processing', 'done', 'cancelled')),
    queue varchar(128) NOT NULL,
    job_name text NOT NULL,
    args jsonb NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    unknown_since timestamptz,
    worker_id uuid,
    dedup_key varchar(512),
    producer_id text,
    last_error text,
    result jsonb,
    CONSTRAINT soniq_jobs_pkey PRIMARY KEY (id)
) WITH (
    -- Rows change twice and go: dead ones are swept early, in small steps, and the file keeps its
    -- pages, since truncating it would lock everybody out.
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 1,
    autovacuum_analyze_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05,
    vacuum_truncate = off
);

-- Jobs that have never crashed a worker, in claim order.
CREATE INDEX soniq_jobs_claim ON soniq_jobs (queue, priority, scheduled_at, id)
    WHERE status = 'queued' AND crashes = 0;

-- Those that have; empty in health.
CREATE INDEX soniq_jobs_suspects ON soniq_jobs (priority, scheduled_at, id)
    WHERE status = 'queued' AND crashes > 0;

-- What each worker holds, for recovery.
CREATE INDEX soniq_jobs_held ON soniq_jobs (worker_id)
    WHERE status = 'processing';

-- A row keeps its key from enqueue to its end, so queueing it again can never violate this.
CREATE UNIQUE INDEX soniq_jobs_dedup ON soniq_jobs (dedup_key)
    WHERE dedup_key IS NOT NULL AND status IN ('queued', 'processing');

-- What has ended, for pruning.
CREATE INDEX soniq_jobs_ended ON soniq_jobs (finished_at)
    WHERE status IN ('done', 'cancelled');

CREATE TABLE soniq_dead_letter_jobs (
    id uuid NOT NULL CONSTRAINT soniq_dead_letter_jobs_pkey PRIMARY KEY,
    job_name text NOT NULL,
    args jsonb NOT NULL,
    queue varchar(128) NOT NULL,
    priority integer NOT NULL,
    max_attempts integer NOT NULL,
    attempts integer NOT NULL,
    crashes integer NOT NULL,
    dedup_key varchar(512),
    last_error text,
    dead_letter_reason text NOT NULL,
    original_created_at timestamptz NOT NULL,
    moved_to_dead_letter_at timestamptz NOT NULL,
    resurrection_count integer NOT NULL DEFAULT 0,
    last_resurrection_at timestamptz,
    last_resurrection_job_id uuid,
    tags jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX soniq_dead_letter_jobs_newest
    ON soniq_dead_letter_jobs (original_created_at, id);
CREATE INDEX soniq_dead_letter_jobs_moved
    ON soniq_dead_letter_jobs (moved_to_dead_letter_at);

CREATE TABLE soniq_workers (
    id uuid NOT NULL CONSTRAINT soniq_workers_pkey PRIMARY KEY,
    hostname text NOT NULL,
    pid integer NOT NULL,
    queues text[],
    concurrency integer NOT NULL,
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT soniq_workers_status CHECK (status IN ('active', 'stopping', 'stopped')),
    last_heartbeat timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    -- Since when this worker's own heartbeats have come without a gap: only so far back may it
    -- call others late.
    steady_since timestamptz NOT NULL DEFAULT now(),
    -- It was declared dead before it had begun to stop: what it held counts a crash.
    crashed boolean NOT NULL DEFAULT false,
    -- How others know that it lives: the advisory lock of its listener, or only its heartbeat.
    liveness text NOT NULL DEFAULT 'heartbeat'
        CONSTRAINT soniq_workers_liveness CHECK (liveness IN ('lock', 'heartbeat')),
    heartbeat_interval double precision NOT NULL,
    version text NOT NULL,
    job_names text[] NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}'
) WITH (
    -- Every heartbeat is an update; with room on the page none of them touches the index.
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_truncate = off
);

CREATE TABLE soniq_leases (
    name text NOT NULL CONSTRAINT soniq_leases_pkey PRIMARY KEY,
    holder text NOT NULL,
    term bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_truncate = off
);
