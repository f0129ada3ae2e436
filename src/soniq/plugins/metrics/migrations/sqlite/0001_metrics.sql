-- compatible_with: 1
-- Who records: one row for each worker, or other process, that has stored something.
CREATE TABLE soniq_metric_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    worker_id TEXT,
    -- Of the last sync that is stored: a repeated one stores nothing.
    number INTEGER NOT NULL,
    -- Everything up to this time (seconds since the epoch) is stored.
    closed INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    synced_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX soniq_metric_sessions_worker ON soniq_metric_sessions (worker_id);

-- The points of one series in a chunk of time, as one session has recorded them.
CREATE TABLE soniq_metric_chunks (
    session_id TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    keep INTEGER NOT NULL,
    -- They stand in a row of the session of nobody, too.
    merged INTEGER NOT NULL DEFAULT 0,
    metric_type TEXT NOT NULL,
    resolution TEXT NOT NULL,
    metric_key TEXT NOT NULL,
    points TEXT NOT NULL,
    -- By key first: reads ask for a prefix.
    PRIMARY KEY (metric_key, resolution, starts, metric_type, session_id)
);

CREATE INDEX soniq_metric_chunks_session ON soniq_metric_chunks (session_id);

CREATE VIEW soniq_metric_points AS
SELECT
    c.metric_key, c.metric_type, c.resolution,
    strftime('%Y-%m-%dT%H:%M:%SZ', CAST(point.key AS INTEGER), 'unixepoch') AS bucket,
    s.worker_id,
    CASE c.metric_type
        WHEN 'counter' THEN json(point.value)
        WHEN 'gauge' THEN json(json_extract(point.value, '$[0]'))
        ELSE json_object(
            'count', json_extract(point.value, '$[0]'), 'sum', json_extract(point.value, '$[1]'),
            'avg', 1.0 * json_extract(point.value, '$[1]') / json_extract(point.value, '$[0]'),
            'min', json_extract(point.value, '$[2]'), 'max', json_extract(point.value, '$[3]'),
            'p50', json_extract(point.value, '$[4]'), 'p95', json_extract(point.value, '$[5]'),
            'p99', json_extract(point.value, '$[6]')
        )
    END AS value
FROM soniq_metric_chunks AS c
LEFT JOIN soniq_metric_sessions AS s ON s.id = c.session_id
JOIN json_each(c.points) AS point
WHERE NOT c.merged
    AND CAST(point.key AS INTEGER) > (
        CAST(strftime('%s', 'now') AS INTEGER)
        / CASE c.resolution WHEN '1min' THEN 60 WHEN '5min' THEN 300 WHEN '1hour' THEN 3600
            ELSE 86400 END
        * CASE c.resolution WHEN '1min' THEN 60 WHEN '5min' THEN 300 WHEN '1hour' THEN 3600
            ELSE 86400 END
    ) - c.keep;
