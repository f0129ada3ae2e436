UPDATE soniq_workers
SET last_heartbeat = :now, metadata = json_set(metadata, '$.memory_bytes', :size)
WHERE id = :worker AND status <> 'stopped'
