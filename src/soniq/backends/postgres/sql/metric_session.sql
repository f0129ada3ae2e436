-- Also the lock that keeps `merge` from a session while it stores.
INSERT INTO soniq_metric_sessions AS s (id, worker_id, number, closed, ended, synced_at)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET
    number = excluded.number, closed = excluded.closed, ended = excluded.ended,
    synced_at = excluded.synced_at
WHERE NOT s.ended AND s.number < excluded.number
RETURNING number, NOT ended AS open, extract(epoch FROM clock_timestamp())::float8 AS now
