SELECT id, hostname, pid, status, last_heartbeat, heartbeat_interval
FROM soniq_workers
WHERE status <> 'stopped'
