UPDATE soniq_jobs
SET status = 'done', finished_at = :now, updated_at = :now
WHERE rowid IN (SELECT value FROM json_each(:rows))
