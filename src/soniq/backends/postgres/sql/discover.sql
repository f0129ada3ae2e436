-- $1 queue and $2 priority after which to begin   $3 lanes at most
-- The first job of every lane, found by leaping from lane to lane through the claim index.
-- The row without a queue tells when the first suspect is due.
WITH RECURSIVE lane AS (
    (
        SELECT j.queue::text, j.priority, j.scheduled_at, j.id
        FROM soniq_jobs AS j
        WHERE j.status = 'queued' AND j.crashes = 0
            AND (j.queue, j.priority) > ($1::text, $2::int)
        ORDER BY j.queue, j.priority, j.scheduled_at, j.id
        LIMIT 1
    )
    UNION ALL
    SELECT following.*
    FROM lane
    CROSS JOIN LATERAL (
        SELECT j.queue::text, j.priority, j.scheduled_at, j.id
        FROM soniq_jobs AS j
        WHERE j.status = 'queued' AND j.crashes = 0
            AND (j.queue, j.priority) > (lane.queue, lane.priority)
        ORDER BY j.queue, j.priority, j.scheduled_at, j.id
        LIMIT 1
    ) AS following
)
SELECT queue, priority, scheduled_at, id::text,
    extract(epoch FROM scheduled_at - now())::float8 AS wait
FROM (SELECT * FROM lane LIMIT $3) AS lanes
UNION ALL
SELECT NULL, NULL, NULL, NULL, extract(epoch FROM min(scheduled_at) - now())::float8
FROM soniq_jobs
WHERE status = 'queued' AND crashes > 0
