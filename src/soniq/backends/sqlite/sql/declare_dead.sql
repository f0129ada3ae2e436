-- Guarded by the heartbeat it was judged by: a worker that has spoken since lives.
UPDATE soniq_workers
SET status = 'stopped'
WHERE id = :worker AND status <> 'stopped' AND last_heartbeat = :last_heartbeat
