-- $1 queues: like `discover`, of these queues only
WITH RECURSIVE lane AS (
    SELECT first.*
    FROM unnest($1::text[]) AS served (queue)
    CROSS JOIN LATERAL (
        SELECT j.queue::text, j.priority, j.scheduled_at, j.id
        FROM soniq_jobs AS j
        WHERE j.status = 'queued' AND j.crashes = 0 AND j.queue = served.queue
        ORDER BY j.queue, j.priority, j.scheduled_at, j.id
        LIMIT 1
    ) AS first
    UNION ALL
    SELECT following.*
    FROM lane
    CROSS JOIN LATERAL (
        SELECT j.queue::text, j.priority, j.scheduled_at, j.id
        FROM soniq_jobs AS j
        WHERE j.status = 'queued' AND j.crashes = 0
            AND j.queue = lane.queue AND j.priority > lane.priority
        ORDER BY j.queue, j.priority, j.scheduled_at, j.id
        LIMIT 1
    ) AS following
)
SELECT queue, priority, scheduled_at, id::text,
    extract(epoch FROM scheduled_at - now())::float8 AS wait
FROM lane
UNION ALL
SELECT NULL, NULL, NULL, NULL, extract(epoch FROM min(scheduled_at) - now())::float8
FROM soniq_jobs
WHERE status = 'queued' AND crashes > 0 AND queue = ANY ($1::text[])
