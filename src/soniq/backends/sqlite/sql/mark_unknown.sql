UPDATE soniq_jobs
SET unknown_since = :since, updated_at = :now
WHERE rowid IN (SELECT value FROM json_each(:rows)) AND status = 'queued'
