-- Every queue and priority that has queued jobs, with the due time of its first: a loose index
-- scan, whose cost is in the number of lanes and not of jobs.
WITH RECURSIVE lane (head) AS (
    SELECT (
        SELECT rowid FROM soniq_jobs
        WHERE status = 'queued' AND crashes = 0
        ORDER BY queue, priority, scheduled_at, id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT job.rowid FROM soniq_jobs AS job
        WHERE job.status = 'queued' AND job.crashes = 0
            AND (job.queue, job.priority) > (here.queue, here.priority)
        ORDER BY job.queue, job.priority, job.scheduled_at, job.id
        LIMIT 1
    )
    FROM lane JOIN soniq_jobs AS here ON here.rowid = lane.head
)
SELECT json_group_array(json_array(job.queue, job.priority, job.scheduled_at))
FROM lane JOIN soniq_jobs AS job ON job.rowid = lane.head
