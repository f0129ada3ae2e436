SELECT CAST(queue AS TEXT), CAST(job_name AS TEXT), count(*), min(scheduled_at)
FROM soniq_jobs
WHERE status = 'queued' AND scheduled_at <= :now
GROUP BY queue, job_name
ORDER BY queue, job_name
