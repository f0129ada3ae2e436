SELECT queue, count(*), min(scheduled_at)
FROM soniq_jobs
WHERE status = 'queued' AND scheduled_at <= :now
GROUP BY queue
ORDER BY queue
