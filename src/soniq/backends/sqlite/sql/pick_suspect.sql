SELECT json_group_array(rowid) FROM (
    SELECT rowid FROM soniq_jobs
    WHERE status = 'queued' AND crashes > 0 AND scheduled_at <= :now
        AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
        AND job_name NOT IN (SELECT value FROM json_each(:without))
    ORDER BY priority, scheduled_at, id
    LIMIT 1
)
