-- $1 id   $2 hostname   $3 pid   $4 queues or null   $5 concurrency   $6 heartbeat interval
-- $7 version   $8 names it knows   $9 how it finds the database   $10 connections it may open
INSERT INTO soniq_workers (
    id, hostname, pid, queues, concurrency, heartbeat_interval, version, job_names, metadata
)
VALUES (
    $1::uuid, $2, $3, $4, $5, $6, $7, $8,
    jsonb_build_object('address', $9::text, 'connections', $10::int)
)
ON CONFLICT (id) DO UPDATE
SET last_heartbeat = now(), steady_since = now()
WHERE soniq_workers.status <> 'stopped'
RETURNING id
