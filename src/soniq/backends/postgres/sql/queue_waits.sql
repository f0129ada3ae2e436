SELECT
    queue, count(*) AS depth,
    extract(epoch FROM now() - in_reach(min(scheduled_at)))::float8 AS oldest_age
FROM soniq_jobs
WHERE status = 'queued' AND scheduled_at <= now()
GROUP BY queue
ORDER BY queue
