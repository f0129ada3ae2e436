SELECT min(scheduled_at) FROM soniq_jobs
WHERE status = 'queued' AND crashes > 0
    AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
    AND job_name NOT IN (SELECT value FROM json_each(:without))
