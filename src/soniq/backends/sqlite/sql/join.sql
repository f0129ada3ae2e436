INSERT INTO soniq_workers (
    id, hostname, pid, queues, concurrency, status, last_heartbeat, heartbeat_interval, started_at,
    version, job_names
)
VALUES (
    :id, :hostname, :pid, :queues, :concurrency, 'active', :now, :interval, :now,
    :version, :job_names
)
ON CONFLICT (id) DO NOTHING
