-- compatible_with: 1

CREATE TABLE soniq_schedules (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    job_name TEXT NOT NULL,
    schedule_type TEXT NOT NULL CHECK (schedule_type IN ('cron', 'interval')),
    schedule_value TEXT NOT NULL,
    timezone TEXT NOT NULL,
    catch_up TEXT NOT NULL,
    overlap TEXT NOT NULL,
    jitter REAL NOT NULL,
    priority INTEGER NOT NULL,
    queue TEXT NOT NULL,
    max_attempts INTEGER NOT NULL,
    job_kwargs TEXT NOT NULL,
    dedup_key TEXT,
    declared INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'paused')),
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    next_run TEXT NOT NULL,
    fires_at TEXT NOT NULL,
    last_run TEXT,
    run_count INTEGER NOT NULL DEFAULT 0,
    last_job_id TEXT
);

CREATE INDEX soniq_schedules_upcoming ON soniq_schedules (fires_at, id) WHERE status = 'active';

-- Who runs, and which schedules their code declares.
CREATE TABLE soniq_schedulers (
    id TEXT NOT NULL PRIMARY KEY,
    hostname TEXT NOT NULL,
    pid INTEGER NOT NULL,
    schedule_names TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
