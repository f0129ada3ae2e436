-- $1 worker
UPDATE soniq_workers
SET status = 'stopped', stopped_at = now()
WHERE id = $1::uuid AND status <> 'stopped'
