-- As lanes.sql, of the queues named in a JSON array.
WITH RECURSIVE lane (queue, priority) AS (
    SELECT
        served.value,
        (
            SELECT priority FROM soniq_jobs
            WHERE status = 'queued' AND crashes = 0 AND queue = served.value
            ORDER BY priority
            LIMIT 1
        )
    FROM json_each(:queues) AS served
    UNION
    SELECT
        lane.queue,
        (
            SELECT job.priority FROM soniq_jobs AS job
            WHERE job.status = 'queued' AND job.crashes = 0
                AND job.queue = lane.queue AND job.priority > lane.priority
            ORDER BY job.priority
            LIMIT 1
        )
    FROM lane
    WHERE lane.priority IS NOT NULL
)
SELECT json_group_array(json_array(
    lane.queue,
    lane.priority,
    (
        SELECT scheduled_at FROM soniq_jobs
        WHERE status = 'queued' AND crashes = 0
            AND queue = lane.queue AND priority = lane.priority
        ORDER BY scheduled_at
        LIMIT 1
    )
))
FROM lane
WHERE lane.priority IS NOT NULL
