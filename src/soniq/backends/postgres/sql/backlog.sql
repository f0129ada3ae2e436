SELECT
    queue, job_name, count(*) AS jobs,
    extract(epoch FROM now() - in_reach(min(scheduled_at)))::float8 AS oldest_for
FROM soniq_jobs
WHERE status = 'queued' AND scheduled_at <= now()
GROUP BY queue, job_name
ORDER BY queue, job_name
