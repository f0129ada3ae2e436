SELECT
    id::text, hostname, pid, queues, job_names,
    metadata ->> 'address' AS address,
    (metadata ->> 'connections')::int AS connections,
    extract(epoch FROM now() - last_heartbeat)::float8 AS silent_for,
    heartbeat_interval
FROM soniq_workers
WHERE status <> 'stopped'
ORDER BY soniq_workers.id
