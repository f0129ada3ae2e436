SELECT queue, job_name, count(*), min(scheduled_at)
FROM soniq_jobs
WHERE status = 'queued' AND scheduled_at <= :now
GROUP BY queue, job_name
ORDER BY queue, job_name
