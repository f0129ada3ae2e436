-- compatible_with: 1
-- Who records: one row for each worker, or other process, that has stored something.
CREATE TABLE soniq_metric_sessions (
    id uuid NOT NULL CONSTRAINT soniq_metric_sessions_pkey PRIMARY KEY,
    worker_id uuid,
    -- Of the last sync that is stored: a repeated one stores nothing.
    number bigint NOT NULL,
    -- Everything up to this time (seconds since the epoch) is stored.
    closed bigint NOT NULL,
    ended boolean NOT NULL,
    synced_at timestamptz NOT NULL
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_scale_factor = 0,
    vacuum_truncate = off
);

CREATE INDEX soniq_metric_sessions_worker ON soniq_metric_sessions (worker_id);

-- The points of one series in a chunk of time, as one session has recorded them.
CREATE TABLE soniq_metric_chunks (
    session_id uuid NOT NULL,
    starts bigint NOT NULL,
    ends bigint NOT NULL,
    keep bigint NOT NULL,
    -- They stand in a row of the session of nobody, too.
    merged boolean NOT NULL DEFAULT false,
    metric_type text NOT NULL,
    resolution text NOT NULL,
    metric_key text COLLATE "C" NOT NULL,
    points jsonb NOT NULL,
    -- By key first: reads ask for a prefix.
    CONSTRAINT soniq_metric_chunks_pkey
        PRIMARY KEY (metric_key, resolution, starts, metric_type, session_id)
) WITH (
    -- Rows of the current time are updated again and again, in place where there is room.
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.05,
    vacuum_truncate = off
);

CREATE INDEX soniq_metric_chunks_session ON soniq_metric_chunks (session_id);

CREATE VIEW soniq_metric_points AS
SELECT
    c.metric_key, c.metric_type, c.resolution, to_timestamp(point.start) AS bucket,
    s.worker_id,
    CASE c.metric_type
        WHEN 'counter' THEN point.value
        WHEN 'gauge' THEN point.value -> 0
        ELSE jsonb_build_object(
            'count', point.value -> 0, 'sum', point.value -> 1,
            'avg', (point.value ->> 1)::float8 / (point.value ->> 0)::float8,
            'min', point.value -> 2, 'max', point.value -> 3,
            'p50', point.value -> 4, 'p95', point.value -> 5, 'p99', point.value -> 6
        )
    END AS value
FROM soniq_metric_chunks AS c
LEFT JOIN soniq_metric_sessions AS s ON s.id = c.session_id
CROSS JOIN LATERAL (
    SELECT each.key::bigint AS start, each.value FROM jsonb_each(c.points) AS each
) AS point
CROSS JOIN LATERAL (
    SELECT
        CASE c.resolution WHEN '1min' THEN 60 WHEN '5min' THEN 300 WHEN '1hour' THEN 3600
            ELSE 86400 END AS seconds
) AS bucket
WHERE NOT c.merged
    AND point.start > floor(extract(epoch FROM now()) / bucket.seconds) * bucket.seconds - c.keep;
