-- The first due jobs of some queues at one priority, at most :share of each, in claim order.
SELECT json_group_array(json_array(job.queue, job.rowid, length(job.args)))
FROM json_each(:queues) AS lane
CROSS JOIN soniq_jobs AS job ON job.rowid IN (
    SELECT rowid FROM soniq_jobs INDEXED BY soniq_jobs_claim
    WHERE status = 'queued' AND crashes = 0
        AND queue = lane.value AND priority = :priority AND scheduled_at <= :now
        AND (:without = '[]' OR job_name NOT IN (SELECT value FROM json_each(:without)))
    ORDER BY scheduled_at, id
    LIMIT :share
)
