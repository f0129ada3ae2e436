SELECT id, hostname, pid, queues, job_names, last_heartbeat, heartbeat_interval
FROM soniq_workers
WHERE status <> 'stopped'
ORDER BY id
