SELECT id, rowid, queue, job_name, unknown_since FROM soniq_jobs
WHERE status = 'queued' AND unknown_since IS NOT NULL AND scheduled_at <= :now
    AND job_name IN (SELECT value FROM json_each(:names))
    AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
ORDER BY unknown_since
LIMIT :limit
