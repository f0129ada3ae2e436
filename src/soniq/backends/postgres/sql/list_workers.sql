-- $1 seconds without a heartbeat after which one is stale
SELECT
    id::text, hostname, pid, queues, concurrency,
    CASE
        WHEN status <> 'stopped' AND last_heartbeat < now() - $1::float8 * interval '1 second'
            THEN 'stale'
        ELSE status
    END AS status,
    in_reach(started_at) AS started_at, in_reach(last_heartbeat) AS last_heartbeat
FROM soniq_workers
ORDER BY soniq_workers.started_at DESC, soniq_workers.id DESC
