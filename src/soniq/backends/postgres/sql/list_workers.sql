-- $1 seconds without a heartbeat after which one is stale
SELECT
    id::text, hostname, pid, queues, concurrency,
    CASE
        WHEN status <> 'stopped' AND last_heartbeat < now() - $1::float8 * interval '1 second'
            THEN 'stale'
        ELSE status
    END AS status,
    started_at, last_heartbeat
FROM soniq_workers
ORDER BY started_at DESC, soniq_workers.id DESC
