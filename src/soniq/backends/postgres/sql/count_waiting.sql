-- $1 rows to count at most: the queued and the running jobs of each queue
SELECT queue::text, 'queued' AS status, count(*) AS jobs,
    extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE scheduled_at <= now()))::float8
        AS oldest_for
FROM (
    SELECT queue, in_reach(scheduled_at) AS scheduled_at
    FROM soniq_jobs
    WHERE status = 'queued' AND crashes = 0
    -- In the index's order rows come grouped already.
    ORDER BY soniq_jobs.queue, priority, soniq_jobs.scheduled_at, id
    LIMIT $1
) AS waiting
GROUP BY queue
UNION ALL
SELECT queue::text, 'queued', count(*),
    extract(epoch FROM now() - min(in_reach(scheduled_at)) FILTER (WHERE scheduled_at <= now()))
        ::float8
FROM soniq_jobs
WHERE status = 'queued' AND crashes > 0
GROUP BY queue
UNION ALL
SELECT queue::text, 'processing', count(*), NULL
FROM soniq_jobs
WHERE status = 'processing'
GROUP BY queue
