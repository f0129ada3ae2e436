SELECT id, hostname, pid, queues, concurrency, status, started_at, last_heartbeat
FROM soniq_workers
ORDER BY started_at DESC, id DESC
