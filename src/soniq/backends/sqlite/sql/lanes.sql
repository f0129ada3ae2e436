-- Every queue and priority that has queued jobs, with the due time of its first: a loose index
-- scan, whose cost is in the number of lanes and not of jobs. A step is two seeks, for comparing
-- (queue, priority) as one row value would walk over the whole lane.
WITH RECURSIVE lane (head) AS (
    SELECT (
        SELECT rowid FROM soniq_jobs
        WHERE status = 'queued' AND crashes = 0
        ORDER BY queue, priority, scheduled_at, id
        LIMIT 1
    )
    UNION ALL
    SELECT coalesce(
        (
            SELECT job.rowid FROM soniq_jobs AS job
            WHERE job.status = 'queued' AND job.crashes = 0
                AND job.queue = here.queue AND job.priority > here.priority
            ORDER BY job.priority, job.scheduled_at, job.id
            LIMIT 1
        ),
        (
            SELECT job.rowid FROM soniq_jobs AS job
            WHERE job.status = 'queued' AND job.crashes = 0 AND job.queue > here.queue
            ORDER BY job.queue, job.priority, job.scheduled_at, job.id
            LIMIT 1
        )
    )
    FROM lane JOIN soniq_jobs AS here ON here.rowid = lane.head
)
SELECT json_group_array(json_array(job.queue, job.priority, job.scheduled_at))
FROM lane JOIN soniq_jobs AS job ON job.rowid = lane.head
