UPDATE soniq_jobs
SET status = 'queued', worker_id = NULL, updated_at = :now
WHERE rowid IN (SELECT value FROM json_each(:rows)) AND status = 'processing'
