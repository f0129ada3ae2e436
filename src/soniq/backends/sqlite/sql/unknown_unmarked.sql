SELECT rowid, queue, job_name FROM soniq_jobs
WHERE status = 'queued' AND unknown_since IS NULL AND scheduled_at <= :now
    AND job_name IN (SELECT value FROM json_each(:names))
    AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
LIMIT :limit
