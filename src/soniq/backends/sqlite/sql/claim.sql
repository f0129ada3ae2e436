UPDATE soniq_jobs
SET status = 'processing',
    worker_id = :worker,
    claim = claim + 1,
    attempts = attempts + 1,
    started_at = :now,
    updated_at = :now
WHERE rowid IN (SELECT value FROM json_each(:rows))
