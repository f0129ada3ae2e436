CREATE TABLE soniq_schedules (
    id uuid NOT NULL CONSTRAINT soniq_schedules_pkey PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    next_run timestamptz NOT NULL,
    -- The due time with its share of the jitter.
    fires_at timestamptz NOT NULL,
    jitter double precision NOT NULL,
    -- Raised by every edit, so that a firing which has seen an earlier one is refused.
    version bigint NOT NULL DEFAULT 1,
    run_count bigint NOT NULL DEFAULT 0,
    priority integer NOT NULL,
    max_attempts integer NOT NULL,
    -- Code has declared it with @app.periodic.
    declared boolean NOT NULL,
    name text NOT NULL CONSTRAINT soniq_schedules_name UNIQUE,
    job_name text NOT NULL,
    schedule_type text NOT NULL
        CONSTRAINT soniq_schedules_type CHECK (schedule_type IN ('cron', 'interval')),
    schedule_value text NOT NULL,
    timezone text NOT NULL,
    catch_up text NOT NULL,
    overlap text NOT NULL,
    status text NOT NULL
        CONSTRAINT soniq_schedules_status CHECK (status IN ('active', 'paused')),
    queue varchar(128) NOT NULL,
    job_kwargs jsonb NOT NULL,
    dedup_key varchar(512),
    last_run timestamptz,
    last_job_id uuid
) WITH (
    -- Every firing is an update.
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_truncate = off
);

CREATE INDEX soniq_schedules_upcoming ON soniq_schedules (fires_at, id) WHERE status = 'active';

-- Who runs, and which schedules their code declares.
CREATE TABLE soniq_schedulers (
    id uuid NOT NULL CONSTRAINT soniq_schedulers_pkey PRIMARY KEY,
    hostname text NOT NULL,
    pid integer NOT NULL,
    schedule_names text[] NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_truncate = off
);
