UPDATE soniq_jobs
SET crashes = crashes + :crash, attempts = attempts - 1, updated_at = :now
WHERE status = 'processing' AND worker_id = :worker
